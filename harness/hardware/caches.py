"""The size of the processors' last-level caches, as Linux reports it."""

from __future__ import annotations

from pathlib import Path

from harness.errors import Unsupported

CPU = Path("/sys/devices/system/cpu")


def last_level_bytes(cpu: Path = CPU) -> int:
    """Total bytes of all last-level caches of the host.

    Raises Unsupported if the system does not report them.
    """
    caches = [_cache(folder) for folder in cpu.glob("cpu[0-9]*/cache/index[0-9]*")]
    if not caches:
        raise Unsupported("this system does not report the size of its caches; `cold` needs it")
    highest = max(level for level, _, _ in caches)
    # Every core that shares a cache reports it.
    distinct = {sharing: size for level, sharing, size in caches if level == highest}
    return sum(distinct.values())


def _cache(folder: Path) -> tuple[int, str, int]:
    """The cache's level, the cores that share it, and its bytes. Linux writes KiB: `32768K`."""
    level, sharing, size = (
        (folder / name).read_text().strip() for name in ("level", "shared_cpu_list", "size")
    )
    return int(level), sharing, int(size.removesuffix("K")) * 1024
