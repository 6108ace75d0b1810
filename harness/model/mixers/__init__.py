"""The modules behind operators that need more than a way to attend. One idea a file."""
