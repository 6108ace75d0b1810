"""Comparing commits: nights, gates, bisection and old commits. Each drives the pipeline."""
