"""What runs in a round's own process: opens the model, measures it, and reports."""
