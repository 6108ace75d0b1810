"""A session: a cell's model opened in a runtime, ready to run.

Scenarios, warm-up, quality and the parity check use sessions only. A session need not be a torch
module or hold its weights in this process: it may be a client of an HTTP server. Token ids go in as
torch tensors on the host, once, outside the timed region; then they stay in the runtime's own form.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.domain.cell import Cell
from harness.errors import Unsupported
from harness.model.architectures import dimensions_of
from harness.model.shape import BaseShape, Shape

if TYPE_CHECKING:
    import torch

    from harness.distributed.split import Split
    from harness.model.language import LanguageModel


@dataclass(frozen=True)
class Opening:
    """The arguments with which a backend opens a session.

    `load` returns the cell's model as an eager torch module, compressed and in the cell's
    precision, from its prepared file or newly built. It may be slow, counts towards the load time,
    and is not called by a runtime with its own weights. `split` makes this rank's part of the
    model; None if the cell runs in one process.
    """

    cell: Cell
    shape: BaseShape
    device: torch.device
    dtype: torch.dtype
    load: Callable[[], LanguageModel]
    split: Callable[[LanguageModel], Split] | None = None
    cache: str = ""  # a folder for what the runtime compiles, shared by the cell's rounds

    @property
    def dimensions(self) -> Shape:
        """The dimensions of a built-in model. Raises Unsupported for a factory's model."""
        return dimensions_of(self.cell.model)

    @property
    def batch(self) -> int:
        """The batch size over all ranks."""
        return self.cell.load["batch"]


class Session(ABC):
    """A model that reads prompts, decodes, scores and, if the runtime can, trains.

    This rank processes `batch` sequences, which are number `share` of the equal shares of the
    cell's batch. The work runs on `device`.
    """

    device: torch.device
    batch: int
    share: int = 0
    decodes: bool = True  # False if it keeps no decode state: it can only read prompts
    # The size of the decode state in tokens, and how many of them come after the prompt.
    capacity: int = 0
    further: int = 0

    def place(self, tokens: torch.Tensor) -> Any:
        """Convert token ids [batch, T] on the host to the runtime's own form."""
        return tokens

    @abstractmethod
    def start(self, capacity: int, further: int = 0) -> None:
        """Make an empty decode state for sequences of up to `capacity` tokens.

        `further` of them come after the prompt. Implementations call this method first.
        """
        self.capacity, self.further = capacity, further

    @abstractmethod
    def prefill(self, tokens: Any) -> Any:
        """Read placed tokens [batch, T] after those in the decode state and score the next token.

        Returns the next-token logits, or the architecture's other output, in the runtime's own
        form. On return, the work is done or queued on the device.
        """

    @abstractmethod
    def decode(self, tokens: Any) -> Any:
        """Like `prefill`, but returns the likeliest next tokens, placed: [batch, 1]."""

    @abstractmethod
    def reset(self) -> None:
        """Empty the decode state, to start a new sequence."""

    @abstractmethod
    def snapshot(self) -> Any:
        """A copy of the present decode state, which can be restored any number of times."""

    @abstractmethod
    def restore(self, snapshot: Any) -> None:
        """Return to the state of the snapshot."""

    @abstractmethod
    def last_output(self) -> torch.Tensor | None:
        """The output of the last call, in fp32 on the host; None if this rank has none.

        After `prefill` or `decode`: the logits [batch, 1, V], or an encoder's embeddings
        [batch, 1, D]. After a training step: its loss.
        """

    @abstractmethod
    def logits(self, tokens: torch.Tensor) -> torch.Tensor | None:
        """[N, T] token ids -> logits [N, T, V] of every position, in fp32 on the host.

        Reads the tokens as a prompt, so that the logits include errors from the decode state's
        format. Leaves the session's decode state unchanged. None if the runtime gives no logits.
        """

    def ids(self, tokens: Any) -> torch.Tensor:
        """Placed tokens [batch, T] as ids on the host."""
        ids: torch.Tensor = tokens
        return ids.cpu()

    def training_step(
        self, tokens: torch.Tensor, rate: float = 1e-4, epsilon: float = 1e-8
    ) -> Callable[[], torch.Tensor | None]:
        """A function that takes one AdamW step on the sequences [batch, T + 1].

        It returns their mean loss, or None on ranks that do not compute it. Raises Unsupported if
        the runtime does not train.
        """
        raise Unsupported("this runtime does not train models")

    def running(self, *, trains: bool) -> AbstractContextManager[object]:
        """The context in which all methods above are called."""
        return nullcontext()

    def parameters(self) -> list[torch.Tensor]:
        """The parameters that this rank holds; empty if they are not torch tensors."""
        return []

    def state_bytes(self) -> float | None:
        """Bytes of the decode state on this rank; None if the runtime does not report them."""
        return None

    def facts(self) -> Mapping[str, float]:
        """Figures that only the runtime knows, read after the round."""
        return {}

    def notes(self) -> Mapping[str, str]:
        """Why the runtime cannot measure a metric, by the metric's name."""
        return {}

    def close(self) -> None:  # noqa: B027 - most sessions end with their process
        """Release the model, and all that the session holds outside this process."""
