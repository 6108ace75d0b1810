"""The Transformer itself, its named sizes, and its cost as arithmetic."""
