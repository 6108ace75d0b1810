"""Rounds in processes of their own: the parent orders and watches, the child measures."""
