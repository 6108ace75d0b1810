"""What is particular to single operators, beside the contract that all keep."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
import torch
from torch import nn
from torch.nn.functional import scaled_dot_product_attention
from torch.utils._python_dispatch import TorchDispatchMode

from harness import operators
from harness.domain.cell import Choice
from harness.model.attention import KVCache
from harness.model.build import build
from harness.model.lstm import GATES
from harness.model.mixer import TokenMixer
from harness.model.shape import Shape
from harness.operators import Operator
from harness.operators.banded.mixer import WindowAttention, window_attention
from harness.operators.bytenet import Bytenet
from harness.operators.gemm_lstm.mixer import GemmLstmMixer
from harness.operators.gqa import Gqa
from harness.operators.linear.mixer import Sums
from harness.operators.lowmem.attend import chunked_attention
from harness.operators.lstm_naive.mixer import NaiveLstmMixer
from harness.operators.math import Math
from harness.operators.treenn import Treenn

CPU = torch.device("cpu")
SHAPE = Shape(layers=2, d_model=24, heads=4, vocab=31, context=64)


def made(name: str, **options: Any) -> Operator:
    return operators.registry[name].of(Choice(name, tuple(options.items())))


def drawn(mixer: TokenMixer) -> TokenMixer:
    generator = torch.Generator().manual_seed(0)
    with torch.no_grad():
        for parameter in mixer.parameters():
            parameter.normal_(std=0.3, generator=generator)
    return mixer


def qkv(past: int, new: int) -> list[torch.Tensor]:
    """[2, 3, new or past + new, 8], with gradients wanted."""
    generator = torch.Generator().manual_seed(past + 100 * new)
    return [
        torch.randn(2, 3, length, 8, generator=generator, requires_grad=True)
        for length in (new, past + new, past + new)
    ]


def outcome(mixed: torch.Tensor, leaves: list[torch.Tensor]) -> list[torch.Tensor]:
    """What attention gave, and the gradients of a sum that tells its numbers apart."""
    weights = torch.arange(mixed.numel(), dtype=torch.float32).view(mixed.shape).cos()
    return [mixed.detach(), *torch.autograd.grad((mixed * weights).sum(), leaves)]


@pytest.mark.parametrize(("past", "new"), [(0, 1), (0, 13), (0, 32), (3, 20), (4, 30)])
@pytest.mark.parametrize("block", [1, 3, 8, 64])
def test_a_window_is_full_attention_with_all_else_masked(block: int, past: int, new: int) -> None:
    """However the work is cut into blocks, and wherever a chunk of a prompt begins."""
    window = 5
    query, key, value = leaves = qkv(past, new)
    distance = torch.arange(past, past + new).unsqueeze(-1) - torch.arange(past + new)
    seen = (distance >= 0) & (distance < window)
    expected = outcome(scaled_dot_product_attention(query, key, value, attn_mask=seen), leaves)
    found = outcome(window_attention(query, key, value, window, block), leaves)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(("past", "new"), [(0, 1), (0, 17), (9, 1), (9, 16)])
@pytest.mark.parametrize("chunk", [1, 4, 100])
def test_chunks_of_queries_and_keys_change_nothing(chunk: int, past: int, new: int) -> None:
    query, key, value = leaves = qkv(past, new)
    seen = torch.ones(new, past + new, dtype=torch.bool).tril(past)
    expected = outcome(scaled_dot_product_attention(query, key, value, attn_mask=seen), leaves)
    found = outcome(chunked_attention(query, key, value, chunk), leaves)
    for ours, theirs in zip(found, expected, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    "whole", [made("gqa", groups=4), made("banded", window=40), made("gpt3", window=40)]
)
def test_options_that_leave_nothing_out_make_it_full_attention(whole: Operator) -> None:
    """In what it gives and in every gradient."""
    assert whole.exact(SHAPE, 40)
    model, full = build(SHAPE, whole.mixer, device=CPU), build(SHAPE, Math().mixer, device=CPU)
    full.load_state_dict(model.state_dict())
    tokens = torch.arange(40).unsqueeze(0) % SHAPE.vocab
    ours, theirs = (outcome(one(tokens), list(one.parameters())) for one in (model, full))
    for one, other in zip(ours, theirs, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize(
    "short", [made("gqa", groups=2), made("banded", window=39), made("gpt3", window=39)]
)
def test_options_that_leave_something_out_are_not_said_to_be_exact(short: Operator) -> None:
    assert not short.exact(SHAPE, 40)


def test_a_group_of_heads_has_one_head_of_keys_in_memory() -> None:
    """Not a copy for each head."""
    state = made("mqa").mixer(SHAPE, 0).new_state(5, 10, CPU, torch.float32)
    assert isinstance(state, KVCache)
    assert state.bytes() == 2 * 5 * 1 * 10 * SHAPE.d_head * 4


def test_a_window_remembers_no_more_than_itself() -> None:
    state = WindowAttention(SHAPE, 6, 2).new_state(5, 64, CPU, torch.float32)
    assert state.bytes() == 2 * 5 * 6 * SHAPE.d_model * 4


def test_groups_that_do_not_divide_the_heads_are_told(make_cell: Any, host: Any) -> None:
    """Before anything runs."""
    cell = make_cell(operator=Choice("gqa", (("groups", 3),)))
    told = Gqa.of(cell.operator).unsupported(cell, host)
    assert told == "groups 3 does not divide the model's 2 heads"


@pytest.mark.parametrize("name", ["linear", "gqa", "bytenet", "lstm-naive"])
def test_weights_of_attention_fit_no_other_projections(
    name: str, make_cell: Any, host: Any
) -> None:
    dimensions = (("d_model", 64), ("heads", 2), ("layers", 2), ("weights", "0123"))
    cell = make_cell(model=Choice("decoder", dimensions), operator=Choice(name))
    told = made(name).unsupported(cell, host)
    assert told is not None
    assert told.startswith("weights in GPT-2's layout do not fit")
    assert made("banded").unsupported(cell, host) is None


def lstm_pair() -> tuple[GemmLstmMixer, NaiveLstmMixer]:
    """Two with the same weights."""
    gemm, naive = GemmLstmMixer(SHAPE), NaiveLstmMixer(SHAPE)
    drawn(gemm)
    naive.out.load_state_dict(gemm.out.state_dict())
    for index, gate in enumerate(GATES):
        rows = slice(index * SHAPE.d_model, (index + 1) * SHAPE.d_model)
        of_token = {"weight": gemm.of_token.weight[rows], "bias": gemm.of_token.bias[rows]}
        naive.of_token[gate].load_state_dict(of_token)
        naive.of_hidden[gate].load_state_dict({"weight": gemm.of_hidden.weight[rows]})
    return gemm, naive


def torchs(gemm: GemmLstmMixer) -> nn.LSTM:
    """torch's own, with those weights and without its second bias."""
    lstm = nn.LSTM(SHAPE.d_model, SHAPE.d_model, batch_first=True)
    lstm.load_state_dict(
        {
            "weight_ih_l0": gemm.of_token.weight,
            "bias_ih_l0": gemm.of_token.bias,
            "weight_hh_l0": gemm.of_hidden.weight,
            "bias_hh_l0": torch.zeros(4 * SHAPE.d_model),
        }
    )
    return lstm


