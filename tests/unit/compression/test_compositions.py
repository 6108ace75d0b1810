"""Which compressions stand behind each other, and why others cannot."""

from __future__ import annotations

import pytest

from harness.compression import misplaced, registry


@pytest.mark.parametrize(
    "names",
    [
        ("heads", "int8-dynamic"),
        ("heads", "channels", "layers"),
        ("distill", "2:4", "int8-weight-only"),
        ("kv-int8", "heads", "int8-dynamic"),
        ("int8-dynamic", "kv-int8"),
        ("svd", "wanda", "int4-weight-only"),
        ("magnitude", "2:4"),
        ("distill", "block"),
        ("block", "recover"),
        ("svd", "recover", "int8-dynamic"),
    ],
    ids=str,
)
def test_what_goes_by_stages_composes(names: tuple[str, ...]) -> None:
    assert misplaced([registry[name] for name in names]) is None


@pytest.mark.parametrize(
    ("names", "place", "reason"),
    [
        (("int8-dynamic", "heads"), 1, "must stand before it: [heads, int8-dynamic]"),
        (("2:4", "svd"), 1, "svd changes what 2:4 works on"),
        (("int8-dynamic", "int4-weight-only"), 1, "has already given the model a number format"),
        (("kv-int8", "kv-int8"), 1, "has already given the model a state"),
        (("distill", "distill"), 1, "has already given the model a model"),
        (("block", "int8-weight-only"), 1, "the layers of block take no int8-weight-only"),
        (("recover", "magnitude"), 1, "magnitude changes what recover works on"),
        (("heads", "channels", "distill"), 2, "distill changes what heads works on"),
    ],
    ids=str,
)
def test_what_cannot_compose_is_told_with_the_reason(
    names: tuple[str, ...], place: int, reason: str
) -> None:
    found = misplaced([registry[name] for name in names])
    assert found is not None
    assert found[0] == place
    assert reason in found[1]
