"""The docs name everything: a new entry, option or key without its line fails here."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

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
from harness.cli.ceiling import _document as ceiling_document
from harness.cli.expect import expect
from harness.cli.expectations import document as expect_document
from harness.cli.merge import document as merge_document
from harness.cli.prune import document as prune_document
from harness.cli.selfcheck import _object as selfcheck_object
from harness.cli.show import document as show_document
from harness.dispatch.ceilings import Place
from harness.domain.axis import AXES
from harness.domain.ceiling import Ceiling, CeilingKind
from harness.domain.cell import Choice
from harness.domain.expectation import Expectation, Judged, Verdict
from harness.domain.precision import PRECISIONS
from harness.domain.result import Status, StopRule
from harness.domain.run import Environment, Gpu, Host
from harness.domain.selfcheck import SelfCheck
from harness.hardware.processors import Processor
from harness.model.architectures import SHAPES
from harness.model.shape import Shape
from harness.model.sizes import SIZES
from harness.plan.expectations import Judgement
from harness.report.rows import metric_rows, sample_rows
from harness.spec.expectations import ExpectKeys
from harness.spec.json_schema import json_schema
from harness.spec.load import load
from harness.store import Prunable
from harness.transfer import Merged, Pruned

if TYPE_CHECKING:
    from _pytest.mark.structures import ParameterSet

    from tests.conftest import Harness

DOCS = Path(__file__).parents[2] / "docs"
README = DOCS.parent / "README.md"
SPEC, CLI, NUMBERS, JSON = (
    (DOCS / f"{name}.md").read_text() for name in ("spec", "cli", "numbers", "json")
)

NOW = datetime(2026, 1, 5, tzinfo=UTC)
HOST = Host("", "", 8, 8, (), 0, "", (Gpu("NVIDIA H100 80GB HBM3", 0),))
PROCESSOR = wanted(Choice("local"), HOST, Processor("GenuineIntel", 6, 207))
GPU = wanted(Choice("cuda"), HOST, None)
ROOMS = (backends, compression, hardware, launchers, operators, parallelism, scenarios)
# Where each room's entries stand in docs/spec.md.
HEADINGS = {
    "backend": "Backends",
    "compression": "Compression",
    "hardware": "Hardware",
    "launcher": "Parallelism",
    "operator": "Operators",
    "parallelism": "Parallelism",
    "scenario": "Scenarios",
}


def section(text: str, heading: str) -> str:
    """What stands under the heading, until the next one of its level or above."""
    level, rest = re.split(rf"^(#+) {re.escape(heading)}$", text, flags=re.MULTILINE)[1:3]
    return re.split(rf"^#{{1,{len(level)}}} ", rest, maxsplit=1, flags=re.MULTILINE)[0]


def row(text: str, name: str) -> str:
    """The rest of the table row that begins with that name; fails where there is not one."""
    found = re.findall(rf"^\| `{re.escape(name)}` \|(.*)$", text, re.MULTILINE)
    assert len(found) == 1, f"{len(found)} rows begin with `{name}`"
    return str(found[0])


def about(text: str, name: str) -> str:
    """The name's own row, and the paragraphs that name it."""
    paragraphs = [line for line in text.splitlines() if not line.startswith("|")]
    return "\n".join([row(text, name), *(line for line in paragraphs if f"`{name}`" in line)])


@pytest.mark.parametrize("name", SIZES)
def test_every_named_model_has_its_row(name: str) -> None:
    assert row(section(SPEC, "Models"), name)


@pytest.mark.parametrize("name", PRECISIONS)
def test_every_precision_has_its_row(name: str) -> None:
    assert row(section(SPEC, "Precisions"), name)


def _entries() -> Iterator[ParameterSet]:
    for room in ROOMS:
        kind = room.registry.kind
        for name in room.registry:
            yield pytest.param(HEADINGS[kind], name, id=f"{kind}.{name}")


@pytest.mark.parametrize(("heading", "name"), list(_entries()))
def test_every_entry_has_its_row_under_its_axis(heading: str, name: str) -> None:
    assert row(section(SPEC, heading), name)


def _options() -> Iterator[ParameterSet]:
    for room in ROOMS:
        kind = room.registry.kind
        for entry in room.registry.entries():
            # `degree` is written as the value: {data: 2}.
            for option in sorted({*entry.Options.model_fields} - {"degree"}):
                place = (HEADINGS[kind], entry.name, option)
                yield pytest.param(*place, id=f"{kind}.{entry.name}.{option}")


@pytest.mark.parametrize(("heading", "name", "option"), list(_options()))
def test_every_option_of_an_entry_stands_with_the_entry(
    heading: str, name: str, option: str
) -> None:
    """Dozens share a name: `fraction` in another entry's row says nothing of this one's."""
    assert f"`{option}" in about(section(SPEC, heading), name)


