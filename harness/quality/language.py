"""A generated language whose entropy rate is known exactly.

A document begins with a key, three of eight letters, and a colon. Behind it events follow each
other:

- a word of the lexicon and a blank. Each word belongs to a topic and a class; the next word's class
  depends on the last word's, and its topic is the last word's, but for one word in eight;
- an opening bracket of one of three kinds, up to three deep, or the closing one that fits the
  innermost still open;
- `@`, the document's key and a blank.

Before the first word stand, as it were, topic 0 and class 0.

So a byte can depend on bytes far back: the last word before nested brackets, which bracket was
opened, the key at the document's start.

Entropy. Given the document so far, everything hidden (topic and class of the last word, open
brackets, key) is known, and no event's text begins another's. By the chain rule the bytes of
an event therefore carry what the event does, H(event | state) bits, where the state is the last
word's topic and class and the depth. States form a Markov chain with a stationary law pi. The
entropy rate, in bits per byte, is the mean entropy of an event over its mean length
(renewal-reward theorem; Cover and Thomas 2006, Elements of Information Theory, theorem 4.2.4):

    rate = sum_s pi(s) H(s) / sum_s pi(s) L(s)

The key adds 3 log2 8 = 9 bits to each document, once. A document of a given length ends in the
midst of an event; its own bits, -log2 of the probability of just these bytes, are told exactly.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import accumulate

import numpy as np

VERSION = 1  # part of what names a trained model: another language is another reference
TOPICS, CLASSES, WORDS = 4, 4, 6
DEPTH = 3
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_CLOSERS = {"(": ")", "[": "]", "{": "}"}
_RECALL, _OPEN, _CLOSE = 0.10, 0.06, 0.12  # probabilities of an event; a word has the rest
_SWITCH = 1 / 8  # of a word's topic
_KEY, _KEY_LETTERS = 3, "bdfhkmpt"
FIRST_BITS = math.log2(len(_KEY_LETTERS))  # of a document's first letter
KEY_BITS = _KEY * FIRST_BITS


@dataclass(frozen=True)
class State:
    """What the next event depends on."""

    topic: int
    kind: int  # the last word's class
    depth: int


@dataclass(frozen=True)
class Event:
    """What can come next, and the state behind it.

    In the text `@` stands for the key and `)` for whatever closes the innermost bracket.
    """

    probability: float
    text: str
    after: State

    @property
    def length(self) -> int:
        """In bytes, as a document has it."""
        return _KEY + 2 if self.text == "@" else len(self.text)

    def told(self, key: str, closers: str) -> str:
        """As a document with that key, and brackets to be closed so, has it."""
        if self.text == "@":
            return f"@{key} "
        return closers[-1] if self.text == ")" else self.text


@dataclass(frozen=True)
class Document:
    """Bytes, and the bits that the language itself needs to tell them."""

    text: bytes
    bits: float


class Language:
    """The language of a seed: its lexicon and the laws of its classes."""

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
        self._events: dict[State, list[Event]] = {}
        self._sums: dict[State, list[float]] = {}

    def events(self, state: State) -> list[Event]:
        """All that can come in that state; their probabilities sum to one."""
        if state not in self._events:
            self._events[state] = list(self._possible(state))
            self._sums[state] = list(accumulate(one.probability for one in self._events[state]))
        return self._events[state]

    def documents(self, name: str, count: int, length: int) -> Iterator[Document]:
        """So many documents of so many bytes, the same for the same name."""
        dice = random.Random(f"documents {name}")  # noqa: S311 - text, not a secret
        return (self._document(dice, length) for _ in range(count))

    @cached_property
    def entropy_rate(self) -> float:
        """Bits per byte, of an endless document."""
        states = [
            State(topic, kind, depth)
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

    def _possible(self, state: State) -> Iterator[Event]:
        opens = _OPEN if state.depth < DEPTH else 0.0
        closes = _CLOSE if state.depth else 0.0
        yield Event(_RECALL, "@", state)
        if opens:
            deeper = State(state.topic, state.kind, state.depth + 1)
            for opener in _CLOSERS:
                yield Event(opens / len(_CLOSERS), opener, deeper)
        if closes:
            yield Event(closes, ")", State(state.topic, state.kind, state.depth - 1))
        word = 1 - _RECALL - opens - closes
        for topic in range(TOPICS):
            of_topic = _SWITCH / TOPICS + (1 - _SWITCH if topic == state.topic else 0.0)
            for kind, of_class in enumerate(self._classes[state.kind]):
                after = State(topic, kind, state.depth)
                for text, of_rank in zip(self._words[topic][kind], self._ranks, strict=True):
                    probability = word * of_topic * of_class * of_rank
                    yield Event(probability, f"{text} ", after)

    def _document(self, dice: random.Random, length: int) -> Document:
        key = "".join(dice.choice(_KEY_LETTERS) for _ in range(_KEY))
        text, bits, state, closers = f"{key}:", KEY_BITS, State(0, 0, 0), ""
        while len(text) < length:
            events = self.events(state)
            (event,) = dice.choices(events, cum_weights=self._sums[state])
            told, left = event.told(key, closers), length - len(text)
            probability = event.probability
            if len(told) > left:  # all that begin so
                told = told[:left]
                probability = sum(
                    one.probability for one in events if one.told(key, closers).startswith(told)
                )
            bits -= math.log2(probability)
            text += told
            if event.after.depth > state.depth:
                closers += _CLOSERS[event.text]
            elif event.after.depth < state.depth:
                closers = closers[:-1]
            state = event.after
        return Document(text.encode(), bits)


def _lexicon(dice: random.Random, count: int) -> list[str]:
    """Words of two to five letters, no two alike."""
    words: dict[str, None] = {}
    while len(words) < count:
        words["".join(dice.choices(_LETTERS, k=dice.randint(2, 5)))] = None
    return list(words)


def _law(dice: random.Random, count: int) -> list[float]:
    """Probabilities: one of them likely, the others less and less."""
    weights = [4.0, 2.0, *([1.0] * (count - 2))]
    dice.shuffle(weights)
    return [weight / sum(weights) for weight in weights]
