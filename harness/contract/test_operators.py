"""What every operator computes; a new entry is tested by being registered."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Iterator

import pytest
import torch
import torch.distributed as dist
from torch import nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils.flop_counter import FlopCounterMode

from harness.compression.int8_dynamic import Int8Dynamic
from harness.contract.plugin import SHAPE, choice_of
from harness.domain.cell import Cell
from harness.domain.run import Host
from harness.errors import Unsupported
from harness.model.build import build
from harness.model.transformer import DecodeState, Transformer, blocks_of
from harness.operators import Operator
from harness.operators.math import Math
from harness.quality.text import RandomText

CPU = torch.device("cpu")
LENGTH = 40
CUTS = [[1, 39], [39, 1], [5, 1, 13, 21], [8] * 5]

pytestmark = pytest.mark.usefixtures("uncompiled")


@pytest.fixture
def model(operator: Operator) -> Transformer:
    """A model with much larger weights than a fresh one, so that tokens affect each other."""
    made = build(SHAPE, operator.mixer, device=CPU, seed=1)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return made


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
    """Logits of tokens read piece by piece, after those in the state."""
    state = state or model.new_state(2, SHAPE.context)
    return torch.cat([model(piece, state=state) for piece in pieces], dim=1)


def test_the_same_seed_gives_the_same_mixer(operator: Operator) -> None:
    """All parameters are initialised; none holds leftover memory."""
    one, other = (build(SHAPE, operator.mixer, device=CPU, seed=4) for _ in range(2))
    for (name, left), right in zip(one.named_parameters(), other.parameters(), strict=True):
        assert left.isfinite().all(), name
        assert torch.equal(left, right), name


@torch.inference_mode()
def test_a_token_does_not_depend_on_later_tokens(model: Transformer, tokens: torch.Tensor) -> None:
    """Its logits are the same to the bit, whatever comes after it."""
    before = model(tokens)
    for position in (0, 1, 17, 31, LENGTH - 1):
        changed = tokens.clone()
        changed[:, position:] = random_tokens(4)[:, position:]
        assert torch.equal(before[:, :position], model(changed)[:, :position])


@torch.inference_mode()
def test_a_token_depends_on_the_token_before(model: Transformer, tokens: torch.Tensor) -> None:
    """An operator that did not mix tokens would pass the test above."""
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
def test_decode_steps_give_the_same_as_prefill(model: Transformer, tokens: torch.Tensor) -> None:
    """Both compute the same function."""
    stepwise = in_pieces(model, tokens.split(1, dim=1))
    torch.testing.assert_close(stepwise, model(tokens), atol=1e-4, rtol=1e-4)


@torch.inference_mode()
@pytest.mark.parametrize("sizes", CUTS, ids=str)
def test_chunked_prefill_gives_the_same_as_prefill(
    model: Transformer, tokens: torch.Tensor, sizes: list[int]
) -> None:
    """Wherever the prompt is cut."""
    chunked = in_pieces(model, tokens.split(sizes, dim=1))
    torch.testing.assert_close(chunked, model(tokens), atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_a_snapshot_can_be_restored_any_number_of_times(
    model: Transformer, tokens: torch.Tensor
) -> None:
    """Then the same tokens give the same logits to the bit, whatever was read in between."""
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
    """It keeps nothing of an earlier sequence."""
    new, used = model.new_state(2, SHAPE.context), model.new_state(2, SHAPE.context)
    in_pieces(model, random_tokens(8).split([30, 1, 9], dim=1), used)
    used.rewind(0)
    pieces = tokens.split([30, 1, 9], dim=1)
    assert torch.equal(in_pieces(model, pieces, new), in_pieces(model, pieces, used))


@torch.inference_mode()
def test_two_states_are_independent(model: Transformer, tokens: torch.Tensor) -> None:
    one, other = model.new_state(2, SHAPE.context), model.new_state(2, SHAPE.context)
    for position in range(8):
        here = in_pieces(model, [tokens[:, position : position + 1]], one)
        in_pieces(model, [random_tokens(9)[:, position : position + 1]], other)
    torch.testing.assert_close(here, model(tokens[:, :8])[:, -1:], atol=1e-4, rtol=1e-4)


def loss(model: nn.Module, tokens: torch.Tensor) -> torch.Tensor:
    """Cross-entropy of the next token, as in training."""
    logits = model(tokens[:, :-1]).flatten(0, 1)
    return nn.functional.cross_entropy(logits, tokens[:, 1:].flatten())


@pytest.fixture
def trainable(operator: Operator, make_cell: Callable[..., Cell], host: Host) -> None:
    """Skips an operator that cannot be trained on the CPU."""
    reason = operator.untrainable(make_cell(operator=choice_of(operator)), host)
    if reason is not None:
        pytest.skip(reason)


@pytest.mark.usefixtures("trainable")
def test_gradients_are_finite_and_reach_every_parameter(
    model: Transformer, tokens: torch.Tensor
) -> None:
    loss(model.train(), tokens).backward()
    for block in blocks_of(model):
        for name, parameter in block.mixer.named_parameters():
            assert parameter.grad is not None, name
            assert parameter.grad.isfinite().all(), name
            assert parameter.grad.any(), name


@pytest.mark.usefixtures("trainable", "process_group")
def test_it_trains_under_data_parallelism(model: Transformer, tokens: torch.Tensor) -> None:
    """DDP refuses a second step if a parameter had no gradient in the first."""
    replica = nn.parallel.DistributedDataParallel(model.train())
    for _ in range(2):
        loss(replica, tokens).backward()


@pytest.fixture(scope="module")
def process_group(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """A process group of this process alone."""
    file = tmp_path_factory.mktemp("group") / "rendezvous"
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("GLOO_SOCKET_IFNAME", "lo0" if sys.platform == "darwin" else "lo")
        store = dist.FileStore(str(file), 1)  # type: ignore[attr-defined]  # not in __all__
        dist.init_process_group("gloo", store=store, rank=0, world_size=1)
        yield
        dist.destroy_process_group()


@torch.inference_mode()
def test_an_exact_operator_gives_the_same_as_full_attention(
    operator: Operator, model: Transformer, tokens: torch.Tensor
) -> None:
    """Compared with attention as plain matrix products, with the same weights."""
    torch.testing.assert_close(model(tokens), full(operator, model)(tokens), atol=1e-4, rtol=1e-4)


@pytest.mark.usefixtures("trainable")
def test_an_exact_operator_has_the_gradients_of_full_attention(
    operator: Operator, model: Transformer, tokens: torch.Tensor
) -> None:
    reference = full(operator, model)
    for one in (model, reference):
        loss(one, tokens).backward()
    for (name, ours), theirs in zip(model.named_parameters(), reference.parameters(), strict=True):
        assert ours.grad is not None, name
        torch.testing.assert_close(ours.grad, theirs.grad, atol=1e-4, rtol=1e-4, msg=name)


def full(operator: Operator, model: Transformer) -> Transformer:
    """Full attention with the model's weights; skips an operator that is not exact."""
    if not operator.exact(SHAPE, LENGTH):
        pytest.skip("not exact")
    reference = build(SHAPE, Math().mixer, device=CPU)
    reference.load_state_dict(model.state_dict())
    return reference


