"""Reads a spec file into cells. Every error has its place in the file."""
