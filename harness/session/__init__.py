"""A session: a cell's model opened in a runtime, ready to be driven.

Whatever measures (scenarios, warm-up, quality, the parity check) knows sessions only. A session
need not be a torch module, nor have its weights in this process: an HTTP server is one too. Token
ids go in as torch tensors on the host, once and outside the timed region; from then on they stay
in whatever form the runtime wants.
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
    """What a backend is given to open a session on.

    `load` gives the cell's model as an eager torch module, compressed and in the cell's precision:
    from its prepared file, or newly built. It takes its time, is part of the load time, and a
    runtime with weights of its own never calls it. `split` makes this rank's part of that model;
    None where the cell is one process.
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
        """The dimensions of a built-in model; Unsupported for one that a factory builds."""
        return dimensions_of(self.cell.model)

    @property
    def batch(self) -> int:
        """Sequences at once, over all ranks together."""
        return self.cell.load["batch"]


class Session(ABC):
    """A model that reads prompts, decodes, scores and, where the runtime can, learns.

    `batch` sequences at once are this rank's, its share number `share` of the cell's. `device` is
    where the work is done.
    """

    device: torch.device
    batch: int
    share: int = 0
    decodes: bool = True  # False if it keeps no decode state, and so reads prompts only
    # Tokens of the decode state, and how many of them come behind the prompt.
    capacity: int = 0
    further: int = 0

    def place(self, tokens: torch.Tensor) -> Any:
        """[batch, T] token ids on the host -> the same, in the form that the runtime takes."""
        return tokens

    @abstractmethod
    def start(self, capacity: int, further: int = 0) -> None:
        """Make an empty decode state for sequences of up to `capacity` tokens.

        `further` of them come behind the prompt. Implementations call this one first.
        """
        self.capacity, self.further = capacity, further

    @abstractmethod
    def prefill(self, tokens: Any) -> Any:
        """Read placed tokens [batch, T] behind those of the decode state; score the next one.

        Returns the runtime's own form of the next-token logits, or of whatever else the model's
        architecture gives. The work is done, or queued on the device, when this returns.
        """

    @abstractmethod
    def decode(self, tokens: Any) -> Any:
        """`prefill`, and then the likeliest next token of each sequence, placed: [batch, 1]."""

    @abstractmethod
    def reset(self) -> None:
        """Empty the decode state: a new sequence starts."""

    @abstractmethod
    def snapshot(self) -> Any:
        """The decode state as it is now, to come back to any number of times."""

    @abstractmethod
    def restore(self, snapshot: Any) -> None:
        """Be as at the snapshot."""

    @abstractmethod
    def last_output(self) -> torch.Tensor | None:
        """Logits [batch, 1, V] of the last `prefill` or `decode`, in fp32 on the host.

        None if the runtime gives none, or if another rank has them. An encoder's are embeddings
        [batch, 1, D]. After a training step: its loss.
        """

    @abstractmethod
    def logits(self, tokens: torch.Tensor) -> torch.Tensor | None:
        """[N, T] token ids -> [N, T, V] fp32 on the host: logits of every position.

        As a prompt is read, so that whatever the format of the decode state loses is in them. The
        session's own decode state is left alone. None if the runtime gives none.
        """

    def ids(self, tokens: Any) -> torch.Tensor:
        """Placed tokens [batch, T] as ids on the host."""
        found: torch.Tensor = tokens
        return found.cpu()

    def learner(
        self, tokens: torch.Tensor, rate: float = 1e-4, epsilon: float = 1e-8
    ) -> Callable[[], torch.Tensor | None]:
        """A function that takes one AdamW step on the sequences [batch, T + 1] at each call.

        It returns the mean loss over them; None on ranks that do not see it. Unsupported if the
        runtime does not train.
        """
        raise Unsupported("this runtime does not train models")

    def running(self, *, trains: bool) -> AbstractContextManager[object]:
        """Entered around all calls above."""
        return nullcontext()

    def parameters(self) -> list[torch.Tensor]:
        """Tensors of the parameters that this rank holds; none if they are not torch's."""
        return []

    def state_bytes(self) -> float | None:
        """Bytes of the decode state as allocated on this rank; None if the runtime keeps it to
        itself.
        """
        return None

    def facts(self) -> Mapping[str, float]:
        """What only the runtime knows of the round, once it is over."""
        return {}

    def notes(self) -> Mapping[str, str]:
        """By a metric's name, why the runtime cannot tell it."""
        return {}

    def close(self) -> None:  # noqa: B027 - most sessions end with their process
        """Let go of the model: whatever the session holds outside this process, too."""
