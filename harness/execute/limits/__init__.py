"""What a device can do at best: kernels, the search for the best of them, the clock."""
