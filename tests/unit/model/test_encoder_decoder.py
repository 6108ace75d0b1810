"""The encoder-decoder: who sees whom, what is kept of a prompt, and two ways to hand it on."""

from __future__ import annotations

from typing import Literal

import pytest
import torch
from torch.nn.functional import cross_entropy

from harness.model.architectures import EncoderDecoderShape
from harness.model.build import build
from harness.model.encoder_decoder import EncoderDecoder, PromptedState
from harness.model.transformer import blocks_of
from harness.operators import Operator
from harness.operators.math import Math
from harness.operators.sdpa import Sdpa

CPU = torch.device("cpu")


@pytest.fixture(params=["sequence", "concat"])
def readout(request: pytest.FixtureRequest) -> Literal["sequence", "concat"]:
    named: Literal["sequence", "concat"] = request.param
    return named


@pytest.fixture
def shape(readout: Literal["sequence", "concat"]) -> EncoderDecoderShape:
    """Encoder and decoder of unlike depth."""
    return EncoderDecoderShape(
        layers=3,
        decoder_layers=2,
        d_model=48,
        heads=3,
        vocab=101,
        context=32,
        d_ff=80,
        readout=readout,
    )


@pytest.fixture(params=[Sdpa, Math], ids=["sdpa", "math"])
def operator(request: pytest.FixtureRequest) -> Operator:
    made: Operator = request.param()
    return made


@pytest.fixture
def fresh(shape: EncoderDecoderShape, operator: Operator) -> EncoderDecoder:
    return made(shape, operator)


@pytest.fixture
def model(fresh: EncoderDecoder) -> EncoderDecoder:
    """With weights larger than a fresh model's, so that tokens do see each other."""
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in fresh.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    return fresh


def made(shape: EncoderDecoderShape, operator: Operator, seed: int = 1) -> EncoderDecoder:
    model = build(shape, operator.mixer, unmasked=operator.unmasked, device=CPU, seed=seed)
    assert isinstance(model, EncoderDecoder)
    return model


def random_tokens(seed: int, length: int = 12) -> torch.Tensor:
    return torch.randint(100, (2, length), generator=torch.Generator().manual_seed(seed))


@pytest.fixture
def prompt() -> torch.Tensor:
    return random_tokens(1)


@pytest.fixture
def answer() -> torch.Tensor:
    return random_tokens(2, 9)


def spoken(model: EncoderDecoder, prompt: torch.Tensor, answer: torch.Tensor) -> torch.Tensor:
    """Logits [B, 1 + U, V] of the start token and an answer, all at once."""
    start = torch.full((2, 1), model.shape.vocab - 1)
    states = model.decode(torch.cat([start, answer], dim=1), model.encode(prompt))
    return model.logits(states, last_only=False)


def prompted(model: EncoderDecoder, prompt: torch.Tensor, further: int) -> PromptedState:
    state = model.new_state(2, prompt.shape[1] + further, further)
    model(prompt, state=state)
    return state


@torch.inference_mode()
def test_a_token_of_the_answer_depends_on_none_that_follow(
    model: EncoderDecoder, prompt: torch.Tensor, answer: torch.Tensor
) -> None:
    """To the bit."""
    before = spoken(model, prompt, answer)
    for position in (0, 1, 5, 8):
        changed = answer.clone()
        changed[:, position:] = random_tokens(3, 9)[:, position:]
        after = spoken(model, prompt, changed)
        assert torch.equal(before[:, : position + 1], after[:, : position + 1])
        assert not torch.equal(before[:, position + 1], after[:, position + 1])


@torch.inference_mode()
def test_every_token_of_the_answer_depends_on_every_one_of_the_prompt(
    model: EncoderDecoder, prompt: torch.Tensor, answer: torch.Tensor
) -> None:
    before = spoken(model, prompt, answer)
    for position in (0, 6, 11):
        changed = prompt.clone()
        changed[:, position] = (changed[:, position] + 1) % 100
        difference = (spoken(model, changed, answer) - before).abs().amax(dim=(0, 2))
        assert difference.gt(1e-6).all()


@torch.inference_mode()
def test_the_encoder_sees_both_ways(model: EncoderDecoder, prompt: torch.Tensor) -> None:
    """A later token of the prompt changes the keys of earlier ones; the vector holds all."""
    changed = prompt.clone()
    changed[:, 11] = (changed[:, 11] + 1) % 100
    one, other = model.encode(prompt), model.encode(changed)
    for before, after in zip(one.seen, other.seen, strict=True):
        if before is not None and after is not None:
            assert (before[0] - after[0]).abs().amax(dim=(0, 1, 3)).gt(1e-6).all()
    if one.added is not None and other.added is not None:
        assert not torch.equal(one.added, other.added)


@torch.inference_mode()
def test_steps_give_what_the_parallel_form_gives(
    model: EncoderDecoder, prompt: torch.Tensor, answer: torch.Tensor
) -> None:
    state = model.new_state(2, 12 + 9, further=9)
    first = model(prompt, state=state)
    assert (first.shape[1], state.position) == (1, 12)
    steps = [model(token, state=state, last_only=True) for token in answer.split(1, dim=1)]
    assert state.position == 12 + 9
    found = torch.cat([first, *steps], dim=1)
    torch.testing.assert_close(found, spoken(model, prompt, answer), atol=1e-4, rtol=1e-4)


