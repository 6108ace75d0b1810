"""What every operator promises; a new entry is tested by being registered."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from harness import operators
from harness.domain.cell import Cell, Choice
from harness.domain.entry import Entry
from harness.domain.run import Host
from harness.errors import Unsupported
from harness.model.mixer import TokenMixer
from harness.model.shape import Shape
from harness.model.transformer import DecodeState, Transformer, blocks_of, build
from harness.operators import Operator

CPU = torch.device("cpu")
SHAPE = Shape(layers=3, d_model=48, heads=3, vocab=97, context=64)
LENGTH = 40
# Each pass as (new, past): a prefill, a decode step, a chunk, a chunk as long as its past.
PASSES = [(40, 0), (1, 39), (7, 20), (8, 8)]
CUTS = [[1, 39], [39, 1], [5, 1, 13, 21], [8] * 5]

pytestmark = pytest.mark.parametrize(
    "entry", operators.registry.entries(), ids=lambda one: one.name
)


@pytest.fixture
def operator(entry: type[Operator], example: Callable[[type[Entry]], Entry]) -> Operator:
    made = example(entry)
    assert isinstance(made, Operator)
    return made


@pytest.fixture
def model(operator: Operator) -> Transformer:
    """With weights far larger than a fresh model's, so that tokens do see each other."""
    made = build(SHAPE, operator.mixer, device=CPU, seed=1)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return made


@pytest.fixture
def mixer(operator: Operator) -> TokenMixer:
    return operator.mixer(SHAPE, 0)


@pytest.fixture
def tokens() -> torch.Tensor:
    return random_tokens(3)


def random_tokens(seed: int, length: int = LENGTH) -> torch.Tensor:
    """[2, length] token ids."""
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(SHAPE.vocab, (2, length), generator=generator)


def in_pieces(
    model: Transformer, pieces: Iterable[torch.Tensor], state: DecodeState | None = None
) -> torch.Tensor:
    """Logits of tokens read piece by piece, behind those the state holds."""
    state = state or model.new_state(2, SHAPE.context)
    return torch.cat([model(piece, state=state) for piece in pieces], dim=1)


def tensors_in(value: Any) -> Iterator[torch.Tensor]:
    """All tensors that an object holds, however it keeps them; not those of modules."""
    if isinstance(value, torch.Tensor):
        yield value
    elif isinstance(value, dict):
        for one in value.values():
            yield from tensors_in(one)
    elif isinstance(value, (list, tuple)):
        for one in value:
            yield from tensors_in(one)
    elif hasattr(value, "__dict__") and not isinstance(value, (nn.Module, Shape)):
        yield from tensors_in(vars(value))


def test_the_same_seed_gives_the_same_mixer(operator: Operator) -> None:
    """All its parameters are initialised: none is left as its memory came."""
    one, other = (build(SHAPE, operator.mixer, device=CPU, seed=4) for _ in range(2))
    for (name, left), right in zip(one.named_parameters(), other.parameters(), strict=True):
        assert left.isfinite().all(), name
        assert torch.equal(left, right), name


@torch.inference_mode()
def test_a_token_depends_on_none_that_follow(model: Transformer, tokens: torch.Tensor) -> None:
    """To the bit: whatever stands behind it, a token's logits are the same."""
    before = model(tokens)
    for position in (0, 1, 17, 31, LENGTH - 1):
        changed = tokens.clone()
        changed[:, position:] = random_tokens(4)[:, position:]
        assert torch.equal(before[:, :position], model(changed)[:, :position])


@torch.inference_mode()
def test_a_token_depends_on_the_one_before(model: Transformer, tokens: torch.Tensor) -> None:
    """It does mix tokens: one that saw only itself would pass the test above."""
    changed = tokens.clone()
    changed[:, 20] = (changed[:, 20] + 1) % SHAPE.vocab
    difference = (model(tokens) - model(changed)).abs().amax(dim=(0, 2))
    assert difference[20] > 1e-3
    assert difference[21] > 1e-6


@torch.inference_mode()
def test_sequences_of_a_batch_do_not_see_each_other(
    model: Transformer, tokens: torch.Tensor
) -> None:
    changed = tokens.clone()
    changed[1] = random_tokens(5)[1]
    assert torch.equal(model(tokens)[0], model(changed)[0])


@torch.inference_mode()
def test_steps_give_what_the_parallel_form_gives(model: Transformer, tokens: torch.Tensor) -> None:
    """Decode, token by token, and prefill are two ways to compute one function."""
    stepwise = in_pieces(model, tokens.split(1, dim=1))
    torch.testing.assert_close(stepwise, model(tokens), atol=1e-4, rtol=1e-4)


