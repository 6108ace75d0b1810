"""The parent's side of a round: which come next, where each is measured, what it needs first."""
