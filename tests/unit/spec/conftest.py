"""Fixtures of the small catalog, for specs."""

from tests.unit.small_catalog import catalog, faults, gpt2_bytes, gpu_host, host, load_here, read

__all__ = ["catalog", "faults", "gpt2_bytes", "gpu_host", "host", "load_here", "read"]
