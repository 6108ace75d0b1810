"""One night at a time; the second hears who holds the lock."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from harness.errors import UsageError
from harness.night.lock import locked


@pytest.fixture(autouse=True)
def _cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HARNESS_CACHE", str(tmp_path))


def refusal() -> str:
    """What a second night hears while the first holds the lock."""
    with pytest.raises(UsageError) as caught, locked("harness nightly b.yaml"):
        pytest.fail("both hold it")
    return str(caught.value)


def test_the_second_hears_who_holds_the_lock() -> None:
    with locked("harness nightly a.yaml"):
        said = refusal()
    assert f"process {os.getpid()} since 2" in said
    assert "harness nightly a.yaml" in said


def test_it_is_free_again_afterwards() -> None:
    for _ in range(2):
        with locked("harness nightly a.yaml"):
            pass


def test_an_exception_frees_it() -> None:
    with pytest.raises(ZeroDivisionError), locked("harness nightly a.yaml"):
        raise ZeroDivisionError
    with locked("harness nightly a.yaml"):
        pass


@pytest.mark.parametrize("content", ["", "{", "[1]", '{"pid": 1}'])
def test_a_lock_without_a_readable_holder_is_still_a_lock(tmp_path: Path, content: str) -> None:
    with locked("harness nightly a.yaml"):
        (tmp_path / "night.lock").write_text(content)
        assert "another process" in refusal()
