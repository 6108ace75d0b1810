"""Metrics of a cell from its rounds."""

from __future__ import annotations

from harness.domain.result import Round, Sample, Status
from harness.execute.summary import estimates, valued, with_headline


def timed(index: int, samples: int) -> Round:
    """A round of so many samples."""
    return valued(Round(index, Status.OK, samples=(Sample("latency", 0.1),) * samples))


def test_a_percentile_needs_samples_enough_in_each_round() -> None:
    """Else it would speak for some of them."""
    assert "time_p90" in estimates([timed(0, 50), timed(1, 60)])
    assert "time_p90" not in estimates([timed(0, 50), timed(1, 49)])


def test_other_metrics_are_of_the_rounds_that_have_them() -> None:
    """The logits are compared in the first alone."""
    first = valued(Round(0, Status.OK, facts={"logit_error": 0.1}))
    assert estimates([first, timed(1, 3)])["logit_error"].rounds == 1


def test_a_round_that_went_well_without_its_headline_did_not() -> None:
    """Only a broken or hostile process reports that; other rounds stay as they are."""
    empty, failed = valued(Round(0, Status.OK)), Round(0, Status.FAILED, "ValueError")
    found = with_headline(empty, "latency")
    assert (found.status, found.reason) == (
        Status.FAILED,
        "its report cannot be read: it has no latency",
    )
    assert with_headline(failed, "latency") == failed
    assert with_headline(timed(0, 3), "latency") == timed(0, 3)
