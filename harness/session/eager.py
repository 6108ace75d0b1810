"""Sessions on torch modules: whole models, or this rank's part of the built-in one."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from harness.distributed.driver import Driver
from harness.distributed.split import Split
from harness.model.language import LanguageModel, State
from harness.model.transformer import DecodeState, Transformer
from harness.session import Session
from harness.timer import HostTimer


class TorchSession(Session):
    """A whole model: `core`, which makes its decode states, as the module `model` executes it."""

    def __init__(self, model: nn.Module, core: LanguageModel, device: torch.device, batch: int):
        self.model, self.core = model, core
        self.device, self.batch = device, batch
        self.decodes = core.decodes
        self.state: State | None = None
        self._last: torch.Tensor | None = None

    @property
    def split(self) -> Split:
        """The whole model as a split over one rank."""
        assert isinstance(self.core, Transformer), "only built-in models are split"
        return Split(self.core, self.device, {}, trains=True, timer=HostTimer())

    def place(self, tokens: torch.Tensor) -> torch.Tensor:
        """On the device."""
        return tokens.to(self.device)

    def start(self, capacity: int, further: int = 0) -> None:
        """A state of the model's own kind."""
        super().start(capacity, further)
        self.state = self.core.new_state(self.batch, capacity, further)

    def prefill(self, tokens: torch.Tensor) -> torch.Tensor | None:
        """[B, T] -> logits [B, 1, V], or what the architecture gives; None on ranks without."""
        self._last = self.model(tokens, state=self._started, last_only=True)
        return self._last

    def decode(self, tokens: torch.Tensor) -> torch.Tensor:
        """[B, T] -> [B, 1], the likeliest next."""
        logits = self.prefill(tokens)
        assert logits is not None, "a whole model has its logits"
        return logits.argmax(-1)

    def reset(self) -> None:
        """Position 0; what lies behind it is overwritten."""
        self._started.rewind(0)

    def snapshot(self) -> Any:
        """Each layer's."""
        return self._started.snapshot()

    def restore(self, snapshot: Any) -> None:
        """Each layer's."""
        self._started.restore(snapshot)

    def last_output(self) -> torch.Tensor | None:
        """In fp32, whatever the model computes in."""
        if self._last is None:
            return None
        local: torch.Tensor = getattr(self._last, "_local_tensor", self._last)
        return local.detach().float().cpu()

    def logits(self, tokens: torch.Tensor) -> torch.Tensor:
        """A decoder's through a decode state; other architectures' as a teacher forces them."""
        placed = self.place(tokens)
        given = {"state": self.core.new_state(*tokens.shape)} if self._reads_all else {}
        with self.running(trains=False):
            found: torch.Tensor = self.model(placed, **given)
        return found.float().cpu()

    def learner(
        self, tokens: torch.Tensor, rate: float = 1e-4, epsilon: float = 1e-8
    ) -> Callable[[], torch.Tensor | None]:
        """Forward, backward and AdamW's fused kernel, which reads all parameters once."""
        inputs, targets = self._training_batch(tokens)
        self.model.train()
        optimizer = torch.optim.AdamW(self.model.parameters(), lr=rate, eps=epsilon, fused=True)

        def step() -> torch.Tensor:
            logits = self.model(inputs)  # [B, T, V]
            loss = cross_entropy(logits.flatten(0, 1), targets.flatten())
            loss.backward()
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            self._last = loss.detach()
            return self._last

        return step

    def running(self, *, trains: bool) -> AbstractContextManager[object]:
        """Without gradients unless the model learns."""
        return nullcontext() if trains else torch.inference_mode()

    def parameters(self) -> list[torch.Tensor]:
        """The module's."""
        return list(self.model.parameters())

    def state_bytes(self) -> float | None:
        """Of all layers; None before `start`."""
        held = None if self.state is None else self.state.bytes()
        return None if held is None else float(held)

    @property
    def _started(self) -> State:
        assert self.state is not None, "start() makes the decode state"
        return self.state

    @property
    def _reads_all(self) -> bool:
        """True for a decoder: with a state it scores every position."""
        return type(self.core) is Transformer

    def _training_batch(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.core.training_batch(self.place(tokens))


class SplitSession(TorchSession):
    """This rank's part of a model; all ranks call the same methods in the same order."""

    def __init__(self, split: Split, batch: int) -> None:
        super().__init__(split.core, split.core, split.device, batch // split.shares)
        self._split, self._driver = split, Driver(split)
        self.share = split.share

    @property
    def split(self) -> Split:
        """The rank's."""
        return self._split

    def prefill(self, tokens: torch.Tensor) -> torch.Tensor | None:
        """None on ranks that do not hold the last token's logits."""
        state = self._started
        assert isinstance(state, DecodeState), "only built-in models are split"
        self._last = self._driver.logits(tokens, state)
        return self._last

    def decode(self, tokens: torch.Tensor) -> torch.Tensor:
        """On all ranks, whichever has the logits."""
        return self._driver.chosen(self.prefill(tokens), tokens)

    def logits(self, tokens: torch.Tensor) -> torch.Tensor:
        """Not of a part: a whole session of the same model gives them."""
        raise NotImplementedError("a rank has a part of the model, and no logits of every position")

    def learner(
        self, tokens: torch.Tensor, rate: float = 1e-4, epsilon: float = 1e-8
    ) -> Callable[[], torch.Tensor | None]:
        """The step of this rank's part, gradients exchanged as its strategies and launcher do."""
        inputs, targets = self._training_batch(tokens)
        self.model.train()
        parameters = self._split.parameters()
        optimizer = torch.optim.AdamW(parameters, lr=rate, eps=epsilon, fused=True)
        taken = self._driver.learner(optimizer, inputs, targets)

        def step() -> torch.Tensor | None:
            self._last = taken()
            return self._last

        return step

    def running(self, *, trains: bool) -> AbstractContextManager[object]:
        """In inference mode DTensor works out anew at each call how an operation is split."""
        if not trains and self._split.has("tensor"):
            return torch.no_grad()
        return super().running(trains=trains)

    def parameters(self) -> list[torch.Tensor]:
        """Of the parts that this rank runs."""
        return [one for part in self._split.parts for one in part.parameters()]

    def facts(self) -> Mapping[str, float]:
        """A pipeline's bubble."""
        return self._driver.facts()

    def notes(self) -> Mapping[str, str]:
        """Selective recomputation keeps activations where autograd's hooks do not see them."""
        if not self._split.keeps_aside:
            return {}
        why = "not measurable: torch does not report what selective recomputation keeps"
        return {"rank_activations": why}
