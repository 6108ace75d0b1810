"""Configuring the C library's allocator, through a fake library."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.worker.allocator import configure, trim

_MMAP, _TRIM = -3, -1


class Glibc:
    """Accepts the options that `accepts` allows, and records all requests."""

    def __init__(self, accepts: Callable[[int, int], bool] = lambda *_: True) -> None:
        self.requests: list[tuple[int, int]] = []
        self.trimmed = 0
        self._accepts = accepts

    def gnu_get_libc_version(self) -> bytes:
        return b"2.36"

    def mallopt(self, option: int, value: int) -> int:
        self.requests.append((option, value))
        return int(self._accepts(option, value))

    def malloc_trim(self, _: int) -> int:
        self.trimmed += 1
        return 1


def test_large_blocks_come_from_a_heap_that_is_kept() -> None:
    library = Glibc()
    state = configure("steady", library)
    assert state == "glibc, blocks of up to 1024 MiB from a heap that is kept"
    assert library.requests == [(_MMAP, 2**30), (_TRIM, 2**31 - 1)]


def test_a_glibc_that_bounds_the_threshold_gets_the_largest_it_accepts() -> None:
    library = Glibc(lambda option, value: option != _MMAP or value <= 2**25)
    assert configure("steady", library) == "glibc, blocks of up to 32 MiB from a heap that is kept"


@pytest.mark.parametrize(
    ("refused", "state"),
    [
        ({_MMAP, _TRIM}, "the system's default: mallopt refused to change it"),
        ({_MMAP}, "glibc, a heap that is kept; mallopt refused to take large blocks from it"),
        ({_TRIM}, "glibc, blocks of up to 1024 MiB from a heap; mallopt refused to keep the heap"),
    ],
)
def test_the_state_names_what_mallopt_refused(refused: set[int], state: str) -> None:
    assert configure("steady", Glibc(lambda option, _: option not in refused)) == state


def test_default_changes_nothing() -> None:
    library = Glibc()
    assert configure("default", library) == "the system's default"
    assert library.requests == []


def test_other_libraries_are_left_alone() -> None:
    assert configure("steady", object()) == "the system's default: this is not glibc"
    trim(object())


def test_trim_returns_free_memory() -> None:
    library = Glibc()
    trim(library)
    assert library.trimmed == 1
