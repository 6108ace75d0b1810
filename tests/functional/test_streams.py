"""What commands print to whom: hostile texts, closed and full streams, readers who leave."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.domain.location import Location
from harness.domain.result import Status
from harness.domain.run import Asked, Run
from harness.host.machine import this_host
from harness.spec.load import load
from harness.store import Store
from harness.subject.identity import subject
from tests.conftest import Answer

if TYPE_CHECKING:
    from tests.conftest import Harness

# Clears the screen, rings, colours, overwrites, reverses, hides.
HOSTILE = "\x1b[2J\x07\x9b31m\r\u202e\u200b evil"
SPELLED = r"\x1b[2J\x07\x9b31m\r\u202e\u200b evil"

SPEC = """\
name: small
matrix:
  model: [nano]
  scenario: [prefill]
workload: {batch: [1], prompt: 16}
measure: {rounds: 1, max_rounds: 1, samples: 1, max_samples: 3, round_time: 1ms, ceiling: false}
"""

Shell = Callable[..., Answer]


@pytest.fixture
def shell(tmp_path: Path, env: dict[str, str]) -> Shell:
    """Run a line of shell in which `harness` is the command."""

    def call(line: str, timeout: float = 240) -> Answer:
        prelude = f'harness() {{ "{sys.executable}" -m harness "$@"; }}\n'
        done = subprocess.run(
            ["bash", "-c", prelude + line],
            cwd=tmp_path,
            env=env,
            capture_output=True,
            text=True,
            timeout=timeout,
            check=False,
        )
        return Answer(done.returncode, done.stdout, done.stderr)

    return call


@pytest.fixture
def spec(tmp_path: Path) -> str:
    """A spec of one small cell."""
    (tmp_path / "small.yaml").write_text(SPEC)
    return "small.yaml"


@pytest.fixture
def hostile_results(tmp_path: Path, spec: str) -> str:
    """The spec, whose cell has failed before for a reason that would take the terminal over."""
    [loaded] = load([str(tmp_path / spec)], (), ())
    commit, environment = subject()
    with Store(Location.file(tmp_path / "results" / "harness.sqlite")) as store:
        run = store.begin(
            Run(
                commit,
                this_host(),
                environment,
                started=datetime.now(UTC),
                seed=0,
                specs={f"{HOSTILE}.yaml": Asked(HOSTILE, HOSTILE, "9f2c")},
            )
        )
        key = store.open_result(run, loaded.cells[0], None, adopt=None)
        store.close_result(key, Status.FAILED, HOSTILE, HOSTILE)
        store.finish(run)
    return spec


def is_harmless(text: str) -> bool:
    """Whether no character could command a terminal, or hide there."""
    bare = text.replace("\n", "").replace("\t", "")
    return {"Cc", "Cf", "Cs"}.isdisjoint(map(unicodedata.category, bare))


@pytest.mark.parametrize(
    "arguments",
    [
        ("show",),
        ("show", "--format", "markdown"),
        ("show", "--format", "csv"),
        ("plan", "small.yaml"),
        ("run", "small.yaml"),
        ("run", "small.yaml", "--verbose"),
        ("run", "small.yaml", "--quiet"),
    ],
)
def test_stored_text_reaches_the_terminal_spelled_out(
    harness: Harness, hostile_results: str, arguments: tuple[str, ...]
) -> None:
    """Whatever an exception, a file or a plug-in said."""
    answer = harness(*arguments)
    assert SPELLED in answer.out + answer.err
    assert is_harmless(answer.out + answer.err)


def test_json_keeps_every_character_by_its_own_escapes(
    harness: Harness, hostile_results: str
) -> None:
    answer = harness("show", "--format", "json")
    assert is_harmless(answer.out)
    assert answer.json["results"][0]["reason"] == HOSTILE


@pytest.mark.parametrize(
    "arguments",
    [
        (HOSTILE,),
        (f"--{HOSTILE}",),
        ("show", "--format", HOSTILE),
        ("show", "--only", HOSTILE),
        ("show", "--sort", HOSTILE),
        ("show", "--status", HOSTILE),
        ("list", HOSTILE),
        ("plan", HOSTILE),
        ("plan", "small.yaml", "--set", HOSTILE),
        ("ceiling", "--hardware", HOSTILE),
        ("completion", HOSTILE),
    ],
)
def test_an_error_spells_out_what_was_asked(
    harness: Harness, spec: str, arguments: tuple[str, ...]
) -> None:
    """click's own errors too."""
    answer = harness(*arguments)
    assert (answer.code, answer.out) == (2, "")
    assert "evil" in answer.err
    assert is_harmless(answer.err)


