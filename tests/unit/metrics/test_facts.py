"""The facts that metrics are made from are facts that rounds report."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

import harness
from harness import metrics
from harness.domain.result import Round, Sample, Status
from harness.metrics import Metric

# The rooms that read facts; all others may report some.
READERS = {"analyse", "cli", "contract", "metrics", "site", "store"}


class Asked(dict[str, float]):
    """Every fact there could be; remembers which were asked for."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def __getitem__(self, name: str) -> float:
        self.names.add(name)
        return 1.0

    def get(self, name: str, default: Any = None) -> float:
        return self[name]

    def __contains__(self, name: object) -> bool:
        return True


@pytest.fixture(scope="module")
def words() -> set[str]:
    """The strings of the code that reports facts."""
    top = Path(harness.__file__).parent
    files = [one for one in top.rglob("*.py") if one.relative_to(top).parts[0] not in READERS]
    nodes = (node for file in files for node in ast.walk(ast.parse(file.read_text())))
    return {
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }


@pytest.mark.parametrize("sections", [("latency",), ("tpot",)], ids=str)
@pytest.mark.parametrize("entry", metrics.registry.entries(), ids=lambda one: one.name)
def test_a_metric_asks_for_facts_that_the_code_names(
    entry: type[Metric], sections: tuple[str, ...], words: set[str]
) -> None:
    """A name misspelt on one side would show nowhere: the metric would be missing."""
    facts = Asked()
    samples = tuple(Sample(section, 0.5) for section in sections)
    entry().value(Round(0, Status.OK, samples=samples, facts=facts))
    assert facts.names <= words
