"""Metrics of a cell from its rounds."""

from __future__ import annotations

from dataclasses import replace

from harness.dispatch.summary import estimates, valued, with_headline
from harness.domain.result import Round, Sample, Status


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


def disturbed(one: Round) -> Round:
    """The round, while other processes took a third of the CPU."""
    return replace(one, facts={**one.facts, "host_others": 0.33})


def slower(index: int) -> Round:
    return valued(disturbed(Round(index, Status.OK, samples=(Sample("latency", 0.3),) * 50)))


def test_disturbed_rounds_are_no_part_of_a_figure_where_enough_others_are() -> None:
    """They are stored and shown, and kept apart."""
    quiet = [timed(index, 50) for index in range(3)]
    for order in ([slower(3), *quiet], [*quiet, slower(3), slower(4), slower(5), slower(6)]):
        latency = estimates(order)["latency"]
        assert (latency.value, latency.high, latency.rounds) == (0.1, 0.1, 3)
    assert estimates([*quiet[:2], slower(2)])["latency"].rounds == 3


def test_what_is_measured_once_counts_though_its_round_was_disturbed() -> None:
    """The logits are compared in the first round, whatever else the machine does meanwhile."""
    first = valued(disturbed(Round(0, Status.OK, facts={"logit_error": 0.1})))
    found = estimates([first, *(timed(index, 50) for index in range(1, 4))])
    assert (found["logit_error"].value, found["latency"].rounds) == (0.1, 3)


def test_a_percentile_is_of_the_rounds_that_count_alone() -> None:
    """Those have too few samples for it: that of disturbed ones does not stand in."""
    rounds = [*(timed(index, 49) for index in range(3)), *(slower(index) for index in range(3, 9))]
    assert "time_p90" not in estimates(rounds)
