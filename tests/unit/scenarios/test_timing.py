"""What is inside the clock: told by a clock that counts the model's passes instead of seconds."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import nullcontext
from typing import Any

import pytest
import torch
from torch import nn

from harness.model.build import build
from harness.model.sizes import SIZES
from harness.model.transformer import Transformer
from harness.operators.sdpa import Sdpa
from harness.scenarios import Iteration, Scenario
from harness.scenarios.decode import Decode
from harness.scenarios.generate import Generate
from harness.scenarios.prefill import Prefill
from harness.scenarios.train import Train
from harness.session.eager import TorchSession
from harness.session.workload import Workload

LOAD = {"batch": 2, "prompt": 12, "generate": 5}


class Passes(nn.Module):
    """A model that notes the tokens of each pass, and is a clock: a pass takes a second."""

    resolution: float = 1e-9

    def __init__(self, core: Transformer) -> None:
        super().__init__()
        self.core = core
        self.seen: list[torch.Tensor] = []

    def forward(self, tokens: torch.Tensor, **options: Any) -> torch.Tensor:
        self.seen.append(tokens.clone())
        logits: torch.Tensor = self.core(tokens, **options)
        return logits

    def mark(self) -> int:
        return len(self.seen)

    def seconds(self, start: object, end: object) -> float:
        assert isinstance(start, int)
        assert isinstance(end, int)
        return float(end - start)


@pytest.fixture
def passes() -> Passes:
    return Passes(build(SIZES["nano"].shape, Sdpa().mixer, device=torch.device("cpu")))


def session(passes: Passes) -> TorchSession:
    return TorchSession(passes, passes.core, torch.device("cpu"), LOAD["batch"])


def workload(load: Mapping[str, int] = LOAD, seed: int = 1) -> Workload:
    return Workload(load, SIZES["nano"].shape.vocab, seed, load["batch"])


def prepared(scenario: Scenario, passes: Passes) -> Iteration:
    return scenario.prepare(session(passes), workload())


@torch.inference_mode()
def test_prefill_is_one_pass_over_the_prompt(passes: Passes) -> None:
    iteration = prepared(Prefill(), passes)
    assert passes.seen == []
    assert iteration(passes) == {"latency": 1}
    assert [tuple(tokens.shape) for tokens in passes.seen] == [(2, 12)]


@torch.inference_mode()
def test_decodes_prompt_is_read_before_the_clock_starts(passes: Passes) -> None:
    iteration = prepared(Decode(), passes)
    assert [tuple(tokens.shape) for tokens in passes.seen] == [(2, 12)]
    assert iteration(passes) == {"tpot": 1}
    assert [tuple(tokens.shape) for tokens in passes.seen[1:]] == [(2, 1)] * 5


@torch.inference_mode()
def test_each_decode_starts_at_the_prompts_end(passes: Passes) -> None:
    """The same tokens come out, to the last."""
    iteration = prepared(Decode(), passes)
    for _ in range(2):
        iteration(passes)
    first, second = passes.seen[1:6], passes.seen[6:]
    assert torch.equal(torch.cat(first), torch.cat(second))


@torch.inference_mode()
def test_generate_tells_the_first_token_from_the_further_ones(passes: Passes) -> None:
    """A pass over the prompt gives the first; the last token is not fed back."""
    told = prepared(Generate(), passes)(passes)
    assert told == {"latency": 5, "ttft": 1, "tpot": 1}


@torch.inference_mode()
def test_a_single_token_has_no_time_per_further_one(passes: Passes) -> None:
    told = Generate().prepare(session(passes), workload({**LOAD, "generate": 1}))(passes)
    assert told == {"latency": 1, "ttft": 1}


@torch.inference_mode()
def test_generated_tokens_are_the_likeliest_ones(passes: Passes) -> None:
    """What comes out step by step is what the whole sequence, read at once, makes likeliest."""
    prepared(Generate(), passes)(passes)
    sequence = torch.cat(passes.seen, dim=1)  # the prompt and all tokens fed back
    likeliest = passes.core(sequence).argmax(-1)
    assert torch.equal(likeliest[:, 11:-1], sequence[:, 12:])


def test_training_is_one_pass_and_makes_the_model_better(passes: Passes) -> None:
    """It steps: the same tokens surprise it less each time."""
    iteration = prepared(Train(), passes)
    tokens = workload().tokens(13)

    def surprise() -> float:
        with torch.inference_mode():
            logits = passes.core(tokens[:, :-1]).flatten(0, 1)
        return nn.functional.cross_entropy(logits, tokens[:, 1:].flatten()).item()

    surprises = [surprise()]
    for _ in range(3):
        assert iteration(passes) == {"latency": 1}
        surprises.append(surprise())
    assert surprises == sorted(surprises, reverse=True)
    assert surprises[-1] < surprises[0]


@pytest.mark.parametrize(
    ("scenario", "tokens"), [(Prefill(), 12), (Decode(), 1), (Generate(), 5), (Train(), 12)]
)
def test_rates_count_the_tokens_that_the_timed_section_goes_through(
    scenario: Scenario, tokens: int
) -> None:
    assert tokens == scenario.tokens(LOAD)


@pytest.mark.parametrize("scenario", [Prefill(), Decode(), Generate(), Train()])
def test_steps_of_its_first_time_make_the_iteration(passes: Passes, scenario: Scenario) -> None:
    """FLOPs and bytes are of the iteration, and go with its whole time: as many passes."""
    mode = nullcontext() if scenario.trains else torch.inference_mode()
    with mode:
        iteration = prepared(scenario, passes)
        before = len(passes.seen)
        first = next(iter(iteration(passes).values()))
    assert first * scenario.steps(LOAD) == len(passes.seen) - before == len(scenario.work(LOAD))


def test_the_same_seed_feeds_the_same_tokens() -> None:
    assert torch.equal(workload().tokens(12), workload().tokens(12))
    assert not torch.equal(workload().tokens(12), workload(seed=2).tokens(12))


def test_ranks_share_the_tokens_of_one_rank() -> None:
    """The second of two ranks reads the second half of the batch."""
    whole = workload().tokens(12)
    second = Workload(LOAD, SIZES["nano"].shape.vocab, seed=1, batch=1, share=1)
    assert torch.equal(second.tokens(12), whole[1:])


def test_tokens_are_of_the_whole_vocabulary(passes: Passes) -> None:
    tokens = workload().tokens(4000)
    assert tokens.shape == (2, 4000)
    assert (tokens.min().item(), tokens.max().item()) == (0, passes.core.shape.vocab - 1)
