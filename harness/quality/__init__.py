"""Model quality beside speed: text of known entropy, a reference model, scores."""
