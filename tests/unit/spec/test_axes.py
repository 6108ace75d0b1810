"""How the values of the axes are read: names, options, lists, compositions."""

from collections.abc import Callable
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from harness.domain.cell import Choice
from harness.model.sizes import SIZES
from harness.spec.catalog import Catalog
from harness.spec.load import read_spec
from harness.spec.spec import Spec

Read = Callable[..., Spec]


def values(spec: Spec, axis: str) -> list[Any]:
    return list(dict.fromkeys(cell[axis] for cell in spec.cells))


def labels(spec: Spec, axis: str) -> list[str]:
    return list(dict.fromkeys(cell.labels[axis] for cell in spec.cells))


def matrix(**axes: str) -> str:
    given = {"model": "nano", "scenario": "prefill", **axes}
    return "matrix:\n" + "".join(f"  {axis}: {value}\n" for axis, value in given.items()) + WORKLOAD


WORKLOAD = "workload: {batch: 4, prompt: 8, generate: 2}\n"


def test_what_is_not_named_takes_its_default(read: Read) -> None:
    """Model and scenario are all that must be named."""
    (cell,) = read("matrix: {model: small, scenario: decode}").cells
    expected = {
        "model": "small",
        "hardware": "local",
        "scenario": "decode",
        "parallelism": "none",
        "compression": "none",
        "operator": "sdpa",
        "precision": "fp32",
        "backend": "eager",
    }
    assert expected == cell.labels
    assert cell.workload == (("batch", 1), ("generate", 64), ("prompt", 512))


def test_a_named_size_is_its_dimensions(read: Read) -> None:
    """The identity is the shape; the name is its label."""
    (model,) = values(read(matrix()), "model")
    options = {"layers": 2, "d_model": 64, "heads": 2, "vocab": 512, "context": 256}
    assert Choice("decoder", tuple(sorted(options.items()))) == model
    assert str(model) == "nano"


def test_dimensions_equal_to_a_named_size_are_that_size(read: Read) -> None:
    """However a model is written, it is the same cell."""
    inline = "{heads: 2, layers: 2, d_model: 64, context: 256, vocab: 512, d_ff: 0}"
    assert read(matrix()).cells == read(matrix(model=inline)).cells
    assert labels(read(matrix(model=inline)), "model") == ["nano"]


@pytest.mark.parametrize(
    ("model", "label"),
    [
        ("{layers: 6, d_model: 384, heads: 6}", "6L-384d-6h"),
        ("{layers: 6, d_model: 384, heads: 6, context: 99}", "6L-384d-6h(context=99)"),
        ("{layers: 6, d_model: 384, heads: 6, d_ff: 10}", "6L-384d-6h(d_ff=10)"),
        ("{name: small, context: 512, vocab: 1000}", "small(vocab=1000, context=512)"),
        ("{name: nano, vocab: 512}", "nano"),
        ("{name: nano, layers: 3}", "3L-64d-2h(vocab=512, context=256)"),
    ],
)
def test_a_model_is_labelled_by_what_sets_it_apart(read: Read, model: str, label: str) -> None:
    assert [label] == labels(read(matrix(model=model)), "model")


OWN = "layers: 6, d_model: 512, heads: 8"


@pytest.mark.parametrize(
    ("model", "label", "name"),
    [
        (f"{{{OWN}, architecture: decoder}}", "6L-512d-8h", "decoder"),
        (f"{{{OWN}, architecture: encoder}}", "encoder 6L-512d-8h", "encoder"),
        (
            f"{{{OWN}, architecture: encoder-decoder}}",
            "encoder-decoder 6+6L-512d-8h",
            "encoder-decoder",
        ),
        (
            f"{{{OWN}, architecture: encoder-decoder, decoder_layers: 1, readout: concat}}",
            "encoder-decoder 6+1L-512d-8h(readout=concat)",
            "encoder-decoder",
        ),
        (
            "{name: small, architecture: encoder, context: 512}",
            "encoder 12L-768d-12h(context=512)",
            "encoder",
        ),
        ("seed-512", "seed-512", "encoder-decoder"),
        ("{name: seed-512, readout: concat}", "seed-512(readout=concat)", "encoder-decoder"),
        ("{name: seed-512, vocab: 1000}", "seed-512(vocab=1000)", "encoder-decoder"),
        (
            "{name: seed-512, decoder_layers: 2}",
            "encoder-decoder 12+2L-768d-12h(context=512)",
            "encoder-decoder",
        ),
        (
            "{name: seed-512, context: 1024}",
            "encoder-decoder 12+1L-768d-12h(context=1024)",
            "encoder-decoder",
        ),
        ("{name: seed-512, architecture: decoder}", "small(context=512)", "decoder"),
    ],
)
def test_an_architecture_is_the_choices_name_and_in_its_label(
    catalog: Catalog, model: str, label: str, name: str
) -> None:
    """A size is that of its own architecture; of another its dimensions are told."""
    both = replace(catalog, sizes={**catalog.sizes, "seed-512": SIZES["seed-512"]})
    spec = read_spec("s.yaml", matrix(model=model), [], both)
    (found,) = values(spec, "model")
    assert isinstance(found, Choice)
    assert (str(found), found.name) == (label, name)


def test_a_decoder_named_as_such_is_the_same_cell(read: Read) -> None:
    said = "{layers: 2, d_model: 64, heads: 2, vocab: 512, context: 256, architecture: decoder}"
    assert read(matrix()).cells == read(matrix(model=said)).cells