@torch.inference_mode()
def test_teacher_forcing_reads_the_prompt_one_place_later(
    model: EncoderDecoder, prompt: torch.Tensor
) -> None:
    """Position i, which has read the tokens before, is to tell token i of the prompt."""
    assert torch.equal(model(prompt), spoken(model, prompt, prompt[:, :-1]))
    longer = torch.cat([prompt, prompt[:, :1]], dim=1)
    assert all(torch.equal(prompt, one) for one in model.training_batch(longer))


@torch.inference_mode()
def test_what_is_kept_of_a_prompt_is_what_is_computed_anew(
    model: EncoderDecoder, prompt: torch.Tensor, answer: torch.Tensor
) -> None:
    """To the bit, and decoding leaves it alone."""
    state = prompted(model, prompt, 9)
    for token in answer.split(1, dim=1):
        model(token, state=state)
    expected, kept = model.encode(prompt), state.memory
    assert kept is not None
    for anew, held in zip(expected.seen, kept.seen, strict=True):
        assert (anew is None) is (held is None)
        if anew is not None and held is not None:
            assert torch.equal(anew[0], held[0])
            assert torch.equal(anew[1], held[1])
    assert (expected.added is None) is (kept.added is None)
    if expected.added is not None and kept.added is not None:
        assert torch.equal(expected.added, kept.added)


@torch.inference_mode()
def test_the_encoder_runs_once_a_prompt(
    model: EncoderDecoder, prompt: torch.Tensor, answer: torch.Tensor
) -> None:
    """So do the projections of its states to keys and values."""
    runs: list[str] = []
    model.encoder.register_forward_hook(lambda *_: runs.append("encoder"))
    for block in blocks_of(model):
        if block.cross is not None:
            block.cross.key_value.register_forward_hook(lambda *_: runs.append("keys"))
    state = prompted(model, prompt, 9)
    for token in answer.split(1, dim=1):
        model(token, state=state)
    assert runs == ["encoder", *(["keys"] * (2 if model.shape.crosses else 0))]


@torch.inference_mode()
def test_a_snapshot_can_be_restored_any_number_of_times(
    model: EncoderDecoder, prompt: torch.Tensor, answer: torch.Tensor
) -> None:
    state = prompted(model, prompt, 9)
    snapshot = state.snapshot()
    first = [model(token, state=state) for token in answer.split(1, dim=1)]
    for _ in range(2):
        state.restore(snapshot)
        again = [model(token, state=state) for token in answer.split(1, dim=1)]
        assert torch.equal(torch.cat(first), torch.cat(again))


@torch.inference_mode()
def test_a_rewound_state_takes_another_prompt(
    model: EncoderDecoder, prompt: torch.Tensor, answer: torch.Tensor
) -> None:
    """A shorter one too: nothing of the first is left."""
    shorter = random_tokens(4, 7)
    used, new = prompted(model, prompt, 9), model.new_state(2, 21, 9)
    model(answer, state=used)
    used.rewind()
    assert torch.equal(model(shorter, state=used), model(shorter, state=new))
    assert torch.equal(model(answer, state=used), model(answer, state=new))


@torch.inference_mode()
def test_the_vector_is_of_one_size_whatever_the_prompt(
    shape: EncoderDecoderShape, model: EncoderDecoder
) -> None:
    """Made of all layers' means, it is all the decoder gets; keys and values grow."""
    for length in (1, 5, 12):
        memory = model.encode(random_tokens(5, length))
        if shape.readout == "concat":
            assert memory.added is not None
            assert memory.added.shape == (2, 1, shape.d_model)
            assert list(memory.seen) == [None, None]
        else:
            assert memory.added is None
            assert [one[0].shape[2] for one in memory.seen if one] == [length] * 2


def test_every_parameter_learns(model: EncoderDecoder, prompt: torch.Tensor) -> None:
    """Gradients reach each one through the answer alone, and are finite."""
    inputs, targets = model.training_batch(prompt)
    cross_entropy(model(inputs).flatten(0, 1), targets.flatten()).backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
        assert parameter.grad.any(), name


def test_the_same_seed_gives_the_same_model(shape: EncoderDecoderShape, operator: Operator) -> None:
    one, other = made(shape, operator).state_dict(), made(shape, operator).state_dict()
    assert all(torch.equal(one[name], other[name]) for name in one)
    another = made(shape, operator, seed=2).state_dict()
    assert not torch.equal(one["encoder.wpe.weight"], another["encoder.wpe.weight"])


def test_what_adds_to_a_residual_stream_starts_smaller(operator: Operator) -> None:
    """By the square root of how many add to it: two a block, three where it crosses."""
    shape = EncoderDecoderShape(layers=8, decoder_layers=3, d_model=256, heads=2, vocab=11)
    model = made(shape, operator)
    encoder, decoder = (stack[-1] for stack in model.stacks())
    assert encoder.down.weight.std().item() == pytest.approx(0.02 / 4, rel=0.05)
    assert decoder.cross is not None
    for linear in (decoder.down, decoder.cross.out, decoder.mixer.residual_projection):
        assert linear.weight.std().item() == pytest.approx(0.02 / 3, rel=0.05)
    assert decoder.cross.query.weight.std().item() == pytest.approx(0.02, rel=0.05)


@torch.inference_mode()
def test_half_precision_stays_near(
    model: EncoderDecoder, prompt: torch.Tensor, answer: torch.Tensor
) -> None:
    expected = spoken(model, prompt, answer)
    half = model.to(torch.bfloat16)
    state = half.new_state(2, 21, further=9)
    found = torch.cat([half(prompt, state=state), half(answer, state=state)], dim=1)
    assert found.dtype == torch.bfloat16
    assert (found.float() - expected).norm() < 0.1 * expected.norm()
