"""The files that models name: each obstacle is one sentence with its place, before anything runs."""

from __future__ import annotations

import json
import os
import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.errors import SpecError
from harness.model.shape import Shape
from harness.spec.files import FileError, digest, looking_up
from harness.spec.load import load
from harness.spec.spec import Spec

Load = Callable[..., list[Spec]]
Gpt2Bytes = Callable[..., bytes]

SHAPE = Shape(layers=2, d_model=16, heads=2, vocab=256, context=32)
OPTIONS = "layers: 2, d_model: 16, heads: 2, vocab: 256, context: 32"
PLACE = "s.yaml:2:"
POSSIBLE = "; possible: a safetensors file in GPT-2's layout, or `trained`"


def spec_of(model: str, rest: str = "") -> str:
    """Of one model, whose options stand on the second line."""
    return f"matrix:\n  model: {{{model}}}\n  scenario: prefill\nworkload: {{prompt: 8}}\n{rest}"


def faults(load_here: Load, files: dict[str, Any], text: str) -> list[str]:
    with pytest.raises(SpecError) as caught:
        load_here({**files, "s.yaml": text}, "s.yaml")
    return str(caught.value).splitlines()


def weights_fault(load_here: Load, content: bytes, options: str = OPTIONS) -> str:
    """What is said of a weights file of that content, behind its place."""
    (line,) = faults(load_here, {"w": content}, spec_of(f"{options}, weights: w"))
    where, _, message = line.partition(": ")
    assert where.startswith(PLACE)
    return message


def test_a_file_of_the_models_dimensions_is_taken(load_here: Load, gpt2_bytes: Gpt2Bytes) -> None:
    text = spec_of(f"{OPTIONS}, weights: w")
    (spec,) = load_here({"w": gpt2_bytes(SHAPE), "s.yaml": text}, "s.yaml")
    assert len(spec.cells) == 1


@pytest.mark.parametrize("key", ["weights", "corpus", "tokenizer"])
@pytest.mark.parametrize(
    ("name", "why"),
    [
        (r'"\0"', "it contains a character that no file name can contain"),
        (r'"a\0b"', "it contains a character that no file name can contain"),
        ("n" * 300, "file name too long"),
        ("/".join(["n" * 200] * 30), "file name too long"),
        ("loop", "too many levels of symbolic links"),
        ("file/inside", "is not a file"),
    ],
)
def test_a_name_that_the_system_refuses_is_a_fault_at_its_place(
    load_here: Load, tmp_path: Path, gpt2_bytes: Gpt2Bytes, key: str, name: str, why: str
) -> None:
    """Told once, whatever pathlib makes of it, and not echoed whole."""
    (tmp_path / "loop").symlink_to("loop")
    given = {"weights": "w", "corpus": "file", "tokenizer": "file"} | {key: name}
    options = ", ".join(f"{option}: {value}" for option, value in given.items())
    files = {"w": gpt2_bytes(SHAPE), "file": b"text"}
    (line,) = faults(load_here, files, spec_of(f"{OPTIONS}, {options}"))
    assert line.startswith(PLACE)
    assert f"the {key} " in line
    assert why in line
    assert len(line) < 600


def test_the_texts_of_quality_are_looked_up_as_carefully(load_here: Load) -> None:
    (line,) = faults(load_here, {}, spec_of(OPTIONS, 'quality: {corpus: "\\0"}'))
    assert line.startswith("s.yaml:5:19: the corpus '\\x00' cannot be read (")


