"""int8-dynamic: integers indeed, near the dense model, and honest about where it runs."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
import torch
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode

from harness.compression.int8_dynamic import Int8Dynamic
from harness.compression.int8_dynamic.layer import Int8DynamicLinear
from harness.domain.cell import Cell, Choice
from harness.domain.run import Host
from harness.errors import Unsupported
from harness.model.build import build
from harness.model.measure import model_bytes
from harness.model.sizes import SIZES
from harness.model.transformer import Transformer
from harness.operators.sdpa import Sdpa
from harness.quality.text import RandomText

NANO = SIZES["nano"].shape


class Kernels(TorchDispatchMode):
    """Notes the name of each kernel that runs."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]  # torch's has no annotations
        self.names: list[str] = []

    def __torch_dispatch__(
        self, kernel: Any, types: Any, args: Sequence[Any] = (), kwargs: Any = None
    ) -> Any:
        self.names.append(str(kernel))
        return kernel(*args, **(kwargs or {}))


@pytest.fixture
def dense() -> Transformer:
    return build(NANO, Sdpa().mixer, device=torch.device("cpu"))


@pytest.fixture
def compressed() -> Transformer:
    model = build(NANO, Sdpa().mixer, device=torch.device("cpu"))
    return Int8Dynamic().apply(model, RandomText(NANO.vocab))


@pytest.fixture
def tokens() -> torch.Tensor:
    return torch.randint(NANO.vocab, (2, 64), generator=torch.Generator().manual_seed(1))


def test_every_linear_layer_holds_int8_weights(compressed: Transformer) -> None:
    """Four a block, and the head; none is left as it was."""
    layers = [one for one in compressed.modules() if isinstance(one, Int8DynamicLinear)]
    assert len(layers) == 4 * NANO.layers + 1
    assert {layer.stored()["numbers"].dtype for layer in layers} == {torch.int8}
    assert not any(isinstance(one, nn.Linear) for one in compressed.modules())


@pytest.mark.parametrize("per_channel", [True, False])
@pytest.mark.parametrize("symmetric", [True, False])
def test_scales_and_zero_points_are_as_asked(
    dense: Transformer, per_channel: bool, symmetric: bool
) -> None:
    options = Int8Dynamic.Options(per_channel=per_channel, symmetric=symmetric)
    compressed = Int8Dynamic(options).apply(dense, RandomText(NANO.vocab))
    layers = [one for one in compressed.modules() if isinstance(one, Int8DynamicLinear)]
    for layer in layers:
        stored = layer.stored()
        assert len(stored["scales"]) == (layer.out_features if per_channel else 1)
        assert bool(stored["zeros"].any()) is not symmetric


def test_a_scale_for_each_channel_is_nearer_than_one_for_all() -> None:
    linear = nn.Linear(64, 64)
    with torch.no_grad():
        linear.weight *= torch.logspace(-3, 0, 64).unsqueeze(1)
    errors = [
        (
            Int8DynamicLinear.of(linear, by_channel=by_channel, is_symmetric=True).dense()
            - linear.weight
        ).norm()
        for by_channel in (True, False)
    ]
    assert errors[0] < errors[1] / 3


@torch.inference_mode()
def test_products_run_in_int8_kernels(compressed: Transformer, tokens: torch.Tensor) -> None:
    """No Linear layer falls back to a product of floats."""
    with Kernels() as ran:
        compressed(tokens)
    assert ran.names.count("quantized.linear_dynamic.default") == 4 * NANO.layers + 1
    assert not {"aten.linear.default", "aten.addmm.default", "aten.mm.default"} & set(ran.names)


def test_weights_take_fewer_bytes(dense: Transformer, compressed: Transformer) -> None:
    """A byte for each weight of a Linear layer, the head's own now; the rest as it was.

    The head was tied and took nothing beside the embedding, which stays. Each output channel has
    a scale and a zero point of eight bytes each.
    """
    blocks = NANO.layers * (4 + 2 * 4) * NANO.d_model**2
    head = NANO.vocab * NANO.d_model
    channels = NANO.layers * (3 + 1 + 4 + 1) * NANO.d_model + NANO.vocab
    saved = 4 * blocks - (blocks + head) - 16 * channels
    assert model_bytes(dense) - model_bytes(compressed) == saved


@torch.inference_mode()
def test_logits_are_near_the_dense_models(
    dense: Transformer, compressed: Transformer, tokens: torch.Tensor
) -> None:
    """But not the same: then nothing would have been quantised."""
    expected = dense(tokens)
    error = ((compressed(tokens) - expected).norm() / expected.norm()).item()
    assert 1e-4 < error < 0.05


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"precision": Choice("bf16")}, "int8-dynamic kernels take fp32 activations, not bf16"),
        ({"hardware": Choice("cuda")}, "int8-dynamic has kernels for CPU only"),
    ],
)
def test_what_its_kernels_cannot_do_is_refused_with_the_reason(
    make_cell: Callable[..., Cell], host: Host, changes: dict[str, Choice], reason: str
) -> None:
    assert reason == Int8Dynamic().unsupported(make_cell(**changes), host)


def test_a_processor_without_an_int8_engine_is_told(
    monkeypatch: pytest.MonkeyPatch, dense: Transformer
) -> None:
    """Rather than run a slow stand-in that is called int8."""

    class NoEngine:
        engine = "none"

    monkeypatch.setattr(torch.backends, "quantized", NoEngine())
    with pytest.raises(Unsupported, match="no int8 engine"):
        Int8Dynamic().apply(dense, RandomText(NANO.vocab))


def test_it_says_that_it_cannot_be_trained() -> None:
    assert not Int8Dynamic.differentiable
