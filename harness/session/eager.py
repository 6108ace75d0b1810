"""Sessions on torch modules: whole models, or this rank's part of a built-in model."""

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
    """Runs a whole model: `model` executes `core`, which makes the decode states."""

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
        """The tokens on the device."""
        return tokens.to(self.device)

    def start(self, capacity: int, further: int = 0) -> None:
        """Make a new decode state of the model."""
        super().start(capacity, further)
        self.state = self.core.new_state(self.batch, capacity, further)

    def prefill(self, tokens: torch.Tensor) -> torch.Tensor | None:
        """[B, T] -> logits [B, 1, V], or the architecture's other output."""
        self._last = self.model(tokens, state=self._started, last_only=True)
        return self._last

    def decode(self, tokens: torch.Tensor) -> torch.Tensor:
        """[B, T] -> [B, 1], the likeliest next tokens."""
        logits = self.prefill(tokens)
        assert logits is not None, "a whole model returns logits"
        return logits.argmax(-1)

    def reset(self) -> None:
        """Go back to position 0; later tokens overwrite the old ones."""
        self._started.rewind(0)

    def snapshot(self) -> Any:
        """A snapshot of each layer's state."""
        return self._started.snapshot()

    def restore(self, snapshot: Any) -> None:
        """Restores each layer's state."""
        self._started.restore(snapshot)

    def last_output(self) -> torch.Tensor | None:
        """The last logits, embeddings or loss, in fp32 on the host."""
        if self._last is None:
            return None
        local: torch.Tensor = getattr(self._last, "_local_tensor", self._last)
        return local.detach().float().cpu()

    def logits(self, tokens: torch.Tensor) -> torch.Tensor:
        """A decoder reads with a decode state; other architectures read with teacher forcing."""
        placed = self.place(tokens)
        keywords = {"state": self.core.new_state(*tokens.shape)} if self._is_decoder else {}
        with self.running(trains=False):
            logits: torch.Tensor = self.model(placed, **keywords)
        return logits.float().cpu()

    def training_step(
        self, tokens: torch.Tensor, rate: float = 1e-4, epsilon: float = 1e-8
    ) -> Callable[[], torch.Tensor | None]:
        """A step of forward, backward and fused AdamW, which reads all parameters once."""
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
        """Inference mode, unless the session trains."""
        return nullcontext() if trains else torch.inference_mode()

    def parameters(self) -> list[torch.Tensor]:
        """The parameters of the module."""
        return list(self.model.parameters())

    def state_bytes(self) -> float | None:
        """Bytes of the states of all layers; None before `start`, or if the state reports none."""
        count = None if self.state is None else self.state.bytes()
        return None if count is None else float(count)

    @property
    def _started(self) -> State:
        assert self.state is not None, "start() makes the decode state"
        return self.state

    @property
    def _is_decoder(self) -> bool:
        """True for a built-in decoder, which scores every position even with a state."""
        return type(self.core) is Transformer

    def _training_batch(self, tokens: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        return self.core.training_batch(self.place(tokens))


class SplitSession(TorchSession):
    """Runs this rank's part of a model; all ranks call the same methods in the same order."""

    def __init__(self, split: Split, batch: int) -> None:
        super().__init__(split.core, split.core, split.device, batch // split.shares)
        self._split, self._driver = split, Driver(split)
        self.share = split.share

    @property
    def split(self) -> Split:
        """This rank's split."""
        return self._split

    def prefill(self, tokens: torch.Tensor) -> torch.Tensor | None:
        """The logits [B, 1, V]; None on ranks that do not have them."""
        state = self._started
        assert isinstance(state, DecodeState), "only built-in models are split"
        self._last = self._driver.logits(tokens, state)
        return self._last

    def decode(self, tokens: torch.Tensor) -> torch.Tensor:
        """The next tokens, on all ranks."""
        return self._driver.chosen(self.prefill(tokens), tokens)

    def logits(self, tokens: torch.Tensor) -> torch.Tensor:
        """Not implemented: use a session on the whole model."""
        raise NotImplementedError(
            "a rank has only a part of the model: it has no logits of every position"
        )

    def training_step(
        self, tokens: torch.Tensor, rate: float = 1e-4, epsilon: float = 1e-8
    ) -> Callable[[], torch.Tensor | None]:
        """A step of this rank's part; its strategies and launcher exchange the gradients."""
        inputs, targets = self._training_batch(tokens)
        self.model.train()
        parameters = self._split.parameters()
        optimizer = torch.optim.AdamW(parameters, lr=rate, eps=epsilon, fused=True)
        driver_step = self._driver.training_step(optimizer, inputs, targets)

        def step() -> torch.Tensor | None:
            self._last = driver_step()
            return self._last

        return step

    def running(self, *, trains: bool) -> AbstractContextManager[object]:
        """Uses no_grad for DTensors: in inference mode they recompute the sharding at each call."""
        if not trains and self._split.has("tensor"):
            return torch.no_grad()
        return super().running(trains=trains)

    def parameters(self) -> list[torch.Tensor]:
        """The parameters of this rank's parts."""
        return [one for part in self._split.parts for one in part.parameters()]

    def facts(self) -> Mapping[str, float]:
        """The driver's figures, such as a pipeline's bubble."""
        return self._driver.facts()

    def notes(self) -> Mapping[str, str]:
        """Selective recomputation stores activations where autograd's hooks cannot see them."""
        if not self._split.keeps_aside:
            return {}
        reason = "not measurable: torch does not report what selective recomputation stores"
        return {"rank_activations": reason}
