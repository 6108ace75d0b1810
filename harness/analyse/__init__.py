"""Statistics over values: pure functions, no I/O."""