@pytest.mark.parametrize("kind", SHAPES.values(), ids=SHAPES)
def test_every_architecture_and_its_options_have_their_rows(kind: type[Shape]) -> None:
    """What a model may be, and be made of."""
    models = section(SPEC, "Models")
    assert row(section(SPEC, "Architectures"), kind.architecture)
    for option in kind.model_fields:
        assert row(models, option), option


@pytest.mark.parametrize("metric", list(metrics.registry))
def test_every_metric_is_explained(metric: str) -> None:
    """With its unit and what it is."""
    assert f"| `{metric}` |" in NUMBERS


@pytest.mark.parametrize("name", sorted({*PROCESSOR, *GPU}))
def test_every_ceiling_is_explained(name: str) -> None:
    """In a row that begins with it, or with the first of its like: a row for the whole curve."""
    first = "memory_read@1MiB" if "@" in name else name
    rows = [line for line in section(NUMBERS, "Ceilings").splitlines() if line.startswith("| `")]
    assert any(f"`{first}`" in line.split("|")[1] for line in rows)


SCHEMA = json_schema()
OBJECTS = {
    "Top level": SCHEMA,
    **{name: SCHEMA["$defs"][name] for name in ("Matrix", "Workload", "Measure", "Limits")},
}


def _keys() -> Iterator[ParameterSet]:
    for heading, schema in OBJECTS.items():
        for key in schema["properties"]:
            yield pytest.param(heading, key, id=f"{heading}.{key}")


@pytest.mark.parametrize(("heading", "key"), list(_keys()))
def test_every_key_of_a_spec_has_its_row(heading: str, key: str) -> None:
    """Under the heading of the mapping that it belongs to."""
    assert row(section(SPEC, heading), key)


@pytest.mark.parametrize("key", SCHEMA["$defs"]["Quality"]["properties"])
def test_every_key_of_quality_is_in_its_section(key: str) -> None:
    assert f"`{key}" in section(SPEC, "Quality")


@pytest.mark.parametrize("key", ExpectKeys.model_fields)
def test_every_key_of_an_expectation_is_in_its_section(key: str) -> None:
    rows = [line for line in section(SPEC, "Expect").splitlines() if line.startswith("| `")]
    assert any(f"`{key}`" in line.split("|")[1] for line in rows)


@pytest.mark.parametrize("verdict", Verdict)
def test_every_verdict_is_explained(verdict: Verdict) -> None:
    assert row(section(SPEC, "Expect").partition("| verdict")[2], verdict)
    assert f"`{verdict}`" in row(section(JSON, "`harness expect check --format json`"), "verdict")


@pytest.mark.parametrize("command", ["check", "propose"])
def test_every_option_of_expect_is_in_the_cli_docs(command: str) -> None:
    named = section(CLI, "expect").partition("`harness expect propose")
    text = named[0] if command == "check" else named[2]
    options = [one.opts[0] for one in expect.commands[command].params if one.opts[0] != "specs"]
    assert [one for one in options if not re.search(rf"`{re.escape(one)}[ `]", text)] == []


def test_every_key_of_a_judged_expectation_is_in_its_section(site_samples: ModuleType) -> None:
    result = site_samples.make_result()
    expectation = Expectation("s.yaml:1:1", frozenset([result.cell.id]), required=True)
    judged = Judged(expectation, result.cell, result.run.host, Verdict.MET, "", result)
    document = expect_document(Judgement((judged,)))
    for one in document["expectations"]:
        one["axes"] = one["workload"] = None  # as in `show`
    document["counts"] = None  # by verdict
    named = section(JSON, "`harness expect check --format json`")
    missing = [key for key in keys_of(document) - {"version"} if f"`{key}`" not in named]
    assert missing == []


def _parameters() -> Iterator[ParameterSet]:
    for name, command in cli.commands.items():
        inner = list(command.commands.values()) if isinstance(command, click.Group) else []
        options = [
            option
            for one in (command, *inner)
            for parameter in one.params
            if isinstance(parameter, click.Option)
            for option in parameter.opts
        ]
        for option in dict.fromkeys(options):
            yield pytest.param(name, option, id=f"{name} {option}")


def _inner_commands() -> Iterator[ParameterSet]:
    for name, command in cli.commands.items():
        for inner in command.commands if isinstance(command, click.Group) else ():
            yield pytest.param(name, inner, id=f"{name} {inner}")


@pytest.mark.parametrize(("group", "command"), list(_inner_commands()))
def test_every_command_of_a_group_is_in_its_section(group: str, command: str) -> None:
    assert f"`harness {group} {command}" in section(CLI, group)


@pytest.mark.parametrize(("command", "option"), list(_parameters()))
def test_every_option_of_a_command_is_in_the_cli_docs(command: str, option: str) -> None:
    """In the command's own section, or in that of the one whose options it shares."""
    shared = section(CLI, "plan") if command == "run" else ""
    assert re.search(rf"`{re.escape(option)}[ `]", section(CLI, command) + shared)


