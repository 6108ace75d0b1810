"""Which machine this is, how it is set to run, and what interferes with a measurement."""
