"""A cell's metrics, from its rounds."""

from __future__ import annotations

from dataclasses import replace

from harness.dispatch.summary import estimates, valued, with_headline
from harness.domain.result import Round, Sample, Status


def timed(index: int, samples: int) -> Round:
    """A round with this many samples."""
    return valued(Round(index, Status.OK, samples=(Sample("latency", 0.1),) * samples))


def test_a_percentile_needs_enough_samples_in_each_round() -> None:
    """Otherwise it would describe only some of the rounds."""
    assert "time_p90" in estimates([timed(0, 50), timed(1, 60)])
    assert "time_p90" not in estimates([timed(0, 50), timed(1, 49)])


def test_other_metrics_come_from_the_rounds_that_have_them() -> None:
    """Logits are compared in the first round only."""
    first = valued(Round(0, Status.OK, facts={"logit_error": 0.1}))
    assert estimates([first, timed(1, 3)])["logit_error"].rounds == 1


def test_a_successful_round_without_its_headline_metric_is_a_failure() -> None:
    """Only a broken or hostile process reports such a round. Other rounds are unchanged."""
    empty, failed = valued(Round(0, Status.OK)), Round(0, Status.FAILED, "ValueError")
    found = with_headline(empty, "latency")
    assert (found.status, found.reason) == (
        Status.FAILED,
        "its report cannot be read: it has no latency",
    )
    assert with_headline(failed, "latency") == failed
    assert with_headline(timed(0, 3), "latency") == timed(0, 3)


def disturbed(one: Round) -> Round:
    """The round, disturbed by other processes that used a third of the CPU."""
    return replace(one, facts={**one.facts, "host_others": 0.33})


def slower(index: int) -> Round:
    return valued(disturbed(Round(index, Status.OK, samples=(Sample("latency", 0.3),) * 50)))


def test_disturbed_rounds_do_not_count_if_there_are_enough_others() -> None:
    """They are stored and shown, but marked."""
    quiet = [timed(index, 50) for index in range(3)]
    for order in ([slower(3), *quiet], [*quiet, slower(3), slower(4), slower(5), slower(6)]):
        latency = estimates(order)["latency"]
        assert (latency.value, latency.high, latency.rounds) == (0.1, 0.1, 3)
    assert estimates([*quiet[:2], slower(2)])["latency"].rounds == 3


def test_a_metric_measured_once_counts_even_if_its_round_was_disturbed() -> None:
    """Logits are compared in the first round, disturbed or not."""
    first = valued(disturbed(Round(0, Status.OK, facts={"logit_error": 0.1})))
    found = estimates([first, *(timed(index, 50) for index in range(1, 4))])
    assert (found["logit_error"].value, found["latency"].rounds) == (0.1, 3)


def test_a_percentile_comes_only_from_rounds_that_count() -> None:
    """They have too few samples for it. Those of disturbed rounds do not replace it."""
    rounds = [*(timed(index, 49) for index in range(3)), *(slower(index) for index in range(3, 9))]
    assert "time_p90" not in estimates(rounds)
