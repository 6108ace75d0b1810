"""The host: its hardware, its settings, and what interferes with a measurement."""
