"""A spec once read: its cells, and how hard to measure them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.domain.cell import Cell
from harness.spec.settings import Limits, Measure


@dataclass(frozen=True)
class Spec:
    """What one file asks for.

    `baseline` tells, by cell id, the cell that it is compared with; that one is in the file's
    matrix, but may be missing from `cells` where `--only` narrowed them. `weights` tells where
    the files are that models' weights come from, by the digest that the models hold. `prices` are
    US dollars an hour, by what the hardware is called.
    """

    name: str
    question: str
    file: str
    digest: str  # of the text and the overrides
    measure: Measure
    limits: Limits
    cells: tuple[Cell, ...]
    baseline: Mapping[str, str] = field(default_factory=dict)
    weights: Mapping[str, str] = field(default_factory=dict)
    prices: Mapping[str, float] = field(default_factory=dict)
