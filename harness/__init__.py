"""A declarative benchmark harness for GPT-style Transformers."""

__version__ = "0.1.0"
