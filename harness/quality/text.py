"""Text for a model: to be calibrated on, to learn from, and, held out, to be judged by."""

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

DOCUMENTS = 64  # held out, to judge by
LENGTH = 256  # tokens of each, where the model's context has room
_HELD_OUT = 0.1  # of a corpus, its end


class CorpusError(HarnessError):
    """A corpus or tokenizer cannot be read, or does not fit the model."""


@dataclass(frozen=True)
class HeldOut:
    """A document that no model has seen: each token but the first is to be told."""

    tokens: torch.Tensor  # [T]
    bytes: int  # of the tokens to be told
    floor_bits: float | None = None  # that the language itself needs for them, where known


class Text(ABC):
    """Where sequences of token ids come from."""

    known: bool = True  # whether it is text, which a model can know something of

    @abstractmethod
    def sequences(self, purpose: str, count: int, length: int) -> torch.Tensor:
        """[count, length] token ids; the same for the same purpose."""

    @abstractmethod
    def held_out(self, longest: int) -> Sequence[HeldOut]:
        """Documents of at most so many tokens."""


class RandomText(Text):
    """Uniform tokens, for models with random weights: there is nothing to know."""

    known = False

    def __init__(self, vocab: int) -> None:
        self._vocab = vocab

    def sequences(self, purpose: str, count: int, length: int) -> torch.Tensor:
        """Uniform over the vocabulary."""
        seed = random.Random(purpose).getrandbits(63)  # noqa: S311 - a seed, not a secret
        generator = torch.Generator().manual_seed(seed)
        return torch.randint(self._vocab, (count, length), generator=generator)

    def held_out(self, longest: int) -> Sequence[HeldOut]:
        """None: what is random cannot be told."""
        return ()


class GeneratedText(Text):
    """The generated language, a token a byte."""

    def __init__(self) -> None:
        self._language = Language()

    def sequences(self, purpose: str, count: int, length: int) -> torch.Tensor:
        """Documents, from their first byte on."""
        documents = self._language.documents(purpose, count, length)
        texts = b"".join(document.text for document in documents)
        return _bytes_of(texts)[0].view(count, length)

    def held_out(self, longest: int) -> Sequence[HeldOut]:
        """Documents under a name of their own; the first letter's bits are not to be told."""
        length = min(LENGTH, longest)
        return [
            HeldOut(torch.tensor(list(one.text)), length - 1, one.bits - FIRST_BITS)
            for one in self._language.documents("held out", DOCUMENTS, length)
        ]


class CorpusText(Text):
    """A user's file: bytes, or tokens by a tokenizer file. Its last tenth is held out."""

    def __init__(self, path: Path, tokenizer: Path | None, vocab: int) -> None:
        try:
            text = path.read_bytes()
        except OSError as error:
            raise CorpusError(f"the corpus {path} cannot be read: {error}") from error
        self._name = path.name
        split = len(text) - int(_HELD_OUT * len(text))
        encode = _bytes_of if tokenizer is None else _encoder(tokenizer)
        self._learn, _ = encode(text[:split])
        self._judge, self._widths = encode(text[split:])
        most = max((int(one.max()) for one in (self._learn, self._judge) if len(one)), default=0)
        if most >= vocab:
            told = "its tokenizer does not go with it" if tokenizer else "name its tokenizer"
            raise CorpusError(
                f"{path} has the token {most}; the model's vocabulary is {vocab}: {told}"
            )

    def sequences(self, purpose: str, count: int, length: int) -> torch.Tensor:
        """Windows at random places of the first nine tenths."""
        room = len(self._learn) - length
        if room < 0:
            raise CorpusError(f"{self._name} is shorter than a sequence of {length} tokens")
        dice = random.Random(purpose)  # noqa: S311 - places, not secrets
        starts = [dice.randint(0, room) for _ in range(count)]
        return torch.stack([self._learn[start : start + length] for start in starts])

    def held_out(self, longest: int) -> Sequence[HeldOut]:
        """Windows at even distances, as many as do not overlap."""
        length = min(LENGTH, longest, len(self._judge))
        if length < 2:
            raise CorpusError(f"{self._name} is too short to hold out a document")
        count = min(DOCUMENTS, len(self._judge) // length)
        step = len(self._judge) // count
        places = [slice(place * step, place * step + length) for place in range(count)]
        return [HeldOut(self._judge[place], int(self._widths[place][1:].sum())) for place in places]


def _bytes_of(text: bytes) -> tuple[torch.Tensor, torch.Tensor]:
    """Token ids, and the bytes of each."""
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
        raise CorpusError(f"{tokenizer} is no tokenizer file: {error}") from error

    def encode(text: bytes) -> tuple[torch.Tensor, torch.Tensor]:
        told = text.decode(errors="replace")
        found = made.encode(told, add_special_tokens=False)
        # Where a token begins, in characters, to where the next one does: blanks count too.
        starts = [start for start, _ in found.offsets] + [len(told)]
        widths = [len(told[start:end].encode()) for start, end in pairwise(starts)]
        return torch.tensor(found.ids), torch.tensor(widths)

    return encode
