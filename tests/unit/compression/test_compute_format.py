"""The format that a cell's products run in."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness import compression
from harness.compression import Compression, compute_format
from harness.domain.cell import Cell, Choice


class Pruned(Compression):
    """Leaves the format alone."""


class Int4(Compression):
    """Computes in another format."""

    computes = "int4"


@pytest.mark.parametrize(
    ("names", "told"),
    [
        ((), "bf16"),
        (("pruned",), "bf16"),
        (("int8-dynamic",), "int8"),
        (("int8-dynamic", "pruned"), "int8"),
        (("int8-dynamic", "int4", "pruned"), "int4"),
    ],
)
def test_the_last_compression_that_changes_it_decides(
    make_cell: Callable[..., Cell],
    monkeypatch: pytest.MonkeyPatch,
    names: tuple[str, ...],
    told: str,
) -> None:
    """Without one it is the cell's precision."""
    entries = {"pruned": Pruned, "int4": Int4, "int8-dynamic": compression.registry["int8-dynamic"]}
    monkeypatch.setattr(compression, "registry", entries)
    cell = make_cell(precision=Choice("bf16"), compression=tuple(map(Choice, names)))
    assert compute_format(cell) == told