def test_decoder_layers_given_as_a_list_multiply(read: Read) -> None:
    model = "{name: nano, architecture: encoder-decoder, decoder_layers: [1, 2, 3], context: 2048}"
    assert labels(read(matrix(model=model)), "model") == [
        f"encoder-decoder 2+{layers}L-64d-2h(vocab=512)" for layers in (1, 2, 3)
    ]


def test_an_option_given_as_a_list_multiplies(read: Read) -> None:
    spec = read(matrix(model="{name: nano, vocab: [100, 200], context: [16, 32]}"))
    found = [dict(model.options) for model in values(spec, "model")]
    assert [(options["vocab"], options["context"]) for options in found] == [
        (100, 16),
        (100, 32),
        (200, 16),
        (200, 32),
    ]


def test_an_option_that_is_itself_a_list_does_not(read: Read) -> None:
    """`strides` takes several numbers at once; `size` beside it multiplies."""
    spec = read(matrix(operator="{name: window, strides: [1, 2], size: [4, 8]}"))
    expected = [
        Choice("window", (("size", 4), ("strides", (1, 2)))),
        Choice("window", (("size", 8), ("strides", (1, 2)))),
    ]
    assert expected == values(spec, "operator")


def test_an_option_at_its_default_is_no_part_of_the_identity(read: Read) -> None:
    spec = read(matrix(operator="[window, {name: window, size: 128}, {name: window, size: 1}]"))
    assert [Choice("window"), Choice("window", (("size", 1),))] == values(spec, "operator")


def test_hardware_is_named_by_its_device(read: Read) -> None:
    spec = read(matrix(hardware="[local, cpu, {device: cpu, threads: [1, 2]}]"))
    assert labels(spec, "hardware") == ["local", "cpu", "cpu(threads=1)", "cpu(threads=2)"]


def test_parallelism_is_strategies_with_degrees(read: Read) -> None:
    """A list of degrees multiplies; `{degree: ...}` is the long form."""
    spec = read(matrix(parallelism="[none, {data: [2, 4]}, {data: {degree: 2}}]"))
    expected = [(), (Choice("data", (("degree", 2),)),), (Choice("data", (("degree", 4),)),)]
    assert expected == values(spec, "parallelism")


def test_strategies_combine_in_one_order(read: Read) -> None:
    """A mapping has no order, so neither has the cell."""
    spec = read(matrix(parallelism="[{tensor: 2, data: 2}, {data: 2, tensor: 2}]"))
    assert labels(spec, "parallelism") == ["data=2 + tensor=2"]


def test_a_launcher_stands_beside_the_strategies(read: Read) -> None:
    """With its own options; lists multiply."""
    spec = read(
        matrix(parallelism="{data: 2, tensor: 2, launcher: [spark, {name: spark, master: [a, b]}]}")
    )
    split = "data=2 + launcher=spark{} + tensor=2"
    expected = [split.format(options) for options in ("", "(master=a)", "(master=b)")]
    assert labels(spec, "parallelism") == expected
    data, launcher, tensor = values(spec, "parallelism")[1]
    assert launcher == Choice("launcher", (("launcher", "spark"), ("master", "a")))
    assert (data.name, tensor.name) == ("data", "tensor")


def test_the_default_launcher_is_no_part_of_the_identity(read: Read) -> None:
    named = "{data: 2, launcher: torch}, {data: 2, launcher: {name: torch}}"
    spec = read(matrix(parallelism=f"[{{data: 2}}, {named}, {{launcher: torch}}]"))
    assert labels(spec, "parallelism") == ["data=2", "none"]


def test_a_list_within_the_list_composes_compressions_in_order(read: Read) -> None:
    """Here the order means something: pruning before rounding is not rounding before pruning."""
    prune = "{name: prune, pattern: 2:4}"
    spec = read(matrix(compression=f"[none, int8, [{prune}, int8], [int8, {prune}]]"))
    expected = ["none", "int8", "prune(pattern=2:4) + int8", "int8 + prune(pattern=2:4)"]
    assert expected == labels(spec, "compression")


def test_options_multiply_within_a_composition(read: Read) -> None:
    spec = read(matrix(compression="[[{name: prune, pattern: [1:2, 2:4]}, int8]]"))
    expected = ["prune(pattern=1:2) + int8", "prune(pattern=2:4) + int8"]
    assert expected == labels(spec, "compression")


def test_a_value_given_twice_counts_once(read: Read) -> None:
    assert len(read(matrix(precision="[fp32, fp32]", operator="[sdpa, {name: sdpa}]")).cells) == 1


def test_weights_are_identified_by_their_content(
    load_here: Callable[..., list[Spec]], gpt2_bytes: Callable[..., bytes]
) -> None:
    """So that the same file elsewhere is the same cell, and another file of that name is not."""
    text = matrix(model="{name: nano, weights: [a.safetensors, b.safetensors, c.safetensors]}")
    one, other = gpt2_bytes(), gpt2_bytes(fill=1)
    files = {"a.safetensors": one, "b.safetensors": one, "c.safetensors": other}
    (spec,) = load_here({**files, "s.yaml": text}, "s.yaml")
    held = [dict(model.options)["weights"] for model in values(spec, "model")]
    assert held == [sha256(content).hexdigest()[:16] for content in (one, other)]
    assert labels(spec, "model") == ["nano(weights=a.safetensors)", "nano(weights=c.safetensors)"]
    assert {*held} == {*spec.weights}
    assert spec.weights[held[1]].endswith("/c.safetensors")
