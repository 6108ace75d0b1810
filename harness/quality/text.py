"""Text for calibration and training, and held-out documents for evaluation."""

from __future__ import annotations

import random
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch

from harness.errors import HarnessError
from harness.quality.language import FIRST_BITS, Language

DOCUMENTS = 64  # held out
LENGTH = 256  # tokens in a document, if the model's context has room
_HELD_OUT = 0.1  # the share of a corpus, at its end


class CorpusError(HarnessError):
    """A corpus or tokenizer cannot be read, or does not fit the model."""


@dataclass(frozen=True)
class HeldOut:
    """A document that no model was trained on. Models predict every token but the first."""

    tokens: torch.Tensor  # [T]
    bytes: int  # of the predicted tokens
    floor_bits: float | None = None  # their information content under the language, if known


class Text(ABC):
    """A source of token sequences."""

    known: bool = True  # False if the tokens are random, so no model can predict them

    @abstractmethod
    def sequences(self, purpose: str, count: int, length: int) -> torch.Tensor:
        """Token ids [count, length], the same for the same purpose."""

    @abstractmethod
    def held_out(self, longest: int) -> Sequence[HeldOut]:
        """Documents of at most `longest` tokens."""


class RandomText(Text):
    """Uniform random tokens, for models with random weights."""

    known = False

    def __init__(self, vocab: int) -> None:
        self._vocab = vocab

    def sequences(self, purpose: str, count: int, length: int) -> torch.Tensor:
        """Token ids, uniform over the vocabulary."""
        seed = random.Random(purpose).getrandbits(63)  # noqa: S311 - a seed, not a secret
        generator = torch.Generator().manual_seed(seed)
        return torch.randint(self._vocab, (count, length), generator=generator)

    def held_out(self, longest: int) -> Sequence[HeldOut]:
        """No documents: random tokens cannot be predicted."""
        return ()


class GeneratedText(Text):
    """The generated language, one token per byte."""

    def __init__(self) -> None:
        self._language = Language()

    def sequences(self, purpose: str, count: int, length: int) -> torch.Tensor:
        """Whole documents, one per sequence."""
        documents = self._language.documents(purpose, count, length)
        texts = b"".join(document.text for document in documents)
        return _bytes_of(texts)[0].view(count, length)

    def held_out(self, longest: int) -> Sequence[HeldOut]:
        """Documents for evaluation only. Nothing predicts a first letter: its bits are left out."""
        length = min(LENGTH, longest)
        return [
            HeldOut(torch.tensor(list(one.text)), length - 1, one.bits - FIRST_BITS)
            for one in self._language.documents("held out", DOCUMENTS, length)
        ]


class CorpusText(Text):
    """A user's file, read as bytes or with a tokenizer file. Its last tenth is held out."""

    def __init__(self, path: Path, tokenizer: Path | None, vocab: int) -> None:
        try:
            text = path.read_bytes()
        except OSError as error:
            raise CorpusError(f"the corpus {path} cannot be read: {error}") from error
        self._name = path.name
        split = len(text) - int(_HELD_OUT * len(text))
        encode = _bytes_of if tokenizer is None else _encoder(tokenizer)
        self._training, _ = encode(text[:split])
        self._evaluation, self._widths = encode(text[split:])
        most = max(
            (int(one.max()) for one in (self._training, self._evaluation) if len(one)), default=0
        )
        if most >= vocab:
            advice = "use the model's own tokenizer" if tokenizer else "name its tokenizer"
            raise CorpusError(
                f"{path} has the token {most}; the model's vocabulary is {vocab}: {advice}"
            )

    def sequences(self, purpose: str, count: int, length: int) -> torch.Tensor:
        """Windows at random positions in the first nine tenths."""
        room = len(self._training) - length
        if room < 0:
            raise CorpusError(f"{self._name} is shorter than a sequence of {length} tokens")
        dice = random.Random(purpose)  # noqa: S311 - positions, not secrets
        starts = [dice.randint(0, room) for _ in range(count)]
        return torch.stack([self._training[start : start + length] for start in starts])

    def held_out(self, longest: int) -> Sequence[HeldOut]:
        """Evenly spaced windows, as many as fit without overlap, at most 64."""
        length = min(LENGTH, longest, len(self._evaluation))
        if length < 2:
            raise CorpusError(f"{self._name} is too short to hold out a document")
        count = min(DOCUMENTS, len(self._evaluation) // length)
        step = len(self._evaluation) // count
        places = [slice(place * step, place * step + length) for place in range(count)]
        return [
            HeldOut(self._evaluation[place], int(self._widths[place][1:].sum())) for place in places
        ]


def _bytes_of(text: bytes) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids, and the bytes of each token."""
    tokens = torch.from_numpy(np.frombuffer(text, np.uint8).astype(np.int64))
    return tokens, torch.ones_like(tokens)


def _encoder(tokenizer: Path) -> Callable[[bytes], tuple[torch.Tensor, torch.Tensor]]:
    try:
        from tokenizers import Tokenizer
    except ModuleNotFoundError as error:
        raise CorpusError(
            "a tokenizer file needs the package tokenizers: "
            "pip install 'transformer-harness[tokenizers]'"
        ) from error
    try:
        made = Tokenizer.from_file(str(tokenizer))
    except Exception as error:  # the library raises a plain Exception
        raise CorpusError(f"{tokenizer} is not a tokenizer file: {error}") from error

    def encode(text: bytes) -> tuple[torch.Tensor, torch.Tensor]:
        characters = text.decode(errors="replace")
        found = made.encode(characters, add_special_tokens=False)
        # A token's width reaches to the start of the next token, so it includes spaces between.
        starts = [start for start, _ in found.offsets] + [len(characters)]
        widths = [len(characters[start:end].encode()) for start, end in pairwise(starts)]
        return torch.tensor(found.ids), torch.tensor(widths)

    return encode
