"""Whose code is measured: its commit, its other packages, and the software around it."""