def gate_by_gate(naive: NaiveLstmMixer, kind: str, name: str) -> list[torch.Tensor]:
    """Its parameters of one kind, in the order in which torch.nn.LSTM stacks them."""
    named = dict(naive.named_parameters())
    return [named[f"{kind}.{gate}.{name}"] for gate in GATES]


@pytest.mark.parametrize("length", [1, 2, 30])
def test_the_lstms_are_torchs(length: int) -> None:
    """In what they give, in training and not, and in every gradient."""
    gemm, naive = lstm_pair()
    lstm = torchs(gemm)
    x = torch.randn(3, length, SHAPE.d_model, generator=torch.Generator().manual_seed(1))
    x.requires_grad_()
    theirs = dict(lstm.named_parameters())
    weights = [theirs[one] for one in ("weight_ih_l0", "bias_ih_l0", "weight_hh_l0")]
    expected = outcome(gemm.out(lstm(x)[0]), [x, *weights])
    of_gemm = [gemm.of_token.weight, gemm.of_token.bias, gemm.of_hidden.weight]
    parts = [("of_token", "weight"), ("of_token", "bias"), ("of_hidden", "weight")]
    of_naive = [gate_by_gate(naive, *part) for part in parts[: 3 if length > 1 else 2]]
    together = outcome(gemm(x), [x, *of_gemm])
    apart = outcome(naive(x), [x, *(one for gates in of_naive for one in gates)])
    stacked = [*apart[:2], *(torch.cat(apart[i : i + 4]) for i in range(2, len(apart), 4))]
    with torch.inference_mode():
        torch.testing.assert_close(gemm(x), expected[0], atol=1e-5, rtol=1e-5)
    for one, other in zip(together, expected, strict=True):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)
    for one, other in zip(stacked, expected, strict=length > 1):
        torch.testing.assert_close(one, other, atol=1e-4, rtol=1e-4)


