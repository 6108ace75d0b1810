"""Linear layers that keep their weight otherwise than as one dense matrix."""
