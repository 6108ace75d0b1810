"""Splits a model over ranks, with torch's own parallel components."""
