"""What a device can do at best: kernels, the search for the fastest, and a process to run it in."""