@pytest.mark.parametrize("word", [*Status, *StopRule])
def test_every_status_and_stop_rule_is_in_the_json_docs(word: str) -> None:
    """A script's author finds every value a key can take, in that key's row."""
    key = "status" if isinstance(word, Status) else "stop_rule"
    assert f"`{word}`" in row(JSON, key)


def _specs() -> Iterator[ParameterSet]:
    for file in (README, DOCS / "spec.md"):
        blocks = re.findall(r"^```yaml\n(.*?)^```$", file.read_text(), re.MULTILINE | re.DOTALL)
        for number, block in enumerate(blocks, start=1):
            if "\nmatrix:" in block:  # others show one key
                yield pytest.param(block, id=f"{file.name}-{number}")


@pytest.mark.parametrize("text", list(_specs()))
def test_every_spec_in_the_docs_can_be_loaded(text: str, tmp_path: Path) -> None:
    """And opens with the question that it answers. (That of extending.md is run.)"""
    (tmp_path / "spec.yaml").write_text(text)
    (spec,) = load([tmp_path / "spec.yaml"])
    assert spec.question.endswith("?")
    assert spec.cells


def test_the_readme_has_a_spec() -> None:
    assert any(str(one.id).startswith("README") for one in _specs())


def keys_of(value: object) -> set[str]:
    """All keys of a document's mappings and of the mappings in its lists."""
    if isinstance(value, dict):
        return {*value, *(key for inner in value.values() for key in keys_of(inner))}
    if isinstance(value, list):
        return {key for inner in value for key in keys_of(inner)}
    return set()


def test_the_json_of_show_is_as_the_docs_print_it(site_samples: ModuleType) -> None:
    """The example has the keys that a real document has, and each has its row."""
    (example,) = re.findall(r"^```json\n(.*?)^```$", JSON, re.MULTILINE | re.DOTALL)
    (told,) = json.loads(example)["results"]
    cell, other = site_samples.make_cell(), site_samples.make_cell(operator="math")
    found = [
        site_samples.make_result(one, seconds=seconds, baseline=other.id)
        for one, seconds in ((cell, 0.2), (other, 0.3))
    ]
    result = show_document(found, found)["results"][0]
    assert list(told) == list(result)
    for key in result:
        assert row(JSON, key)
    assert told["provenance"].keys() == result["provenance"].keys()
    assert told["speedup"].keys() == result["speedup"].keys()
    assert told["metrics"]["tpot"].keys() == result["metrics"]["latency"].keys()
    assert told["axes"].keys() == result["axes"].keys()


def test_every_key_of_a_ceiling_is_in_its_section() -> None:
    found = Ceiling("memory_read", 3e10, "B/s", CeilingKind.MEASURED, "torch.mv")
    document = ceiling_document(Place(HOST, Environment({}), Choice("local")), [found])
    named = section(JSON, "`harness ceiling --format json`")
    assert [key for key in keys_of(document) - {"version"} if f"`{key}`" not in named] == []


def test_every_key_of_a_self_check_is_in_its_section(site_samples: ModuleType) -> None:
    check = SelfCheck(site_samples.make_cell(), "latency", 10, 5.0, 0.0, 0.01, 0.02, 0.95, NOW)
    named = section(JSON, "`harness selfcheck --format json`")
    told = selfcheck_object(check)
    assert [key for key in told if f"`{key}`" not in named] == []


def test_every_key_of_what_moves_is_in_its_section() -> None:
    found = prune_document(Pruned(Prunable((1,), 2, 3, 4, 5), NOW), dry_run=True)
    merged = merge_document([Merged("other.sqlite", {"runs": 1})])
    for command, told in (("prune", found), ("merge", merged)):
        named = section(JSON, f"`harness {command} --format json`")
        assert [key for key in keys_of(told) - {"version"} if f"`{key}`" not in named] == []


def test_every_exported_column_is_in_its_section(site_samples: ModuleType) -> None:
    """Except the axes, which the first row stands for."""
    named = section(JSON, "`harness export jsonl`")
    results = [site_samples.make_result()]
    columns = {**metric_rows(results).columns, **sample_rows(results).columns}
    assert [one for one in columns.keys() - AXES.keys() if f"`{one}`" not in named] == []


@pytest.mark.parametrize("command", ["plan", "list", "doctor"])
def test_every_key_of_a_document_is_in_its_section(command: str, harness: Harness) -> None:
    # What the host and the software are called there; entries as in `list`.
    elsewhere = {"doctor": ("host", "environment", "subject", "results", "unusable")}
    harness("init", "s.yaml")
    arguments = ["s.yaml"] if command == "plan" else []
    answer = harness(command, *arguments, "--format", "json")
    assert answer.code == 0, answer.err
    document = answer.json
    named = section(JSON, f"`harness {command} --format json`")
    for key in elsewhere.get(command, ()):
        document[key] = None
    for cell in document.get("cells", ()):
        cell["axes"] = cell["workload"] = None  # as in `show`
    missing = [key for key in keys_of(document) - {"version"} if f"`{key}`" not in named]
    assert missing == []
