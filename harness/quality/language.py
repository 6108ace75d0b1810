"""A generated language whose entropy rate is known exactly.

A document begins with a key (three letters out of eight) and a colon. A sequence of events follows:

- a word of the lexicon and a space. Each word belongs to a topic and a class. The next word's class
  depends on the last word's class. One word in eight draws its topic anew; the others keep it;
- an opening bracket of one of three kinds, nested up to three deep, or the bracket that closes the
  innermost open one;
- `@`, the document's key and a space.

The first word is drawn as if a word of topic 0 and class 0 came before it.

So a byte can depend on bytes far back: the last word before nested brackets, the kind of an open
bracket, the key at the document's start.

Entropy. The document so far determines all hidden state (topic and class of the last word, open
brackets, key), and no event's text is a prefix of another's. By the chain rule the bytes of an
event therefore carry as many bits as the event: H(event | state), where the state is the last
word's topic and class and the nesting depth. States form a Markov chain with a stationary
distribution pi. The entropy rate, in bits per byte, is the mean entropy of an event over its mean
length (renewal-reward theorem; Cover and Thomas 2006, Elements of Information Theory, theorem
4.2.4):

    rate = sum_s pi(s) H(s) / sum_s pi(s) L(s)

The key adds 3 log2 8 = 9 bits to each document. A document of a given length may end inside an
event; its bits are still exact: -log2 of the probability of these very bytes.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np

VERSION = 1  # part of a trained model's name: a changed language needs a new reference model
TOPICS, CLASSES, WORDS = 4, 4, 6
DEPTH = 3
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_CLOSERS = {"(": ")", "[": "]", "{": "}"}
_RECALL, _OPEN, _CLOSE = 0.10, 0.06, 0.12  # probabilities of events; a word has the rest
_SWITCH = 1 / 8  # the probability that a word draws its topic anew
_KEY, _KEY_LETTERS = 3, "bdfhkmpt"
FIRST_BITS = math.log2(len(_KEY_LETTERS))  # the entropy of a document's first letter
KEY_BITS = _KEY * FIRST_BITS


@dataclass(frozen=True)
class LanguageState:
    """Everything that the next event depends on."""

    topic: int
    kind: int  # the last word's class
    depth: int


@dataclass(frozen=True)
class Event:
    """A possible next event, and the state after it.

    In `text`, `@` stands for the key and `)` for the bracket that closes the innermost one.
    """

    probability: float
    text: str
    after: LanguageState

    @property
    def length(self) -> int:
        """Bytes of the event in a document."""
        return _KEY + 2 if self.text == "@" else len(self.text)

    def written(self, key: str, closers: str) -> str:
        """The event's text in a document with this key; `closers` close its open brackets."""
        if self.text == "@":
            return f"@{key} "
        return closers[-1] if self.text == ")" else self.text


@dataclass(frozen=True)
class Document:
    """Bytes, and their information content in bits under the language."""

    text: bytes
    bits: float


