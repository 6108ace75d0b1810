"""What a model is worth beside its speed: text of known entropy, a reference model, figures."""
