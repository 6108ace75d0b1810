"""The progress of a run in a terminal."""

from __future__ import annotations

import os
from pathlib import Path
from threading import Thread

import pytest

from harness.cli import progress
from harness.cli.output import Stream
from harness.cli.progress import Live
from harness.dispatch.artifacts import Step
from harness.dispatch.campaign import CellDone
from harness.domain.location import Location
from harness.domain.result import Status
from harness.pipeline import Prepared, Request, prepare

HOSTILE = "\x1b[2J\x07\u202e [red]evil"
ESCAPED = r"\x1b[2J\x07\u202e [red]evil"


class Terminal:
    """A pseudo-terminal that records everything written to it."""

    def __init__(self) -> None:
        self._master, self.slave = os.openpty()
        self._seen: list[bytes] = []
        self._reader = Thread(target=self._read)
        self._reader.start()

    def seen(self) -> str:
        """Closes the terminal, and returns everything written to it."""
        os.close(self.slave)
        self._reader.join()
        os.close(self._master)
        return b"".join(self._seen).decode()

    def _read(self) -> None:
        try:
            while chunk := os.read(self._master, 1 << 16):
                self._seen.append(chunk)
        except OSError:  # on Linux: the other end is closed
            return


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Terminal:
    """The terminal in which progress is drawn."""
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "200")
    made = Terminal()
    monkeypatch.setattr(progress, "drawing", lambda: Stream(made.slave, "utf-8", draws=True))
    return made


@pytest.fixture
def prepared(tmp_path: Path) -> Prepared:
    """A run of one small cell."""
    (tmp_path / "small.yaml").write_text(
        "name: small\nmatrix: {model: [nano], scenario: [prefill]}\nworkload: {prompt: 16}\n"
    )
    return prepare(
        Request((str(tmp_path / "small.yaml"),), Location.file(tmp_path / "none.sqlite"))
    )


def test_hostile_texts_cannot_control_the_terminal_of_a_progress_bar(
    terminal: Terminal, prepared: Prepared
) -> None:
    """Neither in a line above the bar nor in the bar. Brackets are not markup."""
    [item] = prepared.plan.items
    live = Live(verbose=True)
    live.begin(prepared)
    live.start(item, 0)
    live.event(CellDone(item, Status.FAILED, HOSTILE, HOSTILE))
    live.training(Step(HOSTILE, 1, 2, 3.5, 60.0))
    live.end()
    seen = terminal.seen()
    assert seen.count(ESCAPED) >= 3
    assert "\x1b[2J" not in seen
    assert "\u202e" not in seen
    assert "0/" in seen
