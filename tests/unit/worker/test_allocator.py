"""The state of the C library's allocator, set through a library that is made up."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.worker.allocator import release, settle

_MMAP, _TRIM = -3, -1


class Glibc:
    """Takes what `takes` says, and keeps what it was asked."""

    def __init__(self, takes: Callable[[int, int], bool] = lambda *_: True) -> None:
        self.asked: list[tuple[int, int]] = []
        self.trimmed = 0
        self._takes = takes

    def gnu_get_libc_version(self) -> bytes:
        return b"2.36"

    def mallopt(self, option: int, value: int) -> int:
        self.asked.append((option, value))
        return int(self._takes(option, value))

    def malloc_trim(self, _: int) -> int:
        self.trimmed += 1
        return 1


def test_large_blocks_come_from_a_heap_that_is_kept() -> None:
    library = Glibc()
    told = settle("steady", library)
    assert told == "glibc, blocks of up to 1024 MiB from a heap that is kept"
    assert library.asked == [(_MMAP, 2**30), (_TRIM, 2**31 - 1)]


def test_a_glibc_that_bounds_the_threshold_gets_the_most_it_takes() -> None:
    library = Glibc(lambda option, value: option != _MMAP or value <= 2**25)
    assert settle("steady", library) == "glibc, blocks of up to 32 MiB from a heap that is kept"


@pytest.mark.parametrize(
    ("refused", "state"),
    [
        ({_MMAP, _TRIM}, "the system's default: mallopt refused to change it"),
        ({_MMAP}, "glibc, a heap that is kept; mallopt refused to take large blocks from it"),
        ({_TRIM}, "glibc, blocks of up to 1024 MiB from a heap; mallopt refused to keep the heap"),
    ],
)
def test_what_was_set_is_said_and_what_was_refused(refused: set[int], state: str) -> None:
    assert settle("steady", Glibc(lambda option, _: option not in refused)) == state


def test_the_default_is_left_alone() -> None:
    library = Glibc()
    assert settle("default", library) == "the system's default"
    assert library.asked == []


def test_other_libraries_are_left_alone() -> None:
    assert settle("steady", object()) == "the system's default: this is not glibc"
    release(object())


def test_free_memory_goes_back_once_asked() -> None:
    library = Glibc()
    release(library)
    assert library.trimmed == 1
