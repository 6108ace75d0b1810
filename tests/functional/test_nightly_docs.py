"""The cron line and the systemd units of docs/nightly.md work as they are printed."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from configparser import ConfigParser
from pathlib import Path

import click
import pytest

from harness.cli import cli
from tests.functional.stage import Stage

ROOT = Path(__file__).parents[2]
DOC = (ROOT / "docs" / "nightly.md").read_text()
# The least and the most that each field of a cron line takes.
FIELDS = ((0, 59), (0, 23), (1, 31), (1, 12), (0, 7))


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", DOC, re.MULTILINE | re.DOTALL)


def units() -> dict[str, str]:
    """The systemd units, by file name."""
    return dict(
        re.findall(
            r"^`/etc/systemd/system/(\S+)`:\n\n```ini\n(.*?)^```$", DOC, re.MULTILINE | re.DOTALL
        )
    )


def parsed(unit: str) -> ConfigParser:
    parser = ConfigParser(interpolation=None)
    parser.optionxform = str  # type: ignore[assignment,method-assign]
    parser.read_string(units()[unit])
    return parser


def test_the_readme_leads_here() -> None:
    assert "(docs/nightly.md)" in (ROOT / "README.md").read_text()


def test_every_file_that_is_named_exists() -> None:
    for name in re.findall(r"`(\w+\.yml)`", DOC):
        assert (ROOT / ".github" / "workflows" / name).exists(), name
    for name in set(re.findall(r"specs/\w+\.yaml", DOC)):
        assert (ROOT / name).exists(), name


def test_the_cron_line_names_a_time_of_every_day() -> None:
    (line,) = blocks("crontab")
    *times, command = line.split(maxsplit=5)
    assert len(times) == len(FIELDS)
    for text, (least, most) in zip(times, FIELDS, strict=True):
        assert text == "*" or least <= int(text) <= most
    assert times[2:] == ["*", "*", "*"]
    assert "%" not in command, "cron reads % as the end of the line"


@pytest.mark.parametrize("code", [0, 3])
def test_the_cron_line_builds_the_site_whatever_the_night_found(stage: Stage, code: int) -> None:
    (line,) = blocks("crontab")
    checkout = stage.checkout()
    (checkout / ".venv" / "bin").mkdir(parents=True)
    shutil.copy(stage.folder / "bin" / "harness", checkout / ".venv" / "bin" / "harness")
    stage.answer(nightly={"code": code, "report": "# A report\n"}, site={"code": 0})
    command = line.split(maxsplit=5)[5].replace("/srv/transformer", str(checkout))
    command = command.replace("harness site", "harness site --db results/x --out site")
    subprocess.run(["sh", "-c", command], env=stage.env, check=True, cwd=stage.folder)
    assert len(stage.calls("nightly")) == len(stage.calls("site")) == 1
    assert (checkout / "results" / "night.md").read_text() == "# A report\n"


def test_the_units_start_the_night_and_make_up_for_a_missed_one() -> None:
    service, timer = parsed("harness-nightly.service"), parsed("harness-nightly.timer")
    assert service["Service"]["Type"] == "oneshot"
    assert " nightly specs/nightly.yaml --within 30m" in service["Service"]["ExecStart"]
    assert timer["Timer"]["Persistent"] == "true"
    assert re.fullmatch(r"\*-\*-\* \d\d:\d\d:\d\d", timer["Timer"]["OnCalendar"])
    assert timer["Install"]["WantedBy"] == "timers.target"


def test_systemd_accepts_the_units(tmp_path: Path) -> None:
    """Where there is systemd. Its commands must exist, so they stand in a folder of the test's."""
    analyze = shutil.which("systemd-analyze")
    if analyze is None:
        pytest.skip("systemd is not installed")
    command = tmp_path / "srv" / ".venv" / "bin" / "harness"
    command.parent.mkdir(parents=True)
    command.write_text("#!/bin/sh\n")
    command.chmod(0o755)
    for name, text in units().items():
        here = text.replace("/srv/transformer", str(tmp_path / "srv"))
        (tmp_path / name).write_text(here.replace("/usr/bin/git", shutil.which("git") or "git"))
    done = subprocess.run(
        [analyze, "verify", *(str(tmp_path / name) for name in units())],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "harness-nightly" not in done.stderr  # it ignores an unknown key with a warning


CALLED = ("nightly", "gate", "merge", "prune", "site", "show", "doctor")
LINES = re.findall(
    r"(?:^|[/` ])harness ((?:nightly|gate|merge|prune|site|show) [^`;\n]*--[^`;\n]*)",
    DOC,
    re.MULTILINE,
)


@pytest.mark.skipif(
    not set(CALLED) <= set(cli.commands), reason="this version of harness has no nights"
)
@pytest.mark.parametrize("command", ["nightly", "gate", "merge", "prune", "site"])
def test_the_workflows_call_commands_as_they_are(stage: Stage, command: str) -> None:
    """A stub takes any option; click's parser only what the command has."""
    stage.measure()
    stage.measure()
    stage.play("nightly.yml", "site")
    stage.play("gate.yml", "gate")
    assert stage.calls(command)
    for arguments in stage.calls(command):
        accept([command, *arguments])


@pytest.mark.skipif(
    not set(CALLED) <= set(cli.commands), reason="this version of harness has no nights"
)
@pytest.mark.parametrize("line", LINES)
def test_the_docs_call_commands_as_they_are(line: str) -> None:
    accept(shlex.split(line.partition(">")[0]))


def test_the_docs_have_command_lines() -> None:
    assert {"nightly", "prune", "show"} <= {line.split()[0] for line in LINES}


def accept(words: list[str]) -> None:
    """Parse a command line without running it. Raises click.UsageError."""
    command = cli.commands[words[0]]
    context = click.Context(command, info_name=words[0])
    command.make_parser(context).parse_args(words[1:])
