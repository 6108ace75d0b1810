"""The language's entropy is what its documents say, and they say what it allows."""

from __future__ import annotations

import itertools
import math
from statistics import fmean, stdev

import pytest

from harness.quality.language import (
    DEPTH,
    KEY_BITS,
    Language,
    LanguageState,
)

LANGUAGE = Language()


def states() -> list[LanguageState]:
    return [
        LanguageState(topic, kind, depth)
        for topic, kind, depth in itertools.product(range(4), range(4), range(DEPTH + 1))
    ]


@pytest.mark.parametrize("state", states(), ids=str)
def test_the_probabilities_of_what_can_come_sum_to_one(state: LanguageState) -> None:
    events = LANGUAGE.events(state)
    assert sum(one.probability for one in events) == pytest.approx(1)
    assert min(one.probability for one in events) > 0


@pytest.mark.parametrize("state", states(), ids=str)
def test_no_event_begins_another(state: LanguageState) -> None:
    """Else its bytes would not tell which it is, and its bits would not be the text's."""
    texts = [one.written("bdf", ")]}"[: state.depth]) for one in LANGUAGE.events(state)]
    assert len(set(texts)) == len(texts)
    assert not any(a != b and b.startswith(a) for a in texts for b in texts)


def test_documents_bits_average_to_the_entropy_rate() -> None:
    """The mean over long documents is within three standard errors of the exact rate."""
    length = 4000
    rates = [
        (one.bits - KEY_BITS) / (length - 4)
        for one in LANGUAGE.documents("law of large numbers", 60, length)
    ]
    error = stdev(rates) / math.sqrt(len(rates))
    assert abs(fmean(rates) - LANGUAGE.entropy_rate) < 3 * error + 2 / length
    assert error < 0.01


def test_a_documents_bits_are_those_of_its_bytes_one_by_one() -> None:
    """By brute force: each byte's probability is that of all events that go on so."""
    for document in LANGUAGE.documents("brute force", 5, 60):
        assert document.bits == pytest.approx(byte_by_byte(document.text.decode()), rel=1e-9)


def byte_by_byte(text: str) -> float:
    """-log2 p of each byte given all before, summed; written apart from the generator."""
    key, bits = text[:3], 9.0
    state, closers, pending = LanguageState(0, 0, 0), "", ""
    for byte in text[4:]:
        going = {
            event: event.written(key, closers)
            for event in LANGUAGE.events(state)
            if event.written(key, closers).startswith(pending)
        }
        before = sum(event.probability for event in going)
        pending += byte
        after = [event for event, told in going.items() if told.startswith(pending)]
        bits -= math.log2(sum(event.probability for event in after) / before)
        whole = [event for event in after if going[event] == pending]
        if whole:
            (event,) = whole
            if event.after.depth > state.depth:
                closers += {"(": ")", "[": "]", "{": "}"}[pending]
            elif event.after.depth < state.depth:
                closers = closers[:-1]
            state, pending = event.after, ""
    return bits


def test_brackets_fit_and_the_key_comes_again() -> None:
    for document in LANGUAGE.documents("well formed", 20, 500):
        text = document.text.decode()
        key, stack = text[:3], []
        assert text[3] == ":"
        for place, byte in enumerate(text[:-5]):
            if byte in "([{":
                stack.append(byte)
                assert len(stack) <= DEPTH
            elif byte in ")]}":
                assert stack.pop() + byte in {"()", "[]", "{}"}
            elif byte == "@":
                assert text[place + 1 : place + 5] == f"{key} "


def test_the_same_name_gives_the_same_documents_and_another_others() -> None:
    first, again, other = (
        [one.text for one in LANGUAGE.documents(name, 3, 100)] for name in ("a", "a", "b")
    )
    assert first == again
    assert not set(first) & set(other)


def test_another_seed_is_another_language() -> None:
    assert Language(1).entropy_rate != LANGUAGE.entropy_rate


def test_a_document_has_the_length_asked() -> None:
    assert {len(one.text) for one in LANGUAGE.documents("length", 30, 77)} == {77}
