"""Decides what to do with each cell, and estimates how long it will take. Pure."""