def test_the_recurrences_gradient_is_that_of_its_slopes() -> None:
    """Against finite differences, in double precision."""
    mixer = GemmLstmMixer(Shape(layers=1, d_model=3, heads=1, vocab=2, context=8)).double()
    drawn(mixer)
    generator = torch.Generator().manual_seed(1)
    x = torch.randn(2, 5, 3, dtype=torch.float64, generator=generator, requires_grad=True)
    assert torch.autograd.gradcheck(mixer, (x,))


class Largest(TorchDispatchMode):
    """The bytes of the largest tensor that any operation gives."""

    bytes = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for one in out if isinstance(out, (tuple, list)) else (out,):
            if isinstance(one, torch.Tensor):
                self.bytes = max(self.bytes, one.untyped_storage().nbytes())
        return out


@pytest.mark.usefixtures("countable")
@pytest.mark.parametrize(
    "lean",
    [
        made("banded", window=16, block=16),
        made("lowmem", chunk=16),
        made("linear", chunk=16),
        made("bytenet"),
        made("treenn"),
        made("gemm-lstm"),
    ],
    ids=lambda one: one.name,
)
def test_no_tensor_grows_with_the_square_of_the_length(lean: Operator) -> None:
    """Forward and backward, four times the tokens take four times the memory."""
    mixer, sizes = lean.mixer(SHAPE, 0), []
    for length in (128, 512):
        x = torch.randn(1, length, SHAPE.d_model, requires_grad=True)
        with Largest() as largest:  # type: ignore[no-untyped-call]  # torch's
            mixer(x).sum().backward()
        sizes.append(largest.bytes)
    assert sizes[1] <= 4.1 * sizes[0]


@torch.inference_mode()
def test_a_convolution_sees_exactly_what_its_dilation_reaches() -> None:
    mixer = drawn(Bytenet(Bytenet.Options(kernel=3, dilations=(5,))).mixer(SHAPE, 0))
    x = torch.randn(1, 20, SHAPE.d_model, generator=torch.Generator().manual_seed(1))
    before = mixer(x)
    x[0, 4] += torch.arange(SHAPE.d_model)
    moved = (mixer(x) - before).abs().amax(-1).flatten() > 0
    assert moved.nonzero().flatten().tolist() == [4, 9, 14]


@torch.inference_mode()
def test_a_token_sees_all_before_it_through_the_tree() -> None:
    """Whatever the binary digits of its position."""
    mixer = drawn(Treenn().mixer(SHAPE, 0))
    x = torch.randn(1, 23, SHAPE.d_model, generator=torch.Generator().manual_seed(1))
    before = mixer(x)
    for changed in range(23):
        other = x.clone()
        other[0, changed] += torch.arange(SHAPE.d_model)
        moved = (mixer(other) - before).abs().amax(-1).flatten() > 0
        assert moved.tolist() == [position >= changed for position in range(23)]


def test_a_tree_composes_about_twice_a_token() -> None:
    """A segment is composed once, and each token's view of it once: O(n), not O(n log n)."""
    leaves = 8 * SHAPE.d_model**2 * 1024
    compositions = (Treenn().flops(SHAPE, 0, 1, 1024, 0) - leaves) / (20 * SHAPE.d_model**2)
    assert compositions == 1023 + 1024 - 11


def test_a_trees_steps_and_chunks_add_up_to_its_parallel_form() -> None:
    tree, cuts = Treenn(), [0, 7, 8, 31, 64, 100]
    steps = sum(tree.flops(SHAPE, 0, 3, 1, past) for past in range(100))
    chunks = sum(tree.flops(SHAPE, 0, 3, end - start, start) for start, end in pairwise(cuts))
    assert steps == chunks == tree.flops(SHAPE, 0, 3, 100, 0)


@torch.inference_mode()
def test_a_sum_over_the_past_still_grows_in_half_precision() -> None:
    """A thousand tokens in, one more still counts."""
    mixer = made("linear").mixer(SHAPE, 0).bfloat16()
    state = mixer.new_state(1, 2000, CPU, torch.bfloat16)
    assert isinstance(state, Sums)
    x = torch.ones(1, 1024, SHAPE.d_model, dtype=torch.bfloat16)
    mixer(x, state, 0)
    totals = []
    for past in range(1024, 1028):
        mixer(x[:, :1], state, past)
        totals.append(float(state.total[..., -1].sum()))
    assert totals == sorted(set(totals))