class Language:
    """The language that a seed gives: its lexicon and its class transitions."""

    def __init__(self, seed: int = 0) -> None:
        dice = random.Random(f"language {VERSION} {seed}")  # noqa: S311 - text, not a secret
        words = _lexicon(dice, TOPICS * CLASSES * WORDS)
        size = CLASSES * WORDS
        self._words = [
            [words[t * size + c * WORDS : t * size + (c + 1) * WORDS] for c in range(CLASSES)]
            for t in range(TOPICS)
        ]
        self._classes = [_law(dice, CLASSES) for _ in range(CLASSES)]
        weights = [1 / (rank + 1) for rank in range(WORDS)]  # Zipf's
        self._ranks = [weight / sum(weights) for weight in weights]
        self._events: dict[LanguageState, list[Event]] = {}
        self._sums: dict[LanguageState, list[float]] = {}

    def events(self, state: LanguageState) -> list[Event]:
        """All events possible in a state; their probabilities sum to one."""
        if state not in self._events:
            self._events[state] = list(self._possible(state))
            self._sums[state] = list(accumulate(one.probability for one in self._events[state]))
        return self._events[state]

    def documents(self, name: str, count: int, length: int) -> Iterator[Document]:
        """`count` documents of `length` bytes each, the same for the same name."""
        dice = random.Random(f"documents {name}")  # noqa: S311 - text, not a secret
        return (self._document(dice, length) for _ in range(count))

    @cached_property
    def entropy_rate(self) -> float:
        """Bits per byte of an endless document."""
        states = [
            LanguageState(topic, kind, depth)
            for topic in range(TOPICS)
            for kind in range(CLASSES)
            for depth in range(DEPTH + 1)
        ]
        place = {state: index for index, state in enumerate(states)}
        step = np.zeros((len(states), len(states)))
        bits, length = np.zeros(len(states)), np.zeros(len(states))
        for state, row in place.items():
            for event in self.events(state):
                step[row, place[event.after]] += event.probability
                bits[row] -= event.probability * math.log2(event.probability)
                length[row] += event.probability * event.length
        # pi (step - 1) = 0, and pi sums to one.
        system = np.vstack((step.T - np.eye(len(states)), np.ones(len(states))))
        law = np.linalg.lstsq(system, np.append(np.zeros(len(states)), 1.0), rcond=None)[0]
        return float(law @ bits / (law @ length))

    def _possible(self, state: LanguageState) -> Iterator[Event]:
        opens = _OPEN if state.depth < DEPTH else 0.0
        closes = _CLOSE if state.depth else 0.0
        yield Event(_RECALL, "@", state)
        if opens:
            deeper = LanguageState(state.topic, state.kind, state.depth + 1)
            for opener in _CLOSERS:
                yield Event(opens / len(_CLOSERS), opener, deeper)
        if closes:
            yield Event(closes, ")", LanguageState(state.topic, state.kind, state.depth - 1))
        word = 1 - _RECALL - opens - closes
        for topic in range(TOPICS):
            of_topic = _SWITCH / TOPICS + (1 - _SWITCH if topic == state.topic else 0.0)
            for kind, of_class in enumerate(self._classes[state.kind]):
                after = LanguageState(topic, kind, state.depth)
                for text, of_rank in zip(self._words[topic][kind], self._ranks, strict=True):
                    probability = word * of_topic * of_class * of_rank
                    yield Event(probability, f"{text} ", after)

    def _document(self, dice: random.Random, length: int) -> Document:
        key = "".join(dice.choice(_KEY_LETTERS) for _ in range(_KEY))
        text, bits, state, closers = f"{key}:", KEY_BITS, LanguageState(0, 0, 0), ""
        while len(text) < length:
            events = self.events(state)
            (event,) = dice.choices(events, cum_weights=self._sums[state])
            written, left = event.written(key, closers), length - len(text)
            probability = event.probability
            if len(written) > left:  # cut short: any event that begins with these bytes fits
                written = written[:left]
                probability = sum(
                    one.probability
                    for one in events
                    if one.written(key, closers).startswith(written)
                )
            bits -= math.log2(probability)
            text += written
            if event.after.depth > state.depth:
                closers += _CLOSERS[event.text]
            elif event.after.depth < state.depth:
                closers = closers[:-1]
            state = event.after
        return Document(text.encode(), bits)


def _lexicon(dice: random.Random, count: int) -> list[str]:
    """Distinct words of two to five letters."""
    words: dict[str, None] = {}
    while len(words) < count:
        words["".join(dice.choices(_LETTERS, k=dice.randint(2, 5)))] = None
    return list(words)


def _law(dice: random.Random, count: int) -> list[float]:
    """Probabilities in random order: one likely outcome, one less likely, the rest rare."""
    weights = [4.0, 2.0, *([1.0] * (count - 2))]
    dice.shuffle(weights)
    return [weight / sum(weights) for weight in weights]
