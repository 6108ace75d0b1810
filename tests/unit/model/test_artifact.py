"""A model's file: refused where it is not, to the bit, what was written."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import save_file

from harness.compression import registry
from harness.model.artifact import ArtifactError, load, save, verify
from harness.model.build import build
from harness.model.sizes import SIZES
from harness.model.transformer import Transformer
from harness.operators import registry as operators
from harness.operators.sdpa import Sdpa
from harness.quality.text import RandomText

NANO = SIZES["nano"].shape
CPU = torch.device("cpu")


def nano() -> Transformer:
    return build(NANO, Sdpa().mixer, device=CPU)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "nano.safetensors"
    save(nano(), path)
    return path


def rewritten(
    file: Path, change: Callable[[dict[str, torch.Tensor], dict[str, object]], None]
) -> None:
    """Changed by someone who knows the format, but not what the digest is for."""
    with safe_open(file, framework="pt") as opened:
        tensors = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118
        layout = json.loads(opened.metadata()["harness"])
    change(tensors, layout)
    save_file(tensors, file, metadata={"harness": json.dumps(layout)})


def test_a_file_that_was_cut_is_refused(file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(ArtifactError, match="is not a complete safetensors file"):
        load(file, Sdpa().mixer, CPU)


def test_a_file_with_a_flipped_bit_is_refused(file: Path) -> None:
    content = bytearray(file.read_bytes())
    content[-17] ^= 1
    file.write_bytes(content)
    with pytest.raises(ArtifactError, match="was changed since it was written"):
        verify(file)


def test_a_changed_layout_is_refused(file: Path) -> None:
    rewritten(file, lambda _, layout: layout.update(tied=False))
    with pytest.raises(ArtifactError, match="was changed since it was written"):
        verify(file)


def test_a_missing_tensor_is_refused(file: Path) -> None:
    def drop(tensors: dict[str, torch.Tensor], layout: dict[str, object]) -> None:
        del tensors["ln_f.weight"]

    rewritten(file, drop)
    with pytest.raises(ArtifactError, match=r"does not hold the model it describes.*ln_f.weight"):
        load(file, Sdpa().mixer, CPU)


def test_a_tensor_too_many_is_refused(file: Path) -> None:
    def add(tensors: dict[str, torch.Tensor], layout: dict[str, object]) -> None:
        tensors["stowaway"] = torch.zeros(3)
        layout["shapes"]["stowaway"] = [3]  # type: ignore[index]

    rewritten(file, add)
    with pytest.raises(ArtifactError, match="no place for stowaway"):
        load(file, Sdpa().mixer, CPU)


def test_a_tensor_of_another_shape_is_refused(file: Path) -> None:
    def cut(tensors: dict[str, torch.Tensor], layout: dict[str, object]) -> None:
        tensors["ln_f.bias"] = torch.zeros(3)
        layout["shapes"]["ln_f.bias"] = [3]  # type: ignore[index]

    rewritten(file, cut)
    with pytest.raises(ArtifactError, match=r"ln_f.bias is \[3\], not \[64\]"):
        load(file, Sdpa().mixer, CPU)


def test_a_file_of_a_later_layout_is_refused(file: Path) -> None:
    rewritten(file, lambda _, layout: layout.update(version=99))
    with pytest.raises(ArtifactError, match="has format version 99; this program reads version 1"):
        load(file, Sdpa().mixer, CPU)


def test_another_programs_file_is_refused(tmp_path: Path) -> None:
    save_file({"a": torch.zeros(3)}, tmp_path / "other")
    with pytest.raises(ArtifactError, match="was not written by this program"):
        load(tmp_path / "other", Sdpa().mixer, CPU)


def test_a_layer_that_no_named_compression_has_is_refused(tmp_path: Path) -> None:
    """Rather than read as something else."""
    model = registry["int8-weight-only"]().apply(nano(), RandomText(NANO.vocab))
    save(model, tmp_path / "file")
    expected = "none of its compressions has layers of the kind int8-weight-only"
    with pytest.raises(ArtifactError, match=expected):
        load(tmp_path / "file", Sdpa().mixer, CPU)


def test_no_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="is not a complete safetensors file"):
        load(tmp_path / "missing", Sdpa().mixer, CPU)


def test_what_was_loaded_does_not_change_with_the_file(file: Path) -> None:
    """Its pages are not what runs: another process may rewrite them."""
    model = load(file, Sdpa().mixer, CPU)
    before = model.wte.weight.clone()
    file.write_bytes(bytes(len(file.read_bytes())))
    assert torch.equal(model.wte.weight, before)


@torch.inference_mode()
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("name", [name for name in operators if name not in {"flex", "pattern"}])
def test_every_operators_model_comes_back(tmp_path: Path, name: str, dtype: torch.dtype) -> None:
    """Dense, in its own precision, whatever its mixers keep."""
    operator = operators[name]()
    model = build(NANO, operator.mixer, device=CPU, dtype=dtype)
    save(model, tmp_path / "file")
    again = load(tmp_path / "file", operator.mixer, CPU)
    tokens = torch.randint(NANO.vocab, (1, 20), generator=torch.Generator().manual_seed(0))
    assert torch.equal(again(tokens), model(tokens))


def test_nothing_stays_behind_a_write_that_failed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A half-written model must not be found under its name."""

    def fail(*_: object, **__: object) -> None:
        raise OSError("no space left")

    monkeypatch.setattr("harness.model.artifact.save_file", fail)
    with pytest.raises(OSError, match="no space left"):
        save(nano(), tmp_path / "model")
    assert not (tmp_path / "model").exists()
