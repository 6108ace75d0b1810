"""A spec after it is read: its cells, and how hard to measure them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from harness.domain.cell import Cell
from harness.domain.expectation import Expectation
from harness.spec.settings import Limits, Measure
from harness.subject.source import Source


@dataclass(frozen=True)
class Spec:
    """The content of one spec file.

    `baseline` maps a cell's id to the id of its baseline, which `--only` may have removed from
    `cells`. `weights` maps the digests in the models to the paths of their files. `prices` are US
    dollars per hour, by hardware as the plan prints it or by its name alone. `expectations` may
    name cells that `--only` has removed.
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
    subject: Source | None = None  # None: the harness's own repository
    expectations: tuple[Expectation, ...] = ()
