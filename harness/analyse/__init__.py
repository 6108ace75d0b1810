"""Statistics as pure functions over values: no I/O."""
