"""The Transformer, its named sizes, its files and its cost as arithmetic."""
