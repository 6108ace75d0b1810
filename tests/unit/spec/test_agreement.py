"""The loader and the JSON Schema take and refuse the same specs: both are held against one list."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from harness.compression import Stage
from harness.errors import SpecError
from harness.spec.catalog import Catalog
from harness.spec.json_schema import json_schema
from harness.spec.reader import read_yaml
from harness.spec.spec import Spec

Read = Callable[..., Spec]
Gpt2Bytes = Callable[..., bytes]

MATRIX = "matrix: {model: nano, scenario: prefill}"
PROMPT = "workload: {prompt: 8, generate: 2}"

GOOD_MATRICES = [
    "{model: nano, scenario: prefill}",
    "{model: [nano, {layers: 1, d_model: 8, heads: 2}], scenario: [prefill, decode]}",
    "{model: {name: nano, vocab: [10, 20]}, scenario: prefill}",
    "{model: {name: nano, weights: w}, scenario: prefill}",
    "{model: {name: nano, vocab: 256, weights: b, corpus: c}, scenario: prefill}",
    "{model: {name: nano, weights: w, corpus: c, tokenizer: t}, scenario: prefill}",
    "{model: {name: nano, weights: w, corpus: c, tokenizer: bytes}, scenario: prefill}",
    "{model: {name: nano, architecture: encoder, context: 9}, scenario: prefill}",
    "{model: {layers: 1, d_model: 8, heads: 2, architecture: decoder}, scenario: prefill}",
    "{model: {name: nano, architecture: encoder-decoder, decoder_layers: [1, 2], readout: concat}, scenario: prefill}",
    "{model: nano, scenario: prefill, hardware: [local, {device: cpu, threads: [1, 2]}]}",
    "{model: nano, scenario: prefill, parallelism: [none, {data: 1, tensor: [2, 4]}]}",
    "{model: nano, scenario: prefill, parallelism: {tensor: {degree: 2}}}",
    "{model: nano, scenario: prefill, parallelism: {data: 1, launcher: spark}}",
    "{model: nano, scenario: prefill, parallelism: {launcher: [torch, {name: spark, master: [a, b]}]}}",
    "{model: nano, scenario: {name: prefill}, backend: {name: eager}}",
    "{model: nano, scenario: prefill, compression: [none, int8, [{name: prune, pattern: '2:4'}, int8]]}",
    "{model: nano, scenario: prefill, compression: {name: none}}",
    "{model: nano, scenario: prefill, compression: {name: prune, pattern: ['2:4', '1:4']}}",
    "{model: nano, scenario: prefill, operator: {name: window, strides: [1, 2], size: [3, 4]}}",
    "{model: {factory: 'json:JSONDecoder'}, scenario: prefill}",
    "{model: {factory: ['json:loads', 'json.decoder:JSONDecoder'], vocab: [8, 9], s: [a, true, 0.5]}, scenario: prefill}",
]
BAD_MATRICES = [
    "{model: {factory: 3}, scenario: prefill}",
    "{model: {factory: 'harness.model.factory'}, scenario: prefill}",
    "{model: {factory: 'json:JSONDecoder', vocab: 1}, scenario: prefill}",
    "{model: {factory: 'json:JSONDecoder', depth: {a: 1}}, scenario: prefill}",
    "{model: {factory: 'json:JSONDecoder', depth: []}, scenario: prefill}",
    "{model: {factory: 'json:JSONDecoder', tokenizer: t}, scenario: prefill}",
    "{model: {vocab: 3, depth: 2}, scenario: prefill}",
    "",
    "3",
    "[]",
    "{model: nano}",
    "{scenario: prefill}",
    "{model: nan, scenario: prefill}",
    "{model: [], scenario: prefill}",
    "{model: , scenario: prefill}",
    "{model: {layers: 1, d_model: 8}, scenario: prefill}",
    "{model: {layers: [], d_model: 8, heads: 2}, scenario: prefill}",
    "{model: {layers: 1, d_model: 8, heads: 2, corpus: c}, scenario: prefill}",
    "{model: {layers: 1, d_model: 8, heads: 2, tokenizer: t}, scenario: prefill}",
    "{model: {name: nano, tokenizer: t, weights: w}, scenario: prefill}",
    "{model: {name: nano, weights: 3}, scenario: prefill}",
    "{model: {name: nano, architecture: encodr}, scenario: prefill}",
    "{model: {name: nano, architecture: [encoder]}, scenario: prefill}",
    "{model: {name: nano, decoder_layers: 1}, scenario: prefill}",
    "{model: {name: nano, architecture: encoder, weights: w}, scenario: prefill}",
    "{model: {name: nano, architecture: encoder, readout: concat}, scenario: prefill}",
    "{model: {layers: 1, d_model: 8, heads: 2, decoder_layers: 1}, scenario: prefill}",
    "{model: {name: nano, architecture: encoder-decoder, readout: sum}, scenario: prefill}",
    "{model: nano, scenario: prefill, hardware: {device: local, threads: 1}}",
    "{model: nano, scenario: prefill, hardware: {device: cpu, threads: '2'}}",
    "{model: nano, scenario: prefill, hardware: {name: cpu}}",
    "{model: nano, scenario: prefill, parallelism: data}",
    "{model: nano, scenario: prefill, parallelism: {}}",
    "{model: nano, scenario: prefill, parallelism: {data: 0}}",
    "{model: nano, scenario: prefill, parallelism: {data: true}}",
    "{model: nano, scenario: prefill, parallelism: [[none]]}",
    "{model: nano, scenario: prefill, parallelism: {data: 1, engine: spark}}",
    "{model: nano, scenario: prefill, parallelism: {launcher: sprk}}",
    "{model: nano, scenario: prefill, parallelism: {launcher: []}}",
    "{model: nano, scenario: prefill, parallelism: {launcher: {master: a}}}",
    "{model: nano, scenario: prefill, parallelism: {launcher: {name: [torch, spark]}}}",
    "{model: nano, scenario: prefill, parallelism: {launcher: {name: torch, master: a}}}",
    "{model: nano, scenario: prefill, compression: prune}",
    "{model: nano, scenario: prefill, compression: [[]]}",
    "{model: nano, scenario: prefill, compression: [[none, int8]]}",
    "{model: nano, scenario: prefill, compression: {name: none, x: 1}}",
    "{model: nano, scenario: prefill, operator: {name: window, size: 0}}",
    "{model: nano, scenario: prefill, operator: {name: window, strides: x}}",
    "{model: nano, scenario: prefill, precision: []}",
    "{model: nano, scenario: prefill, precision: {name: fp32}}",
    "{model: nano, scenario: prefill, bakend: eager}",
]
GOOD_LINES = [
    *(
        "zip:",
        "scaling:",
        "name:",
        "baseline:",
        "exclude:",
        "include:",
        "expect:",
        "prices:",
        "measure:",
        "quality:",
        "limits:",
    ),
    "name: x",
    "baseline: {}",
    "baseline: {precision: fp32}",
    "baseline: {precision: [fp32]}",
    "baseline: {compression: [none], batch: [1], prompt: 8}",
    "exclude: []",
    "include: [{batch: [1, 2], model: [nano, nano]}]",
    "expect: []",
    "expect: [{required: true}]",
    "expect: [{metric: tpot, max: 15ms}]",
    "expect: [{metric: tpot, min: 0.01, max: 15 ms, host: '3f2a', xfail: slow, required: false}]",
    "expect: [{metric: mfu, min: 40%}, {metric: peak_memory, max: 1.5GiB}]",
    "expect: [{metric: mfu, min: -0.5}]",
    "expect: [{status: out of memory}, {status: [ok, unsupported], required: true}]",
    "expect: [{precision: fp32, model: [nano], batch: [1], prompt: 8, required: true}]",
    "expect: [{host: EPYC, required: true}]",
    "prices: {local: 0.1, cuda: 3}",
    "prices: {cpu(threads=2): 0.1}",
    "measure: {}",
    "measure: {max_time: 500ms, round_time: 0.5s, target_ci: 100%}",
    "measure: {max_time: 1.5 h, target_ci: 0.5%}",
    "measure: {target_ci: 100.00%}",
    "measure: {target_ci: 099.999%}",
    "measure: {target_ci: 1}",
    "measure: {target_ci: 0.02, seed: 4294967295}",
    "limits: {memory: 16GiB, timeout: 10m}",
    "limits: {memory: 0.5B}",
    "limits: {memory: }",
    "quality: {corpus: c}",
    "quality: {corpus: c, tokenizer: t}",
    "zip: []",
    "zip: [{batch: [1, 2], precision: [fp32, bf16]}]",
    "zip: [{batch: 2, precision: bf16, backend: {name: eager}}, {operator: sdpa, compression: int8}]",
    "scaling: strong",
    "scaling: weak",
]
BAD_LINES = [
    "zip: [{}]",
    "zip: [{batch: [1, 2]}]",
    "zip: {batch: [1, 2], precision: [fp32, bf16]}",
    "zip: [{batch: [1, 2], precison: [fp32, bf16]}]",
    "zip: [{batch: [1, 2], precision: [fp32, fp16]}]",
    "zip: [{batch: [], precision: []}]",
    "zip: [{batch: [0, 2], precision: [fp32, bf16]}]",
    "scaling: week",
    "scaling: weak\nzip: [{parallelism: none, batch: 1}]",
    "scaling: [strong]",
    "nam: x",
    "name: 3",
    f"name: {'x' * 101}",
    "exclude: {batch: 1}",
    "exclude: [{precison: fp32}]",
    "exclude: [{}]",
    "include: [{}]",
    "include: [{batch: 0}]",
    "include: [{batch: []}]",
    "include: [{batch: 1000000001}]",
    "expect: {required: true}",
    "expect: [3]",
    "expect: [{}]",
    "expect: [{precision: fp32}]",
    "expect: [{required: false}]",
    "expect: [{required: 1}]",
    "expect: [{metric: tpot}]",
    "expect: [{max: 15ms}]",
    "expect: [{max: 15ms, required: true}]",
    "expect: [{metric: tpot, max: 15ms, status: ok}]",
    "expect: [{metric: tpt, max: 15ms}]",
    "expect: [{metric: [tpot], max: 15ms}]",
    "expect: [{metric: tpot, max: 15GiB}]",
    "expect: [{metric: tpot, max: '15'}]",
    "expect: [{metric: tpot, max: true}]",
    "expect: [{metric: tpot, max: }]",
    "expect: [{metric: mfu, max: 40ms}]",
    "expect: [{metric: tpot, max: 15ms, precison: fp32}]",
    "expect: [{required: true, precision: fp16}]",
    "expect: [{required: true, precision: []}]",
    "expect: [{required: true, batch: 0}]",
    "expect: [{status: fine}]",
    "expect: [{status: measuring}]",
    "expect: [{status: []}]",
    "expect: [{status: }]",
    "expect: [{required: true, xfail: ''}]",
    "expect: [{required: true, xfail: true}]",
    "expect: [{required: true, host: 3000}]",
    "expect: [{required: true, host: a b}]",
    "expect: [{required: true, host: ''}]",
    "baseline: []",
    "baseline: {scenario: prefill}",
    "baseline: {precision: []}",
    "baseline: {precision: [fp32, bf16]}",
    "baseline: {batch: [1, 2]}",
    "baseline: {batch: 1.5}",
    "prices: {local: 0}",
    "prices: {local: free}",
    "prices: {locl: 1}",
    "prices: {localhost: 1}",
    "measure: []",
    "measure: {rounds: }",
    "measure: {rounds: 0}",
    "measure: {rounds: 1001}",
    "measure: {rounds: true}",
    "measure: {quality: 1}",
    "measure: {seed: 4294967296}",
    "measure: {max_time: 60}",
    "measure: {max_time: 0s}",
    "measure: {max_time: 0.000 h}",
    "measure: {max_time: 1d}",
    "measure: {max_time: -1s}",
    "measure: {max_time: 1e3s}",
    "measure: {max_time: 1.1234567s}",
    "measure: {target_ci: 5}",
    "measure: {target_ci: 0}",
    "measure: {target_ci: '0.02'}",
    "measure: {target_ci: true}",
    "measure: {target_ci: 0%}",
    "measure: {target_ci: 0.00%}",
    "measure: {target_ci: 150%}",
    "measure: {target_ci: 100.1%}",
    "measure: {target_ci: 1000%}",
    "measure: {target_ci: '%'}",
    "limits: {memory: 16G}",
    "limits: {memory: 0B}",
    "limits: {memory: 0.0GiB}",
    "limits: {timeout: }",
    "limits: {timeout: 0ms}",
    "workload: {prompt: 0}",
    "workload: {prompt: []}",
    "workload: {prompt: 8, gen: 1}",
    "quality: {tokenizer: t}",
    "quality: {corpus: 3}",
]
# What only the loader refuses, and why no JSON Schema can. Keep it short.
ONLY_THE_LOADER = [
    ("zip: [{batch: [1, 2], precision: [fp32]}]", "it compares no two lengths"),
    ("zip: [{batch: 1, scenario: prefill}]", "it does not look at another key"),
    ("zip: [{batch: 1, backend: eager}, {batch: 1, operator: sdpa}]", "it compares no two items"),
    (
        "zip: [{batch: [1, 2], precision: [fp32, bf16]}]\nbaseline: {batch: 1}",
        "it does not look at another key",
    ),
    ("measure: {rounds: 3.0}", "to JSON Schema 3.0 is an integer"),
    ("measure: {rounds: 3, max_rounds: 2}", "it compares no two values"),
    ("measure: {samples: 9, max_samples: 5}", "it compares no two values"),
    ("workload: {prompt: 300}", "the context is the model's: it compares no two values"),
    ("workload: {prompt: 8, batch: 3}\nbaseline: {batch: 2}", "it compares no two values"),
    ("expect: [{metric: tpot, min: 2ms, max: 1ms}]", "it compares no two values"),
    (
        "expect: [{precision: bf16, required: true}]",
        "whether a cell has that depends on the matrix",
    ),
    ("exclude: [{precision: bf16}]", "whether that leaves anything out depends on the matrix"),
    ("quality: {corpus: missing}", "it looks for no files"),
    ("quality: {corpus: '', tokenizer: t}", "an empty text counts as absent"),
]
ONLY_THE_LOADERS_MATRICES = [
    ("{model: {layers: 1, d_model: 8, heads: 3}, scenario: prefill}", "it divides no numbers"),
    ("{model: {name: nano, corpus: c}, scenario: prefill}", "whether a size brings weights"),
    ("{model: {name: nano, weights: missing}, scenario: prefill}", "it looks for no files"),
    (
        "{model: {name: nano, weights: w, corpus: c}, scenario: prefill}",
        "which vocabulary a size has",
    ),
    (
        "{model: nano, scenario: prefill, compression: [[int8, {name: prune, pattern: '2:4'}]]}",
        "it has no word for the order of an array's items, wherever they stand",
    ),
    (
        "{model: nano, scenario: prefill, compression: [[int8, int8]]}",
        "nor for which items exclude each other by what they are",
    ),
    (
        "{model: nano, scenario: prefill, parallelism: {data: 2}}",
        "it divides no numbers: the batch of 1 over two",
    ),
    (
        f"{{model: {{name: nano, vocab: {[*range(2, 13)]}, context: {[*range(8, 1008)]}}}, scenario: prefill}}",
        "it counts no combinations",
    ),
]


def whole(matrix: str) -> str:
    return f"matrix: {matrix}\n{PROMPT}\n"


def beside(line: str) -> str:
    return f"{MATRIX}\n{line}\n" + ("" if "workload" in line else f"{PROMPT}\n")


LINKED = "zip: [{model: [nano, nano], scenario: [prefill, decode]}]"
GOOD = [
    *(*map(whole, GOOD_MATRICES), *map(beside, GOOD_LINES)),
    *(f"matrix: {matrix}\n{LINKED}\n{PROMPT}\n" for matrix in ("{}", "{precision: fp32}")),
]
BAD = [
    *(*map(whole, BAD_MATRICES), *map(beside, BAD_LINES), "matrx: 1\n", "{}\n", f"{LINKED}\n"),
    f"matrix: {{}}\nzip: [{{model: nano, precision: fp32}}]\n{PROMPT}\n",
]
EXCEPTIONS = [
    *(whole(matrix) for matrix, _ in ONLY_THE_LOADERS_MATRICES),
    *(beside(line) for line, _ in ONLY_THE_LOADER),
]


@pytest.fixture(scope="module")
def validator(catalog: Catalog) -> Draft202012Validator:
    return Draft202012Validator(json_schema(catalog))


@pytest.fixture(autouse=True)
def _files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, gpt2_bytes: Gpt2Bytes, catalog: Catalog
) -> None:
    """The files that the specs name: weights w and b (of bytes), corpus c, tokenizer t.

    And a compression that must stand last.
    """
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(catalog.compression["int8"], "stage", Stage.FORMAT)
    of_bytes = catalog.sizes["nano"].shape.model_copy(update={"vocab": 256})
    Path("w").write_bytes(gpt2_bytes())
    Path("b").write_bytes(gpt2_bytes(of_bytes))
    Path("c").write_text("text")
    Path("t").write_text("{}")


def schema_takes(validator: Draft202012Validator, text: str) -> bool:
    document: dict[str, Any] = read_yaml(text, "s.yaml").value
    return validator.is_valid(document)


@pytest.mark.parametrize("text", GOOD)
def test_the_loader_takes_what_is_good(read: Read, text: str) -> None:
    assert read(text).cells


@pytest.mark.parametrize("text", GOOD)
def test_the_schema_takes_what_is_good(validator: Draft202012Validator, text: str) -> None:
    assert [one.message for one in validator.iter_errors(read_yaml(text, "s").value)] == []


@pytest.mark.parametrize("text", [*BAD, *EXCEPTIONS])
def test_the_loader_refuses_what_is_bad(read: Read, text: str) -> None:
    with pytest.raises(SpecError):
        read(text)


@pytest.mark.parametrize("text", BAD)
def test_the_schema_refuses_what_is_bad(validator: Draft202012Validator, text: str) -> None:
    assert not schema_takes(validator, text)


@pytest.mark.parametrize("text", EXCEPTIONS)
def test_what_only_the_loader_can_refuse_is_listed(
    validator: Draft202012Validator, text: str
) -> None:
    """A rule that the schema learns leaves the list of exceptions."""
    assert schema_takes(validator, text)
