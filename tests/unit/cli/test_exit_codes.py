"""A command's exit code and last error message."""

from __future__ import annotations

import signal
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from harness import cli, stored
from harness.errors import UsageError

Run = Callable[[BaseException], tuple[int, str]]


@pytest.fixture
def ended(monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]) -> Run:
    """The exit code and standard error of a `harness show` that ends with this exception."""
    handler = signal.getsignal(signal.SIGTERM)

    def call(error: BaseException) -> tuple[int, str]:
        def results(*_: object, **__: object) -> None:
            raise error

        monkeypatch.setattr(stored, "results", results)
        monkeypatch.setattr(sys, "argv", ["harness", "show"])
        # main() replaces both: monkeypatch restores them after the test.
        monkeypatch.setattr(sys, "stdout", sys.stdout)
        monkeypatch.setattr(sys, "stderr", sys.stderr)
        with pytest.raises(SystemExit) as end:
            cli.main()
        signal.signal(signal.SIGTERM, handler)
        assert isinstance(end.value.code, int)
        return end.value.code, capfd.readouterr().err

    return call


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (PermissionError(13, "Permission denied", "/a/b"), "show: /a/b: Permission denied"),
        (OSError(24, "Too many open files"), "show: Too many open files"),
        (OSError("odd"), "show: odd"),
        (ConnectionResetError(), "show: ConnectionResetError"),
        (BrokenPipeError(32, "Broken pipe"), "show: Broken pipe"),
        (UsageError("no such metric"), "no such metric"),
    ],
)
def test_a_system_error_is_one_line_and_exit_code_2(
    ended: Run, error: Exception, message: str
) -> None:
    """1 would mean that a cell failed. A broken pipe here is not that of standard output."""
    assert ended(error) == (2, f"error: {message}\n")


def test_a_bug_in_the_harness_shows_its_traceback(ended: Run) -> None:
    """It is neither a failed cell nor a wrong request."""
    code, message = ended(ZeroDivisionError("division by zero"))
    assert code == 4
    assert "Traceback" in message
    assert "ZeroDivisionError: division by zero" in message


def test_ctrl_c_is_130(ended: Run) -> None:
    code, message = ended(KeyboardInterrupt())
    assert code == 130
    assert "the same command continues" in message


def test_a_working_directory_that_is_gone_is_named(
    ended: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The system's own error names no file."""
    gone = tmp_path / "gone"
    gone.mkdir()
    monkeypatch.chdir(gone)
    gone.rmdir()
    code, stderr = ended(FileNotFoundError(2, "No such file or directory"))
    assert (code, stderr) == (
        2,
        "error: show: the working directory no longer exists: change to another\n",
    )
