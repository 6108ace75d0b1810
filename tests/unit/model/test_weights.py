"""Weights files: there and back, and refused where they do not fit."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from harness.errors import HarnessError
from harness.model.architectures import EncoderDecoderShape, EncoderShape
from harness.model.build import build
from harness.model.layout import foreign, misfit, read_header
from harness.model.mixer import LayerState, TokenMixer
from harness.model.shape import Shape
from harness.model.transformer import Transformer
from harness.model.weights import WeightsError, load_gpt2_layout, save_gpt2_layout
from harness.operators import Operator
from harness.operators.gqa import Gqa
from harness.operators.sdpa import Sdpa

MakeModel = Callable[..., Transformer]


class NoMixer(TokenMixer):
    """Each token sees itself alone: no attention, so not GPT-2."""

    def __init__(self, shape: Shape, layer: int) -> None:
        super().__init__()
        self.out = torch.nn.Linear(shape.d_model, shape.d_model)

    def new_state(
        self, batch: int, capacity: int, device: torch.device, dtype: torch.dtype
    ) -> LayerState:
        raise NotImplementedError

    def forward(
        self, x: torch.Tensor, state: LayerState | None = None, past: int = 0
    ) -> torch.Tensor:
        out: torch.Tensor = self.out(x)
        return out

    @property
    def residual_projection(self) -> torch.nn.Linear:
        return self.out


@pytest.fixture
def file(make_model: MakeModel, tmp_path: Path) -> Path:
    """A good file."""
    save_gpt2_layout(make_model(seed=1), tmp_path / "good.safetensors")
    return tmp_path / "good.safetensors"


def test_what_is_written_is_read_again_to_the_bit(make_model: MakeModel, file: Path) -> None:
    read = make_model(seed=2)
    load_gpt2_layout(read, file)
    expected = make_model(seed=1).state_dict()
    assert all(torch.equal(expected[name], tensor) for name, tensor in read.state_dict().items())


def test_the_head_stays_tied_after_reading(make_model: MakeModel, file: Path) -> None:
    model = make_model()
    load_gpt2_layout(model, file)
    assert model.head.weight is model.wte.weight


def test_weights_are_cast_to_the_models_precision(make_model: MakeModel, file: Path) -> None:
    model = make_model(dtype=torch.bfloat16)
    load_gpt2_layout(model, file)
    assert torch.equal(model.wte.weight, make_model(seed=1).wte.weight.bfloat16())


def test_a_missing_tensor_is_named(make_model: MakeModel, file: Path) -> None:
    tensors = load_file(file)
    del tensors["h.1.mlp.c_fc.bias"]
    save_file(tensors, file)
    with pytest.raises(WeightsError, match=r"missing h\.1\.mlp\.c_fc\.bias; unexpected nothing"):
        load_gpt2_layout(make_model(), file)


def test_a_tensor_too_many_is_named(make_model: MakeModel, file: Path) -> None:
    """A file of more layers than the model would else be cut short silently."""
    save_file({**load_file(file), "h.3.ln_1.bias": torch.zeros(48)}, file)
    with pytest.raises(WeightsError, match=r"missing nothing; unexpected h\.3\.ln_1\.bias"):
        load_gpt2_layout(make_model(), file)


def test_many_missing_tensors_are_counted(make_model: MakeModel, tmp_path: Path) -> None:
    save_file({"wte.weight": torch.zeros(101, 48)}, tmp_path / "poor.safetensors")
    with pytest.raises(WeightsError, match=r"h\.0\..* and \d+ more; unexpected nothing"):
        load_gpt2_layout(make_model(), tmp_path / "poor.safetensors")


def test_a_tensor_of_another_shape_is_told_with_both(make_model: MakeModel, file: Path) -> None:
    save_file({**load_file(file), "h.2.mlp.c_fc.weight": torch.zeros(48, 96)}, file)
    told = r"h\.2\.mlp\.c_fc\.weight has shape \[96, 48\]; the model's is \[80, 48\]"
    with pytest.raises(WeightsError, match=told):
        load_gpt2_layout(make_model(), file)


def test_a_truncated_file_is_refused(make_model: MakeModel, file: Path) -> None:
    file.write_bytes(file.read_bytes()[:-1000])
    with pytest.raises(WeightsError, match="not a readable safetensors file"):
        load_gpt2_layout(make_model(), file)


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff" * 64, pickle.dumps({"wte.weight": 0})])
def test_a_file_of_another_kind_is_refused(
    make_model: MakeModel, tmp_path: Path, content: bytes
) -> None:
    """A pickle above all: reading one can run anything."""
    (tmp_path / "other.safetensors").write_bytes(content)
    with pytest.raises(WeightsError, match=r"other\.safetensors is not a readable safetensors"):
        load_gpt2_layout(make_model(), tmp_path / "other.safetensors")


def test_an_absent_file_is_refused(make_model: MakeModel, tmp_path: Path) -> None:
    with pytest.raises(WeightsError, match=r"nowhere\.safetensors is not a readable"):
        load_gpt2_layout(make_model(), tmp_path / "nowhere.safetensors")


def test_a_model_without_attention_has_no_gpt2_layout(shape: Shape, file: Path) -> None:
    model = build(shape, NoMixer, device=torch.device("cpu"))
    with pytest.raises(WeightsError, match="need an attention operator"):
        load_gpt2_layout(model, file)


@pytest.mark.parametrize("kind", [EncoderShape, EncoderDecoderShape])
def test_another_architecture_has_no_gpt2_layout(
    shape: Shape, file: Path, kind: type[Shape]
) -> None:
    """Told, rather than half of it filled."""
    other = kind(**shape.model_dump())
    model = build(other, Sdpa().mixer, unmasked=Sdpa().unmasked, device=torch.device("cpu"))
    with pytest.raises(
        WeightsError, match=f"are for decoders; this model is an {kind.architecture}"
    ):
        load_gpt2_layout(model, file)


def test_a_weights_error_is_a_message_for_the_user() -> None:
    assert issubclass(WeightsError, HarnessError)


def test_a_head_of_its_own_is_refused(make_model: MakeModel, file: Path) -> None:
    """The model's head is tied: another's weights would be dropped silently."""
    tensors = load_file(file)
    save_file({**tensors, "lm_head.weight": tensors["wte.weight"].clone()}, file)
    load_gpt2_layout(make_model(), file)
    save_file({**tensors, "lm_head.weight": tensors["wte.weight"] + 1}, file)
    with pytest.raises(WeightsError, match=r"lm_head\.weight differs from wte\.weight"):
        load_gpt2_layout(make_model(), file)


@pytest.mark.parametrize("format_", [torch.complex64, torch.int32, torch.bool])
def test_a_tensor_that_is_no_float_is_refused(
    make_model: MakeModel, file: Path, format_: torch.dtype
) -> None:
    """A cast would drop the imaginary part silently."""
    tensors = load_file(file)
    tensors["h.1.ln_1.bias"] = tensors["h.1.ln_1.bias"].to(format_)
    save_file(tensors, file)
    told = r"h\.1\.ln_1\.bias has the format \w+ \(possible: F64, F32, F16, BF16\)"
    with pytest.raises(WeightsError, match=told):
        load_gpt2_layout(make_model(), file)


@pytest.mark.parametrize("format_", [torch.float64, torch.float16, torch.bfloat16])
def test_every_float_is_read(make_model: MakeModel, file: Path, format_: torch.dtype) -> None:
    save_file({name: one.to(format_) for name, one in load_file(file).items()}, file)
    model = make_model()
    load_gpt2_layout(model, file)
    expected = make_model(seed=1).wte.weight.to(format_).float()
    assert torch.equal(model.wte.weight, expected)


@pytest.mark.parametrize(
    "changes", [{}, {"tied": False}, {"d_ff": 20}, {"layers": 1}, {"vocab": 7, "context": 9}]
)
@pytest.mark.parametrize("operator", [Sdpa(), Gqa(Gqa.Options(groups=1))], ids=["sdpa", "gqa"])
def test_the_header_alone_tells_that_a_file_fits(
    shape: Shape, tmp_path: Path, changes: dict[str, int | bool], operator: Operator
) -> None:
    """What is told of a shape without building it holds for the model that is built."""
    one = shape.model_copy(update=changes)
    model = build(one, operator.mixer, device=torch.device("cpu"))
    save_gpt2_layout(model, tmp_path / "w.safetensors")
    header = read_header(tmp_path / "w.safetensors")
    assert (foreign(header), misfit(header, one)) == (None, None)
    for key in ("vocab", "context", "layers", "d_model"):
        other = one.model_copy(update={key: 6 * getattr(one, key)})
        assert misfit(header, other) is not None
