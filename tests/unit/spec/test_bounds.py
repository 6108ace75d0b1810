"""Bounds of metrics: their units, and proposals that hold once they are read again."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.metrics import registry
from harness.spec.bounds import bound_schema, proposed_bound, read_bound, units_of


@pytest.mark.parametrize(
    ("metric", "found", "value"),
    [
        ("tpot", "15ms", 0.015),
        ("tpot", "15 ms", 0.015),
        ("tpot", "0.5us", 5e-7),
        ("tpot", "0.5µs", 5e-7),
        ("tpot", "1.5h", 5400.0),
        ("tpot", 0.015, 0.015),
        ("tpot", 2, 2.0),
        ("peak_memory", "2GiB", 2.0 * 2**30),
        ("peak_memory", "2GB", 2e9),
        ("tokens_per_second", 250, 250.0),
        ("tokens_per_second", "250 tokens/s", 250.0),
        ("mfu", "40%", 0.4),
        ("mfu", 0.4, 0.4),
        ("parameters", "124 million", 1.24e8),
        ("flops", "3.5 GFLOP", 3.5e9),
        ("energy_per_token", "20mJ", 0.02),
        ("cost_per_million_tokens", "0.3USD", 0.3),
        ("quality_loss", "-0.01 bit/B", -0.01),
        ("quality_loss", 0, 0.0),
    ],
)
def test_a_bound_is_a_number_in_the_metrics_unit_or_has_a_unit(
    metric: str, found: object, value: float
) -> None:
    """15ms is exactly the number 0.015, not one that is a little larger."""
    assert read_bound(found, registry[metric]).value == value


@pytest.mark.parametrize("found", ["15", "15 min", "ms", "", "1e3 s", None, True, [1], "2GiB"])
def test_anything_else_is_refused_with_the_possible_units(found: object) -> None:
    possible = r"write a number in s, or with a unit \(s, ms, us, µs, ns, m, h\)"
    with pytest.raises(ValueError, match=f"cannot be read: {possible}"):
        read_bound(found, registry["tpot"])


def test_a_bound_is_shown_with_a_unit() -> None:
    assert read_bound("15 ms", registry["tpot"]).text == "15 ms"
    assert read_bound(0.015, registry["tpot"]).text == "0.015 s"
    assert read_bound(0.4, registry["mfu"]).text == "0.4"


@pytest.mark.parametrize("name", list(registry))
def test_the_schema_of_every_metrics_bounds_takes_its_units(name: str) -> None:
    metric = registry[name]
    units = units_of(metric)
    schema = bound_schema(metric)
    if not units:
        assert schema == {"type": "number"}
        return
    pattern = schema["anyOf"][1]["pattern"]
    assert all(re.fullmatch(pattern, f"1.5{unit}") for unit in units)


@pytest.mark.parametrize(
    ("metric", "value", "bounds"),
    [
        ("tpot", 0.0121, ("12.1ms", "12.1ms")),
        ("tpot", 0.012345, ("12.3ms", "12.4ms")),
        ("tpot", 99.99, ("99.9s", "100s")),
        ("peak_memory", 1.5 * 2**30, ("1.5GiB", "1.5GiB")),
        ("tokens_per_second", 1234.5, (1230, 1240)),
        ("mfu", 0.40001, (0.4, 0.401)),
        ("quality_loss", -0.012345, (-0.0124, -0.0123)),
        ("quality_loss", 0.0, (0, 0)),
    ],
)
def test_a_proposal_has_three_digits_and_a_readable_unit(
    metric: str, value: float, bounds: tuple[object, object]
) -> None:
    found = tuple(proposed_bound(value, registry[metric], upper=upper) for upper in (False, True))
    assert found == bounds


@given(
    value=st.floats(1e-9, 1e12) | st.floats(-1e6, -1e-6),
    name=st.sampled_from(["tpot", "peak_memory", "tokens_per_second", "mfu", "flops"]),
)
def test_a_proposal_is_never_stricter_than_the_value(value: float, name: str) -> None:
    """Once it is read again, and never far from it."""
    metric = registry[name]
    low, high = (
        read_bound(proposed_bound(value, metric, upper=upper), metric).value
        for upper in (False, True)
    )
    assert low <= value <= high
    assert high - low <= abs(value) * 0.0100001
