"""The JSON Schema: all that can be written, so that editors complete and check it."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator
from ruamel.yaml import YAML

from harness.domain.axis import AXES
from harness.domain.cell import WORKLOAD
from harness.spec.catalog import Catalog
from harness.spec.expectations import ExpectKeys
from harness.spec.json_schema import json_schema
from harness.spec.settings import Limits, Measure, SpecFile

SPECS = sorted((Path(__file__).parents[3] / "specs").glob("*.yaml"))


@pytest.fixture(scope="module")
def schema(catalog: Catalog) -> dict[str, Any]:
    return json_schema(catalog)


def faults(schema: dict[str, Any], text: str) -> list[str]:
    validator = Draft202012Validator(schema)
    return [error.message for error in validator.iter_errors(YAML(typ="safe").load(text))]


def described(schema: Any, trail: str = "") -> Iterator[tuple[str, bool]]:
    """Every property with whether it is described, but those of patterns."""
    for key, inner in schema.get("properties", {}).items():
        yield f"{trail}.{key}", "description" in inner or "$ref" in inner
        yield from described(inner, f"{trail}.{key}")


def test_it_is_plain_json(schema: dict[str, Any]) -> None:
    assert schema == json.loads(json.dumps(schema))
    assert schema["$schema"] == "https://json-schema.org/draft/2020-12/schema"


def test_every_key_of_a_spec_is_there_and_nothing_else(schema: dict[str, Any]) -> None:
    assert {*SpecFile.model_fields} == {*schema["properties"]}
    assert {*AXES} == {*schema["$defs"]["Matrix"]["properties"]}
    assert {*WORKLOAD} == {*schema["$defs"]["Workload"]["properties"]}
    assert {*Measure.model_fields} == {*schema["$defs"]["Measure"]["properties"]}
    assert {*Limits.model_fields} == {*schema["$defs"]["Limits"]["properties"]}
    blocks = [schema, *(schema["$defs"][name] for name in ("Matrix", "Workload", "Measure"))]
    assert [block["additionalProperties"] for block in blocks] == [False] * 4


def test_every_key_is_described(schema: dict[str, Any]) -> None:
    for name in ("Matrix", "Workload", "Measure", "Limits"):
        assert [key for key, told in described(schema["$defs"][name]) if not told] == []
    for key in ("name", "baseline", "exclude", "include", "expect", "prices", "zip", "scaling"):
        assert schema["properties"][key]["description"]


def test_every_key_of_an_expectation_is_there_and_described(schema: dict[str, Any]) -> None:
    block = schema["$defs"]["Expect"]
    assert {*block["properties"]} == {*AXES, *WORKLOAD, *ExpectKeys.model_fields}
    assert all(block["properties"][key]["description"] for key in ExpectKeys.model_fields)
    assert "default" not in block["properties"]["batch"]
    assert block["properties"]["metric"]["enum"] == ["latency", "mfu", "peak_memory", "tpot"]


def test_defaults_are_as_people_write_them(schema: dict[str, Any]) -> None:
    measure, limits, workload = (
        schema["$defs"][name]["properties"] for name in ("Measure", "Limits", "Workload")
    )
    assert (
        measure["target_ci"]["default"],
        measure["max_time"]["default"],
        measure["round_time"]["default"],
        limits["timeout"]["default"],
        workload["prompt"]["default"],
    ) == ("1.5%", "60s", "1s", "10m", 512)


def test_the_defaults_that_are_told_are_the_defaults(schema: dict[str, Any]) -> None:
    """What is written by hand for people is what the file would be read as."""
    for block in (Measure, Limits):
        told = schema["$defs"][block.__name__]["properties"]
        given = {key: inner["default"] for key, inner in told.items()}
        assert block() == block.model_validate(given)


def test_what_can_be_named_is_listed(schema: dict[str, Any]) -> None:
    definitions = schema["$defs"]
    assert definitions["precision"]["enum"] == ["fp32", "bf16"]
    assert definitions["model"]["anyOf"][0]["enum"] == ["nano", "small", "huge"]
    assert definitions["operator"]["anyOf"][0]["enum"] == ["sdpa", "window"]
    assert definitions["hardware"]["anyOf"][0]["enum"] == ["local", "cpu", "cuda"]
    split = definitions["parallelism"]["anyOf"][1]["properties"]
    assert {*split} == {"data", "launcher", "tensor"}
    assert split["launcher"]["anyOf"][0]["anyOf"][0]["enum"] == ["torch", "spark"]
    assert definitions["compression"]["anyOf"][0] == {"const": "none"}


def test_the_options_of_an_architecture_are_described(schema: dict[str, Any]) -> None:
    """An editor that is told the architecture completes them."""
    for mapping in schema["$defs"]["model"]["anyOf"][1:]:
        assert [key for key, told in described(mapping) if not told] == []
    *built_in, factory = schema["$defs"]["model"]["anyOf"][1:]
    options = {one["properties"]["architecture"]["const"]: {*one["properties"]} for one in built_in}
    assert {*factory["properties"]} == {"factory", "vocab", "context", "corpus", "tokenizer"}
    assert {"decoder", "encoder", "encoder-decoder"} == {*options}
    assert {"weights"} == options["decoder"] - options["encoder"]
    assert {"decoder_layers", "readout"} == options["encoder-decoder"] - options["encoder"]


def test_a_size_brings_its_architectures_options() -> None:
    """Without naming it."""
    matrix = "{model: {name: seed-512, readout: concat, decoder_layers: 2}, scenario: prefill}"
    assert faults(json_schema(), f"matrix: {matrix}") == []


def test_it_is_a_schema(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)
    Draft202012Validator.check_schema(json_schema())


@pytest.mark.parametrize("file", SPECS, ids=lambda file: file.name)
def test_the_shipped_specs_conform(file: Path) -> None:
    """To the schema of what is really registered."""
    assert faults(json_schema(), file.read_text()) == []
