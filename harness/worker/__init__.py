"""The child's side of a round: build the model, run it, measure it, report."""
