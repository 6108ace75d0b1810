"""A hardware choice in one word."""

from __future__ import annotations

import pytest

from harness.domain.cell import Choice
from harness.errors import SpecError
from harness.spec.hardware import parse_hardware


@pytest.mark.parametrize(
    ("text", "choice"),
    [
        ("local", Choice("local")),
        ("cuda", Choice("cuda")),
        ("cpu:threads=2", Choice("cpu", (("threads", 2),))),
        ("cpu: threads = 2", Choice("cpu", (("threads", 2),))),
        ("cpu:threads=[1]", Choice("cpu", (("threads", 1),))),
        ("cpu:threads=0", Choice("cpu")),  # its default
        ("cpu:", Choice("cpu")),
    ],
)
def test_it_is_the_choice_a_spec_makes(text: str, choice: Choice) -> None:
    assert parse_hardware(text) == choice


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("gpu", "--hardware gpu: unknown hardware 'gpu'; did you mean 'cpu'?"),
        ("", "unknown hardware ''"),
        ("cpu:thread=2", "did you mean 'threads'?"),
        ("cpu:threads=two", "--hardware cpu:threads=two: "),
        ("cpu:threads=-1", "--hardware cpu:threads=-1: "),
        ("cpu:threads", "write options as name:option=value"),
        ("cpu:threads={", "not YAML"),
    ],
)
def test_a_wrong_one_is_told_with_what_is_possible(text: str, message: str) -> None:
    with pytest.raises(SpecError) as told:
        parse_hardware(text)
    assert message in str(told.value)
    assert len(told.value.problems) == 1
