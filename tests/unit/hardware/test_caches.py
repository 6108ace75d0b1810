"""The size of the last-level caches, as Linux reports it."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import Unsupported
from harness.hardware.caches import last_level_bytes


def make_cache(cpu: Path, core: int, index: int, level: int, sharing: str, size: str) -> None:
    folder = cpu / f"cpu{core}" / "cache" / f"index{index}"
    folder.mkdir(parents=True)
    for name, text in (("level", str(level)), ("shared_cpu_list", sharing), ("size", size)):
        (folder / name).write_text(f"{text}\n")


def test_the_caches_of_the_highest_level_add_up(tmp_path: Path) -> None:
    """Two packages of two cores; each core tells of the cache that it shares."""
    for core in range(4):
        make_cache(tmp_path, core, 0, 1, str(core), "48K")
        make_cache(tmp_path, core, 3, 3, "0-1" if core < 2 else "2-3", "32768K")
    assert last_level_bytes(tmp_path) == 2 * 32768 * 1024


def test_without_a_known_size_it_is_unsupported(tmp_path: Path) -> None:
    with pytest.raises(Unsupported, match="does not report the size of its caches"):
        last_level_bytes(tmp_path)
