"""Facts are declared: each with its unit, and how ranks' values become one."""

from __future__ import annotations

import pytest

from harness.domain import facts
from harness.domain.facts import Fact, Reduce, declare, fact_of, reduced
from harness.domain.result import Status
from harness.errors import PluginError, UnreadableReport
from harness.worker.messages import Report


@pytest.fixture(autouse=True)
def table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(facts, "_declared", dict(facts._declared))


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("parameters", 10.0),  # the same on each
        ("peak_memory", 5.0),
        ("bubble", 2.5),
        ("rank_activations", 3.0),
        ("sent_bytes_all_reduce", 10.0),
    ],
)
def test_ranks_are_reduced_as_declared(name: str, expected: float) -> None:
    values = [10.0, 10.0] if expected == 10.0 else [2.0, 3.0]
    assert reduced([{name: value} for value in values]) == {name: expected}


def test_a_fact_that_a_rank_lacks_is_the_first_ones() -> None:
    """A sum over some of the ranks would be no sum."""
    assert reduced([{"peak_memory": 2.0}, {}]) == {"peak_memory": 2.0}
    assert reduced([{}, {"peak_memory": 2.0}]) == {}


def test_a_report_with_a_fact_that_nobody_declared_cannot_be_read() -> None:
    report = Report(Status.OK, facts={"paek_memory": 1.0})
    with pytest.raises(UnreadableReport, match="the fact 'paek_memory' is not declared"):
        Report.decode(report.encode())


def test_a_package_declares_facts_of_its_own() -> None:
    declare(Fact("cache_hits", "1", Reduce.SUM))
    report = Report(Status.OK, facts={"cache_hits": 1.0})
    assert Report.decode(report.encode()) == report
    assert reduced([{"cache_hits": 1.0}, {"cache_hits": 2.0}]) == {"cache_hits": 3.0}
    declare(Fact("cache_hits", "1", Reduce.SUM))  # its module may be loaded again
    with pytest.raises(PluginError, match="declared twice"):
        declare(Fact("cache_hits", "B"))


def test_a_family_of_facts_has_one_row() -> None:
    found = fact_of("collectives_all_reduce")
    assert found is not None
    assert found.name == "collectives_*"
    assert fact_of("collectivesque") is None
