from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import ModuleType

from harness.domain.metric import Direction, Estimate
from harness.domain.result import Result
from harness.site.surroundings import bound, conditions, surroundings

WORK = {"flops": 3e9, "bytes_moved": 2e7}
CEILINGS = {"peak_flops": 1e12, "peak_bandwidth": 1e10}


def with_facts(
    sample: ModuleType, *facts: Mapping[str, float], notes: Mapping[str, str] | None = None
) -> Result:
    """A result with one round for each of these facts."""
    plain: Result = sample.make_result()
    one = plain.rounds[0]
    rounds = tuple(replace(one, facts=dict(each), notes=notes or {}) for each in facts)
    return replace(plain, rounds=rounds)


def test_the_text_names_the_bound_and_the_share_reached(sample: ModuleType) -> None:
    result = with_facts(sample, {**WORK, **CEILINGS})
    share = Estimate(0.62, 0.6, 0.64, "1", Direction.HIGHER, 3, 60)
    text = bound(replace(result, metrics={**result.metrics, "roofline_share": share}))
    assert text == (
        "An iteration does 3 GFLOP and moves 19.1 MiB: 150 FLOP per byte. In the time that this "
        "host reads a byte it can do 100 FLOP, so compute binds. "
        "The cell reaches 62 % of the roofline."
    )


def test_few_flops_a_byte_are_bound_by_bandwidth(sample: ModuleType) -> None:
    text = bound(with_facts(sample, {**WORK, "flops": 3e7, **CEILINGS}))
    assert "memory bandwidth binds." in text


def test_more_than_the_roofline_is_explained(sample: ModuleType) -> None:
    """A model that fits into the caches is not read from memory."""
    result = with_facts(sample, {**WORK, "flops": 3e7, **CEILINGS})
    share = Estimate(1.7, None, None, "1", Direction.HIGHER, 1, 20)
    text = bound(replace(result, metrics={"roofline_share": share}))
    assert text.endswith(
        "170 % of the roofline: caches hold part of what is counted as read from memory."
    )


def test_without_ceilings_the_bound_is_not_guessed(sample: ModuleType) -> None:
    text = bound(with_facts(sample, WORK))
    assert "150 FLOP per byte" in text
    assert "not known whether compute or memory bandwidth binds" in text


def test_without_counted_bytes_there_is_no_text(sample: ModuleType) -> None:
    """Training does not count bytes."""
    assert bound(with_facts(sample, {"flops": 3e9, **CEILINGS})) == ""


def test_conditions_span_the_rounds(sample: ModuleType) -> None:
    result = with_facts(
        sample,
        {"host_mhz": 2900.0, "host_load": 0.5},
        {"host_mhz": 3100.0, "host_load": 0.5},
        notes={"host_governor": "powersave"},
    )
    assert dict(conditions(result.rounds)) == {
        "frequency governor": "powersave",
        "processor frequency at the end of rounds": "2,900 to 3,100 MHz",
        "load average before rounds, earlier rounds included": "0.5",
    }


def test_no_interference_differs_from_none_measured(sample: ModuleType) -> None:
    quiet = surroundings(with_facts(sample, {"host_others": 0.0}))
    unknown = surroundings(with_facts(sample, {}))
    assert (quiet.looked, quiet.disturbed) == (True, ())
    assert (unknown.looked, unknown.disturbed) == (False, ())


def test_a_requested_metric_that_is_missing_is_listed_by_its_title(sample: ModuleType) -> None:
    result = with_facts(sample, {}, notes={"energy_per_token": "no counter"})
    assert surroundings(result).not_measured == (("Energy per token", "no counter"),)
