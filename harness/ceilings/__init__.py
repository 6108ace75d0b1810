"""A device's ceilings: candidate kernels, the search for the fastest, the process that runs it."""
