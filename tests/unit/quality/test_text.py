"""Where text comes from, and what of it nobody has seen."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from harness.quality.language import FIRST_BITS, Language
from harness.quality.text import CorpusError, CorpusText, GeneratedText, RandomText


def test_held_out_documents_were_never_seen() -> None:
    text = GeneratedText()
    seen = {bytes(row.tolist()) for row in text.sequences("training", 500, 64).byte()}
    judged = {bytes(one.tokens[:64].tolist()) for one in text.held_out(256)}
    assert not seen & judged


def test_the_floor_is_of_the_bytes_to_be_told() -> None:
    """All but the first, whose bits are the first letter's."""
    (first, *_) = GeneratedText().held_out(100)
    (document, *_) = Language().documents("held out", 1, 100)
    assert bytes(first.tokens.tolist()) == document.text
    assert (first.bytes, first.floor_bits) == (99, document.bits - FIRST_BITS)


def test_random_text_holds_nothing_out() -> None:
    text = RandomText(50)
    assert (text.known, text.held_out(10)) == (False, ())
    assert int(text.sequences("x", 4, 100).max()) < 50


def test_a_corpus_is_split_nine_to_one(tmp_path: Path) -> None:
    file = tmp_path / "corpus.txt"
    file.write_bytes(b"a" * 900 + b"b" * 100)
    text = CorpusText(file, None, 256)
    assert set(text.sequences("calibration", 20, 50).flatten().tolist()) == {ord("a")}
    judged = text.held_out(32)
    assert {token for one in judged for token in one.tokens.tolist()} == {ord("b")}
    assert all((len(one.tokens), one.bytes, one.floor_bits) == (32, 31, None) for one in judged)


@pytest.mark.parametrize(
    ("content", "vocab", "message"),
    [(b"\xff" * 100, 128, "token 255; the model's vocabulary is 128"), (b"ab", 256, "too short")],
)
def test_a_corpus_that_does_not_fit_is_refused(
    tmp_path: Path, content: bytes, vocab: int, message: str
) -> None:
    file = tmp_path / "corpus.txt"
    file.write_bytes(content)
    with pytest.raises(CorpusError, match=message):
        CorpusText(file, None, vocab).held_out(64)


def test_a_corpus_shorter_than_a_sequence_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "corpus.txt"
    file.write_bytes(b"short")
    with pytest.raises(CorpusError, match="shorter than a sequence of 100"):
        CorpusText(file, None, 256).sequences("calibration", 1, 100)


def test_a_tokenizers_tokens_stand_for_all_bytes(tmp_path: Path) -> None:
    """Blanks between words too, wherever the tokenizer leaves them out."""
    tokenizers = pytest.importorskip("tokenizers")
    made = tokenizers.Tokenizer(tokenizers.models.WordLevel({"one": 1, "zwei": 2}))
    made.pre_tokenizer = tokenizers.pre_tokenizers.Whitespace()
    made.save(str(tmp_path / "tokenizer.json"))
    (tmp_path / "corpus.txt").write_text("one zwei " * 400)
    text = CorpusText(tmp_path / "corpus.txt", tmp_path / "tokenizer.json", 3)
    (first, *_) = text.held_out(10)
    assert set(first.tokens.tolist()) == {1, 2}
    assert first.bytes == sum({1: 4, 2: 5}[token] for token in first.tokens[1:].tolist())


def test_a_file_that_is_no_tokenizer_is_refused(tmp_path: Path) -> None:
    pytest.importorskip("tokenizers")
    for name in ("corpus.txt", "tokenizer.json"):
        (tmp_path / name).write_text("nothing of the kind")
    with pytest.raises(CorpusError, match="is not a tokenizer file"):
        CorpusText(tmp_path / "corpus.txt", tmp_path / "tokenizer.json", 256)


def test_sequences_are_the_same_for_the_same_purpose() -> None:
    for text in (GeneratedText(), RandomText(99)):
        one, again, other = (text.sequences(name, 3, 20) for name in ("a", "a", "b"))
        assert torch.equal(one, again)
        assert not torch.equal(one, other)