def test_a_folder_that_cannot_be_searched_is_a_fault(
    load_here: Load, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Permissions do not bind who runs as root: the system's refusal is made up."""
    real = os.stat

    def refused(path: Any, *args: Any, **options: Any) -> os.stat_result:
        if str(path).endswith("secret/w"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *args, **options)

    monkeypatch.setattr(os, "stat", refused)
    (line,) = faults(load_here, {}, spec_of(f"{OPTIONS}, weights: secret/w"))
    assert "the weights 'secret/w' cannot be read (" in line
    assert "permission denied" in line


@pytest.mark.parametrize(
    ("argument", "why"),
    [
        ("n" * 300 + ".yaml", "file name too long"),
        ("a\0b.yaml", "it contains a character that no file name can contain"),
        ("a\0*.yaml", "it contains a character that no file name can contain"),
        ("\ud800.yaml", "it contains a character that no file name can contain"),
        ("loop.yaml", "too many levels of symbolic links"),
    ],
)
def test_a_spec_whose_name_the_system_refuses_is_a_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, argument: str, why: str
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("loop.yaml").symlink_to("loop.yaml")
    with pytest.raises(SpecError) as caught:
        load([argument])
    (problem,) = caught.value.problems
    assert f"this file cannot be read: {why}" == problem.message
    assert len(str(problem)) < 300


def test_a_loop_of_links_is_told_whichever_way_pathlib_tells_it() -> None:
    """As a RuntimeError before Python 3.13."""
    with pytest.raises(FileError, match="symbolic links"), looking_up():
        raise RuntimeError("Symlink loop from 'x'")


@pytest.mark.parametrize("address", ["https://a.b/w.safetensors", "hf://gpt2", "s3://b/w"])
@pytest.mark.parametrize("key", ["weights", "corpus"])
def test_an_address_is_told_as_such(load_here: Load, address: str, key: str) -> None:
    """Not looked for in a folder called `https:`."""
    rest = f"quality: {{corpus: '{address}'}}" if key == "corpus" else ""
    model = f"{OPTIONS}, weights: '{address}'" if key == "weights" else OPTIONS
    (line,) = faults(load_here, {}, spec_of(model, rest))
    assert f"the {key} {address!r}" in line
    assert "must be a file on this machine: download it, and give its path" in line


def test_a_folder_is_told_as_such_with_the_weights_in_it(load_here: Load, tmp_path: Path) -> None:
    (tmp_path / "gpt2").mkdir()
    (tmp_path / "gpt2" / "model.safetensors").write_bytes(b"")
    (line,) = faults(load_here, {}, spec_of(f"{OPTIONS}, weights: gpt2"))
    told = "the weights 'gpt2' must be a file, not a folder (it holds model.safetensors)"
    assert line.partition(": ")[2] == told + POSSIBLE


@pytest.mark.parametrize(
    ("content", "what"),
    [
        (b"", "an empty file"),
        (b"\xff" * 64, "not a safetensors file"),
        (b"GGUF" + (3).to_bytes(4, "little") + bytes(64), "a GGUF file (llama.cpp's format)"),
        (
            pickle.dumps({"wte.weight": [0] * 100}),
            "a pickle, which could run any code when it is read",
        ),
        (
            b"PK\x03\x04" + bytes(60),
            "a zip archive, as torch.save writes; a pickle in it could run any code",
        ),
        (
            b'{"metadata": {}, "weight_map": {}}',
            "a JSON file; a model that is split over several files must be merged first",
        ),
        (b"\x89HDF\r\n\x1a\n" + bytes(60), "an HDF5 file"),
        (
            b"version https://git-lfs.github.com/spec/v1\n",
            "a Git LFS pointer: the file itself was not downloaded",
        ),
        ((2).to_bytes(8, "little") + b"[]", "not a safetensors file"),
        ((4).to_bytes(8, "little") + b"{{}}", "a safetensors file with a damaged header"),
        (
            (20_000).to_bytes(8, "little") + b'{"a":' + b"[" * 19_995,
            "a safetensors file with a damaged header",
        ),
        (
            (12).to_bytes(8, "little") + b'{"a": [1.0]}',
            "a safetensors file with a damaged header",
        ),
        ((2**63).to_bytes(8, "little") + b"{}", "not a safetensors file"),
    ],
)
def test_weights_of_another_kind_are_named(load_here: Load, content: bytes, what: str) -> None:
    """One sentence: what it is, and what is possible."""
    assert weights_fault(load_here, content) == f"the weights 'w' are {what}{POSSIBLE}"


def test_a_llama_is_named(load_here: Load, gpt2_bytes: Gpt2Bytes) -> None:
    tiny = Shape(layers=1, d_model=2, heads=1, vocab=2, context=1)
    gone = dict.fromkeys(json.loads(header_of(gpt2_bytes(tiny))))
    names = ["model.embed_tokens.weight", "model.layers.0.self_attn.q_proj.weight"]
    content = gpt2_bytes(tiny, **gone, **dict.fromkeys(names, ("BF16", (2, 2))))
    assert weights_fault(load_here, content) == (
        "the weights 'w' cannot be used: it has the layout of Llama-like models "
        f"({names[0]}, {names[1]}, ...){POSSIBLE}"
    )


def header_of(content: bytes) -> bytes:
    return content[8 : 8 + int.from_bytes(content[:8], "little")]


@pytest.mark.parametrize("format_", ["C64", "I64", "BOOL", "F8_E4M3"])
def test_a_tensor_that_is_no_float_is_named_with_its_format(
    load_here: Load, gpt2_bytes: Gpt2Bytes, format_: str
) -> None:
    """A cast would drop the imaginary part, or a scale that stands elsewhere."""
    name = "transformer.h.1.mlp.c_fc.weight"
    assert weights_fault(load_here, gpt2_bytes(SHAPE, **{name: (format_, (16, 64))})) == (
        f"the weights 'w' cannot be used: h.1.mlp.c_fc.weight has the format {format_} "
        f"(possible: F64, F32, F16, BF16){POSSIBLE}"
    )


def test_masks_of_old_files_may_have_any_format(load_here: Load, gpt2_bytes: Gpt2Bytes) -> None:
    mask = {"transformer.h.0.attn.bias": ("BOOL", (1, 1, 8, 8))}
    text = spec_of(f"{OPTIONS}, weights: w")
    assert load_here({"w": gpt2_bytes(SHAPE, **mask), "s.yaml": text}, "s.yaml")


@pytest.mark.parametrize(
    ("option", "told"),
    [
        ("vocab: 512", "vocab 256 (the spec's: 512)"),
        ("context: 64", "context 32 (the spec's: 64)"),
        ("d_model: 32", "d_model 16 (the spec's: 32), d_ff 64 (the spec's: 128)"),
        ("layers: 3", "layers 2 (the spec's: 3)"),
        ("d_ff: 20", "d_ff 64 (the spec's: 20)"),
        (
            "tied: false",
            "missing lm_head.weight; unexpected nothing",
        ),
    ],
)
def test_other_dimensions_than_the_specs_are_told_from_the_header(
    load_here: Load, gpt2_bytes: Gpt2Bytes, option: str, told: str
) -> None:
    """By `plan` already, not by a failed cell."""
    key = option.partition(":")[0]
    rest = [one for one in OPTIONS.split(", ") if not one.startswith(key)]
    message = weights_fault(load_here, gpt2_bytes(SHAPE), ", ".join([*rest, option]))
    assert message == f"the weights 'w' belong to another model: {told}"


def test_tensors_that_do_not_fit_are_named(load_here: Load, gpt2_bytes: Gpt2Bytes) -> None:
    gone = {"transformer.ln_f.bias": None, "transformer.h.1.surplus": ("F32", (2,))}
    assert weights_fault(load_here, gpt2_bytes(SHAPE, **gone)) == (
        "the weights 'w' belong to another model: missing ln_f.bias; unexpected h.1.surplus"
    )
    narrow = {"transformer.h.1.mlp.c_fc.weight": ("F32", (16, 63))}
    assert weights_fault(load_here, gpt2_bytes(SHAPE, **narrow)) == (
        "the weights 'w' belong to another model: h.1.mlp.c_fc.weight has shape [63, 16]; "
        "the model's is [64, 16] (Linear weights as [out, in])"
    )


def test_a_file_cut_short_is_told_from_its_size(load_here: Load, gpt2_bytes: Gpt2Bytes) -> None:
    assert weights_fault(load_here, gpt2_bytes(SHAPE)[:-1000]) == (
        f"the weights 'w' are a safetensors file cut short: its last 1,000 bytes are missing{POSSIBLE}"
    )


@pytest.mark.parametrize(
    ("config", "told"),
    [
        ({"n_head": 4}, "n_head 4; the spec's model has heads 2"),
        ({"n_layer": 12}, "n_layer 12; the spec's model has layers 2"),
        ({"n_embd": 768}, "n_embd 768; the spec's model has d_model 16"),
        ({"vocab_size": 1}, "vocab_size 1; the spec's model has vocab 256"),
        ({"n_positions": 1}, "n_positions 1; the spec's model has context 32"),
        ({"n_head": "x" * 999}, f"n_head '{'x' * 56}...; the spec's model has heads 2"),
        ({"activation_function": "relu"}, "activation_function 'relu'; possible: 'gelu_new'"),
        ({"layer_norm_epsilon": 1e-6}, "layer_norm_epsilon 1e-06; possible: 1e-05"),
    ],
)
def test_a_config_beside_the_weights_must_agree(
    load_here: Load, gpt2_bytes: Gpt2Bytes, config: dict[str, Any], told: str
) -> None:
    """The only place that tells the number of heads."""
    files = {"w": gpt2_bytes(SHAPE), "config.json": json.dumps(config)}
    (line,) = faults(load_here, files, spec_of(f"{OPTIONS}, weights: w"))
    expected = f"the weights 'w' belong to another model: the config.json next to it has {told}"
    assert line.partition(": ")[2] == expected


def test_a_config_that_agrees_or_is_of_something_else_is_no_fault(
    load_here: Load, gpt2_bytes: Gpt2Bytes
) -> None:
    gpt2 = {"n_head": 2, "n_layer": 2, "n_embd": 16, "vocab_size": 256, "n_positions": 32}
    usual = {"activation_function": "gelu_new", "layer_norm_epsilon": 1e-05}
    text = spec_of(f"{OPTIONS}, weights: w")
    configs: list[Any] = [{**gpt2, **usual}, {"theme": "dark"}, []]
    for config in configs:
        files = {"w": gpt2_bytes(SHAPE), "config.json": json.dumps(config), "s.yaml": text}
        assert load_here(files, "s.yaml")


def test_a_config_that_cannot_be_read_is_a_fault(load_here: Load, gpt2_bytes: Gpt2Bytes) -> None:
    files = {"w": gpt2_bytes(SHAPE), "config.json": "{"}
    (line,) = faults(load_here, files, spec_of(f"{OPTIONS}, weights: w"))
    assert "next to a config.json that cannot be read" in line


def test_a_linked_file_has_the_config_beside_the_link(
    load_here: Load, tmp_path: Path, gpt2_bytes: Gpt2Bytes
) -> None:
    """As Hugging Face's cache keeps them."""
    (tmp_path / "blob").write_bytes(gpt2_bytes(SHAPE))
    (tmp_path / "deep").mkdir()
    (tmp_path / "deep" / "w").symlink_to("../blob")
    (tmp_path / "deep" / "config.json").write_text('{"n_head": 4}')
    (line,) = faults(load_here, {}, spec_of(f"{OPTIONS}, weights: deep/w"))
    assert "n_head 4" in line


NO_TOKENIZER = (
    "without a tokenizer a token is a byte, but a model has a vocabulary of {}: its bits per byte "
    "would mean nothing (possible: a tokenizer file; `tokenizer: bytes` if the model was trained "
    "on bytes; a vocab of 256)"
)


@pytest.mark.parametrize("vocab", [128, 2000])
@pytest.mark.parametrize("holder", ["quality", "model"])
def test_bytes_judge_only_a_model_of_bytes(
    load_here: Load, gpt2_bytes: Gpt2Bytes, vocab: int, holder: str
) -> None:
    shape = SHAPE.model_copy(update={"vocab": vocab})
    files = {"w": gpt2_bytes(shape), "c": b"text"}
    model = f"{OPTIONS.replace('256', str(vocab))}, weights: w"
    text = (
        spec_of(model, "quality: {corpus: c}")
        if holder == "quality"
        else spec_of(f"{model}, corpus: c")
    )
    (line,) = faults(load_here, files, text)
    assert line.startswith("s.yaml:5:19" if holder == "quality" else PLACE)
    assert line.partition(": ")[2] == NO_TOKENIZER.format(vocab)


def test_who_trained_on_bytes_in_a_larger_vocabulary_says_so(
    load_here: Load, gpt2_bytes: Gpt2Bytes
) -> None:
    """A padded vocabulary, say. The word is no part of the cell's identity."""
    shape = SHAPE.model_copy(update={"vocab": 300})
    files = {"w": gpt2_bytes(shape), "c": b"text"}
    model = f"{OPTIONS.replace('256', '300')}, weights: w"
    texts = [
        spec_of(model, "quality: {corpus: c, tokenizer: bytes}"),
        spec_of(f"{model}, corpus: c, tokenizer: bytes"),
    ]
    ids = []
    for text in texts:
        (spec,) = load_here({**files, "s.yaml": text}, "s.yaml")
        ids.append(spec.cells[0].id)
        assert "tokenizer" not in dict(spec.cells[0].model.options)
    assert ids[0] == ids[1]


def test_a_tokenizer_or_random_weights_ask_for_no_bytes(
    load_here: Load, gpt2_bytes: Gpt2Bytes
) -> None:
    shape = SHAPE.model_copy(update={"vocab": 2000})
    options = OPTIONS.replace("256", "2000")
    files = {"w": gpt2_bytes(shape), "c": b"text", "t": b"{}"}
    for model, rest in [
        (f"{options}, weights: w", "quality: {corpus: c, tokenizer: t}"),
        (options, "quality: {corpus: c}"),
    ]:
        assert load_here({**files, "s.yaml": spec_of(model, rest)}, "s.yaml")


def test_a_file_that_many_models_name_is_read_once(
    load_here: Load, gpt2_bytes: Gpt2Bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []

    def counted(file: Path) -> str:
        read.append(file)
        return digest(file)

    monkeypatch.setattr("harness.spec.modelfiles.digest", counted)
    text = spec_of(f"{OPTIONS}, tied: [true, true], weights: [w, w, w]")
    load_here({"w": gpt2_bytes(SHAPE), "s.yaml": text}, "s.yaml")
    assert len(read) == 1
