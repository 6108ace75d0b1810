"""The parent's side of a round: chooses the next one, prepares its files, and runs it."""