@torch.inference_mode()
def test_it_runs_in_int8(model: Transformer, tokens: torch.Tensor) -> None:
    """Compression may replace its layers by others that compute nearly the same."""
    expected = model(tokens)
    small = Int8Dynamic().apply(model, RandomText(9))
    for logits in (small(tokens), in_pieces(small, tokens.split([30, 1, 9], dim=1))):
        assert (logits - expected).norm() < 0.2 * expected.norm()


@torch.inference_mode()
def test_bfloat16_stays_near_fp32(model: Transformer, tokens: torch.Tensor) -> None:
    """Within the error of bfloat16's eight bits of mantissa, in decode steps too."""
    expected = model(tokens)
    half = model.to(torch.bfloat16)
    for logits in (half(tokens), in_pieces(half, tokens.split([39, 1], dim=1))):
        assert logits.dtype == torch.bfloat16
        assert (logits.float() - expected).norm() < 0.1 * expected.norm()


def test_the_residual_projection_is_one_of_its_modules(operator: Operator) -> None:
    """Initialisation scales this projection down by the depth."""
    mixer = operator.mixer(SHAPE, 0)
    assert any(mixer.residual_projection is module for module in mixer.modules())


def test_a_plain_cpu_cell_is_supported(
    operator: Operator, make_cell: Callable[..., Cell], host: Host
) -> None:
    cell = make_cell(operator=choice_of(operator))
    assert operator.unsupported(cell, host) is None


def test_without_a_mask_it_mixes_both_ways_or_is_unsupported(operator: Operator) -> None:
    """With the parameters and FLOPs of its causal mixer."""
    if not operator.bidirectional:
        with pytest.raises(Unsupported, match=type(operator).name):
            operator.unmasked(SHAPE, 0)
        return
    mixer = operator.unmasked(SHAPE, 0)
    assert operator.parameters(SHAPE, 0) == sum(one.numel() for one in mixer.parameters())
    x = torch.randn(2, 12, SHAPE.d_model, generator=torch.Generator().manual_seed(1))
    changed = x.clone()
    changed[:, 9] += 1
    with torch.inference_mode(), sdpa_kernel(SDPBackend.MATH):
        with FlopCounterMode(display=False) as counter:
            before = mixer(x)
        difference = (mixer(changed) - before).abs().amax(dim=(0, 2))
    assert operator.flops(SHAPE, 0, 2, 12, 0) == counter.get_total_flops()
    assert difference.gt(1e-6).all()
