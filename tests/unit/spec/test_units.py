import re
from typing import Any

import pytest
from pydantic import TypeAdapter

from harness.spec.units import Duration, Share, Size, duration, share, size, size_text


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("500ms", 0.5), ("60s", 60.0), ("10m", 600.0), ("1.5h", 5400.0), ("2 s", 2.0)],
)
def test_a_duration_is_a_number_with_a_unit(text: str, seconds: float) -> None:
    assert seconds == duration(text)


@pytest.mark.parametrize(
    ("text", "count"),
    [("1B", 1), ("2GB", 2 * 10**9), ("512MiB", 512 * 2**20), ("1.5KiB", 1536), ("1 TiB", 2**40)],
)
def test_a_size_is_a_number_with_a_unit(text: str, count: int) -> None:
    assert count == size(text)


@pytest.mark.parametrize(
    ("found", "value"), [("2%", 0.02), ("100 %", 1.0), (0.02, 0.02), (1, 1.0), ("0.5%", 0.005)]
)
def test_a_share_is_a_percentage_or_a_number_up_to_one(found: object, value: float) -> None:
    assert value == share(found)


@pytest.mark.parametrize("found", [60, 1.5])
def test_a_bare_number_is_told_to_take_a_unit(found: float) -> None:
    with pytest.raises(ValueError, match=f"{found} has no unit: write .* 60s, 10m or 1.5h"):
        duration(found)
    with pytest.raises(ValueError, match=f"{found} has no unit: write .* 16GiB or 2GB"):
        size(found)


@pytest.mark.parametrize("found", ["", "s", "1d", "-1s", "1e3s", "60sec", "1s2", True, None, [1]])
def test_what_is_no_duration_is_refused(found: object) -> None:
    with pytest.raises(ValueError, match="cannot be read: write a number with a unit"):
        duration(found)


@pytest.mark.parametrize("found", ["0s", "0.0h"])
def test_no_time_is_refused(found: str) -> None:
    with pytest.raises(ValueError, match="is not above zero: write a number with a unit"):
        duration(found)


@pytest.mark.parametrize("found", ["16", "16G", "16gib", "GiB", True])
def test_what_is_no_size_is_refused(found: object) -> None:
    with pytest.raises(ValueError, match="cannot be read: write a number with a unit"):
        size(found)


@pytest.mark.parametrize("found", [0, 0.0, 5, -1, "0%", "101%", float("nan")])
def test_a_share_out_of_bounds_is_refused(found: object) -> None:
    with pytest.raises(ValueError, match="not above 0% and at most 100%"):
        share(found)


@pytest.mark.parametrize(
    ("count", "text"),
    [(0, "0 B"), (512, "512 B"), (1536, "1.5 KiB"), (652 * 2**30, "652 GiB"), (2**50, "1024 TiB")],
)
def test_sizes_are_told_in_the_unit_that_fits(count: int, text: str) -> None:
    assert text == size_text(count)


@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        (Duration, ["500ms", "1.5h", "2 s"], ["60", "1d", "s"]),
        (Size, ["16GiB", "2GB", "1B"], ["16", "16G"]),
        (Share, ["2%"], ["2", "%"]),
    ],
)
def test_the_json_schema_knows_the_same_units(kind: Any, good: list[str], bad: list[str]) -> None:
    """So that an editor accepts what the harness does, and no more."""
    schema = TypeAdapter(kind).json_schema()
    strings = [one for one in schema.get("anyOf", [schema]) if one["type"] == "string"]
    pattern = strings[0]["pattern"]
    assert [True] * len(good) == [bool(re.search(pattern, text)) for text in good]
    assert [False] * len(bad) == [bool(re.search(pattern, text)) for text in bad]
