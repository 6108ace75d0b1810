"""What every backend promises; a new entry is tested by being registered."""

from __future__ import annotations

import pytest
import torch

from harness.backends import Backend
from harness.contract.plugin import example_of
from harness.domain.run import Host
from harness.model.sizes import SIZES
from harness.model.transformer import Transformer, build
from harness.operators.sdpa import Sdpa

NANO = SIZES["nano"].shape


@pytest.fixture
def backend(entry: type[Backend], host: Host) -> Backend:
    if reason := entry.unavailable(host):
        pytest.skip(reason)
    return example_of(entry)


@pytest.fixture
def model() -> Transformer:
    return build(NANO, Sdpa().mixer, device=torch.device("cpu"), seed=1)


@pytest.fixture
def tokens() -> torch.Tensor:
    return torch.randint(NANO.vocab, (2, 24), generator=torch.Generator().manual_seed(1))


@torch.inference_mode()
def test_it_gives_the_models_own_logits(
    backend: Backend, model: Transformer, tokens: torch.Tensor
) -> None:
    """Nearly, finite, of the same shape and type; and the same again."""
    expected = model(tokens)
    run = backend.prepare(model)
    logits = run(tokens)
    assert (logits.shape, logits.dtype) == (expected.shape, expected.dtype)
    torch.testing.assert_close(logits, expected, atol=1e-3, rtol=1e-3)
    assert torch.equal(logits, run(tokens))


@torch.inference_mode()
def test_it_decodes_as_the_model_does(
    backend: Backend, model: Transformer, tokens: torch.Tensor
) -> None:
    """Behind a prompt, with a decode state, scoring the last token alone."""
    expected = model(tokens)[:, -1:]
    run, state = backend.prepare(model), model.new_state(2, 24)
    for piece in tokens.split([20, 1, 1, 1, 1], dim=1):
        logits = run(piece, state=state, last_only=True)
    assert state.position == 24
    torch.testing.assert_close(logits, expected, atol=1e-3, rtol=1e-3)


def test_what_it_runs_can_be_trained(
    backend: Backend, model: Transformer, tokens: torch.Tensor
) -> None:
    """The gradients reach the model's own parameters."""
    backend.prepare(model)(tokens).square().mean().backward()
    for name, parameter in model.named_parameters():
        assert parameter.grad is not None, name
        assert parameter.grad.isfinite().all(), name
