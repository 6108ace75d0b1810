"""What every strategy promises. Each run checks that a split model computes the same."""

from __future__ import annotations

import sys

from harness.contract.plugin import example_of
from harness.parallelism import Parallelism


def test_it_counts_processes_and_pieces(entry: type[Parallelism]) -> None:
    strategy = example_of(entry)
    assert strategy.degree >= 1
    assert strategy.cuts >= 1
    assert 1 <= strategy.shares <= max(strategy.degree, 1)


def test_its_modules_can_be_imported_beforehand(entry: type[Parallelism]) -> None:
    """Imported once before the ranks start, so that ranks start faster."""
    example_of(entry).preload()
    assert {*entry.modules} <= {*sys.modules}


def test_a_bare_value_sets_one_of_its_options(entry: type[Parallelism]) -> None:
    """E.g. `{data: 2}`; an entry without options needs no such option."""
    fields = entry.Options.model_fields
    assert not fields or entry.short in fields