@torch.inference_mode()
@pytest.mark.parametrize("sizes", CUTS, ids=str)
def test_chunks_give_what_the_parallel_form_gives(
    model: Transformer, tokens: torch.Tensor, sizes: list[int]
) -> None:
    """Wherever a prompt is cut, as chunked prefill does."""
    chunked = in_pieces(model, tokens.split(sizes, dim=1))
    torch.testing.assert_close(chunked, model(tokens), atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_a_snapshot_can_be_restored_any_number_of_times(
    model: Transformer, tokens: torch.Tensor
) -> None:
    """The same tokens give the same logits again, to the bit, whatever was read in between."""
    state = model.new_state(2, SHAPE.context)
    in_pieces(model, [tokens[:, :16]], state)
    snapshot = state.snapshot()
    first = in_pieces(model, tokens[:, 16:24].split(1, dim=1), state)
    for seed in (6, 7):
        state.restore(snapshot)
        in_pieces(model, random_tokens(seed, 12).split([1, 11], dim=1), state)
        state.restore(snapshot)
        assert state.position == 16
        assert torch.equal(first, in_pieces(model, tokens[:, 16:24].split(1, dim=1), state))


@torch.inference_mode()
def test_a_rewound_state_is_as_new(model: Transformer, tokens: torch.Tensor) -> None:
    """Nothing of an earlier sequence is left in it."""
    new, used = model.new_state(2, SHAPE.context), model.new_state(2, SHAPE.context)
    in_pieces(model, random_tokens(8).split([30, 1, 9], dim=1), used)
    used.rewind(0)
    pieces = tokens.split([30, 1, 9], dim=1)
    assert torch.equal(in_pieces(model, pieces, new), in_pieces(model, pieces, used))


@torch.inference_mode()
def test_two_states_do_not_touch_each_other(model: Transformer, tokens: torch.Tensor) -> None:
    one, other = model.new_state(2, SHAPE.context), model.new_state(2, SHAPE.context)
    for position in range(8):
        here = in_pieces(model, [tokens[:, position : position + 1]], one)
        in_pieces(model, [random_tokens(9)[:, position : position + 1]], other)
    torch.testing.assert_close(here, model(tokens[:, :8])[:, -1:], atol=1e-4, rtol=1e-4)


def test_gradients_are_finite_and_reach_every_parameter(
    model: Transformer, tokens: torch.Tensor
) -> None:
    model.train()
    logits = model(tokens[:, :-1]).flatten(0, 1)
    nn.functional.cross_entropy(logits, tokens[:, 1:].flatten()).backward()
    for block in blocks_of(model):
        for name, parameter in block.mixer.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.any(), name


@torch.inference_mode()
def test_half_precision_stays_near(model: Transformer, tokens: torch.Tensor) -> None:
    """Within what bfloat16's eight bits of mantissa leave, also step by step."""
    expected = model(tokens)
    half = model.to(torch.bfloat16)
    for logits in (half(tokens), in_pieces(half, tokens.split([39, 1], dim=1))):
        assert logits.dtype == torch.bfloat16
        assert (logits.float() - expected).norm() < 0.1 * expected.norm()


def test_parameters_are_those_of_the_real_mixer(operator: Operator, mixer: TokenMixer) -> None:
    assert operator.parameters(SHAPE) == sum(one.numel() for one in mixer.parameters())


@pytest.mark.parametrize(("new", "past"), PASSES)
def test_flops_are_those_that_torch_counts(
    operator: Operator, mixer: TokenMixer, new: int, past: int
) -> None:
    state = mixer.new_state(2, SHAPE.context, CPU, torch.float32)
    before, x = torch.randn(2, past, SHAPE.d_model), torch.randn(2, new, SHAPE.d_model)
    # torch's counter does not know the fused CPU kernel; as plain matrix products it sees all.
    with torch.inference_mode(), sdpa_kernel(SDPBackend.MATH):
        if past:
            mixer(before, state, 0)
        with FlopCounterMode(display=False) as counter:
            mixer(x, state, past)
    assert operator.flops(SHAPE, 2, new, past) == counter.get_total_flops()


@pytest.mark.parametrize("capacity", [8, 64])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_state_bytes_are_those_of_the_real_state(
    operator: Operator, mixer: TokenMixer, dtype: torch.dtype, capacity: int
) -> None:
    state = mixer.new_state(3, capacity, CPU, dtype)
    storages = {one.untyped_storage().data_ptr(): one for one in tensors_in(state)}
    real = sum(one.untyped_storage().nbytes() for one in storages.values())
    assert operator.state_bytes(SHAPE, 3, capacity, dtype.itemsize) == real
    assert state.bytes() == real


def test_the_residual_projection_is_one_of_its_layers(mixer: TokenMixer) -> None:
    """Initialisation scales it down by the depth, wherever it finds it."""
    assert any(mixer.residual_projection is module for module in mixer.modules())


def test_a_plain_cpu_cell_is_supported(
    operator: Operator, make_cell: Callable[..., Cell], host: Host
) -> None:
    cell = make_cell(operator=Choice(type(operator).name, operator.options.canonical()))
    assert operator.unsupported(cell, host) is None


def test_without_a_mask_it_mixes_both_ways_or_says_that_it_cannot(operator: Operator) -> None:
    """With the parameters and FLOPs that it tells of its causal mixer."""
    if not operator.bidirectional:
        with pytest.raises(Unsupported, match=type(operator).name):
            operator.unmasked(SHAPE, 0)
        return
    mixer = operator.unmasked(SHAPE, 0)
    assert operator.parameters(SHAPE) == sum(one.numel() for one in mixer.parameters())
    x = torch.randn(2, 12, SHAPE.d_model, generator=torch.Generator().manual_seed(1))
    changed = x.clone()
    changed[:, 9] += 1
    with torch.inference_mode(), sdpa_kernel(SDPBackend.MATH):
        with FlopCounterMode(display=False) as counter:
            before = mixer(x)
        difference = (mixer(changed) - before).abs().amax(dim=(0, 2))
    assert operator.flops(SHAPE, 2, 12, 0) == counter.get_total_flops()
    assert difference.gt(1e-6).all()
