"""What every strategy promises; that a split model computes the same is for each run to prove."""

from __future__ import annotations

import sys

from harness.contract.plugin import example_of
from harness.parallelism import Parallelism


def test_it_counts_processes_and_pieces(entry: type[Parallelism]) -> None:
    strategy = example_of(entry)
    assert strategy.degree >= 1
    assert strategy.cuts >= 1
    assert 1 <= strategy.shares <= max(strategy.degree, 1)


def test_what_it_uses_can_be_imported_beforehand(entry: type[Parallelism]) -> None:
    """Once, before the ranks start, so that no rank pays for it."""
    example_of(entry).preload()
    assert {*entry.modules} <= {*sys.modules}


def test_a_bare_value_gives_one_of_its_options(entry: type[Parallelism]) -> None:
    """`{data: 2}`; an entry without options needs none."""
    fields = entry.Options.model_fields
    assert not fields or entry.short in fields