@pytest.mark.parametrize("setting", ["LC_ALL=C", "PYTHONIOENCODING=ascii", "PYTHONUTF8=0 LANG=C"])
def test_text_that_no_encoding_takes_is_printed_all_the_same(
    shell: Shell, setting: str, tmp_path: Path
) -> None:
    """A file name that is no UTF-8, for one, on a strict terminal."""
    answer = shell(f"export {setting}; harness show --db $'caf\\xe9\\u00d7.sqlite'")
    assert answer.code == 0
    assert "caf\\udce9" in answer.err
    assert "Traceback" not in answer.err


def test_files_whose_names_are_no_utf_8_are_used_as_any(
    shell: Shell, spec: str, tmp_path: Path
) -> None:
    """By the run that reads and fills them, and in the results that name them."""
    answer = shell(
        f"cp {spec} $'caf\\xe9.yaml'; harness run $'caf\\xe9.yaml' --db $'caf\\xe9.sqlite' && "
        "harness show --format json --db $'caf\\xe9.sqlite'"
    )
    assert answer.code == 0, answer.err
    [result] = json.loads(answer.out[answer.out.index("{") :])["results"]
    assert list(result["provenance"]["specs"]) == ["caf\ufffd.yaml"]
    assert result["provenance"]["command"] == "harness run caf\ufffd.yaml --db caf\ufffd.sqlite"


@pytest.mark.parametrize(
    "arguments",
    [
        ("show", "--format", "z" * 50_000),
        ("show", "--only", "z" * 50_000),
        ("show", "--sort", "z" * 50_000),
        ("ceiling", "--seconds", "z" * 50_000),
        ("list", "z" * 50_000),
        ("z" * 50_000,),
        ("plan", "z" * 50_000),
    ],
)
def test_an_error_does_not_repeat_a_huge_value_whole(
    harness: Harness, arguments: tuple[str, ...]
) -> None:
    """What is wrong with it stays readable."""
    answer = harness(*arguments)
    assert answer.code == 2
    assert "error: " in answer.err
    assert len(answer.err) < 3000


def test_a_reused_failure_says_why_it_failed(harness: Harness, hostile_results: str) -> None:
    """And how to try it again; else the exit code alone would report it."""
    for quiet in ((), ("--quiet",)):
        answer = harness("run", hostile_results, *quiet)
        assert answer.code == 1
        [line] = [line for line in answer.err.splitlines() if "failed before" in line]
        assert line.endswith(f": failed before: failed: {SPELLED}; --retry-failed tries again")


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full", "2> >(true)"])
def test_a_run_needs_nobody_to_read_its_progress(
    harness: Harness, shell: Shell, spec: str, redirection: str
) -> None:
    """It measures and stores as ever; the exit code says what became of the cells."""
    answer = shell(f"harness run {spec} {redirection}")
    assert (answer.code, answer.err) == (0, "")
    assert "1 ok" in answer.out
    [result] = harness("show", "--format", "json").json["results"]
    assert result["status"] == "ok"


@pytest.mark.parametrize("redirection", ["2>&-", "2>/dev/full"])
def test_without_standard_error_the_exit_code_tells_of_failures_and_refusals(
    shell: Shell, hostile_results: str, redirection: str
) -> None:
    assert shell(f"harness run {hostile_results} {redirection}").code == 1
    assert shell(f"harness run nothing.yaml {redirection}").code == 2
    assert shell(f"harness shwo {redirection}").code == 2


@pytest.mark.parametrize("command", ["show", "plan small.yaml", "schema", "--help", "list"])
@pytest.mark.parametrize(
    ("redirection", "why"),
    [(">/dev/full", "No space left on device"), (">&-", "Bad file descriptor")],
)
def test_output_that_cannot_be_written_is_an_error(
    shell: Shell, hostile_results: str, command: str, redirection: str, why: str
) -> None:
    """One line, exit code 2."""
    answer = shell(f"harness {command} {redirection}")
    assert answer.err == f"error: cannot write to standard output: {why}\n"
    assert answer.code == 2


@pytest.mark.parametrize("command", ["show --format json", "schema", "--help", "list"])
def test_a_reader_who_leaves_early_is_no_error(
    env: dict[str, str], tmp_path: Path, hostile_results: str, command: str
) -> None:
    """Quiet, with the exit code that a shell gives to what SIGPIPE ends."""
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer) as pipe:
        done = subprocess.run(
            [sys.executable, "-m", "harness", *command.split()],
            cwd=tmp_path,
            env=env,
            stdout=pipe,
            stderr=subprocess.PIPE,
            check=False,
        )
    assert (done.returncode, done.stderr) == (141, b"")


def test_a_closed_stream_is_never_taken_by_a_file(
    shell: Shell, hostile_results: str, tmp_path: Path
) -> None:
    """Else what a child prints would land in the database."""
    answer = shell("harness show --format json <&- 2>&-")
    assert answer.code == 0
    assert len(json.loads(answer.out)["results"]) == 1
