"""The domain's terms as frozen values: no I/O, no torch."""
