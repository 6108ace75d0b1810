"""The docs name everything: a new entry, option or key without its line fails here."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest

from harness import (
    backends,
    compression,
    hardware,
    launchers,
    metrics,
    operators,
    parallelism,
    scenarios,
)
from harness.ceilings.measure import wanted
from harness.cli import cli
from harness.domain.cell import Choice
from harness.domain.precision import PRECISIONS
from harness.domain.result import Status, StopRule
from harness.domain.run import Gpu, Host
from harness.hardware.processors import Processor
from harness.model.architectures import SHAPES
from harness.model.shape import Shape
from harness.model.sizes import SIZES
from harness.spec.fileschema import json_schema

if TYPE_CHECKING:
    from _pytest.mark.structures import ParameterSet

DOCS = Path(__file__).parents[2] / "docs"
SPEC, CLI, NUMBERS = ((DOCS / f"{name}.md").read_text() for name in ("spec", "cli", "numbers"))

HOST = Host("", "", 8, 8, (), 0, "", (Gpu("NVIDIA H100 80GB HBM3", 0),))
PROCESSOR = wanted(Choice("local"), HOST, Processor("GenuineIntel", 6, 207))
GPU = wanted(Choice("cuda"), HOST, None)
ROOMS = (backends, compression, hardware, launchers, operators, parallelism, scenarios)
NAMES = [*SIZES, *PRECISIONS, *(name for room in ROOMS for name in room.registry)]


@pytest.mark.parametrize("name", NAMES)
def test_every_name_an_axis_takes_is_in_the_spec_docs(name: str) -> None:
    """As code, so that a common word does not pass for it."""
    assert f"`{name}`" in SPEC


def _options() -> Iterator[ParameterSet]:
    for room in ROOMS:
        for entry in room.registry.entries():
            # `degree` is written as the value: {data: 2}.
            for option in sorted({*entry.Options.model_fields} - {"degree"}):
                yield pytest.param(option, id=f"{room.registry.kind}.{entry.name}.{option}")


@pytest.mark.parametrize("option", list(_options()))
def test_every_option_of_an_entry_is_in_the_spec_docs(option: str) -> None:
    """What a spec may set."""
    assert f"`{option}`" in SPEC


@pytest.mark.parametrize("kind", SHAPES.values(), ids=SHAPES)
def test_every_architecture_and_its_options_are_in_the_spec_docs(kind: type[Shape]) -> None:
    """What a model may be, and be made of."""
    for word in ("architecture", kind.architecture, *kind.model_fields):
        assert f"`{word}`" in SPEC, word


@pytest.mark.parametrize("metric", list(metrics.registry))
def test_every_metric_is_explained(metric: str) -> None:
    """With its unit and what it is."""
    assert f"| `{metric}` |" in NUMBERS


@pytest.mark.parametrize("name", sorted({*PROCESSOR, *GPU}))
def test_every_ceiling_is_explained(name: str) -> None:
    """With its unit and what it is; of the curve its ends, and one between."""
    assert f"`{name}`" in NUMBERS or ("@" in name and "`memory_read@1GiB`" in NUMBERS)


def _keys(schema: dict[str, Any], root: dict[str, Any]) -> Iterator[str]:
    if "$ref" in schema:
        schema = root["$defs"][schema["$ref"].rsplit("/", 1)[1]]
    for key, inner in schema.get("properties", {}).items():
        yield key
        yield from _keys(inner, root)


@pytest.mark.parametrize("key", sorted({*_keys(json_schema(), json_schema())}))
def test_every_key_of_a_spec_is_in_the_spec_docs(key: str) -> None:
    """Down to the keys of workload, measure and limits."""
    assert f"`{key}`" in SPEC


def _parameters() -> Iterator[ParameterSet]:
    for name, command in cli.commands.items():
        for parameter in command.params:
            if isinstance(parameter, click.Option):
                for option in parameter.opts:
                    yield pytest.param(name, option, id=f"{name} {option}")


@pytest.mark.parametrize(("command", "option"), list(_parameters()))
def test_every_option_of_a_command_is_in_the_cli_docs(command: str, option: str) -> None:
    """In the command's own section, or in that of the one whose options it shares."""
    sections = {part.split("\n", 1)[0]: part for part in CLI.split("\n## ")}
    shared = {"run": sections["plan"]}
    assert f"`{option}" in sections[command] + shared.get(command, "")


@pytest.mark.parametrize("word", [*Status, *StopRule])
def test_every_status_and_stop_rule_is_in_the_json_docs(word: str) -> None:
    """A script's author finds every value a key can take."""
    assert f"`{word}`" in (DOCS / "json.md").read_text()
