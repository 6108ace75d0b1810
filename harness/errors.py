"""The harness's errors, as one tree.

HarnessError                    one clear message for the user
|-- UsageError                  the user asked for something impossible; exit code 2
|   |-- SpecError               a spec is wrong, with file:line:column
|   `-- UnknownName             nothing has this name; names the nearest one
|-- PluginError                 an outside package's entry failed to load; names it
|-- StoreError                  the results database cannot be used
|-- Unsupported                 this host or this combination cannot do what a cell asks
|-- WorkerLost                  the process that starts rounds is gone or does not answer
|-- UnreadableReport            a round's process sent something that is not a report
|-- ProcessLost                 a process that reports line by line ended early or timed out
|-- BuildError                a commit of the subject could not be installed
|-- CeilingError                this host's ceilings could not be measured
`-- TrainingError               the reference model could not be trained
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import get_close_matches

_WIDTH = 60  # characters of a value that a message quotes
_LISTED = 60  # possible names that a message lists
_MOST_COMPARED = 10_000  # with more names than this, a message suggests none
_MOST_FAULTS = 50  # spec faults that one message lists


class HarnessError(Exception):
    """Base of all errors whose message alone is enough for the user."""


class UsageError(HarnessError):
    """The user asked for something impossible. The CLI exits with 2."""


@dataclass(frozen=True)
class Problem:
    """One fault in a spec: where it is, what was found, and what is possible."""

    where: str  # "specs/quick.yaml:7:12"; "--set workload.prompt" for an override
    message: str

    def __str__(self) -> str:
        return f"{self.where}: {self.message}"


class SpecError(UsageError):
    """One or more faults in the specs, in one message; very many are cut to the first ones."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        lines = [str(problem) for problem in self.problems[:_MOST_FAULTS]]
        if len(self.problems) > _MOST_FAULTS:
            lines.append(f"and {len(self.problems) - _MOST_FAULTS:,} more faults")
        super().__init__("\n".join(lines))


class UnknownName(UsageError):
    """Nothing has this name; the message suggests the nearest name that exists."""

    def __init__(self, kind: str, name: str, possible: Iterable[str]) -> None:
        self.kind, self.name, self.possible = kind, name, tuple(sorted(map(str, possible)))
        super().__init__(unknown(kind, name, self.possible))


class PluginError(HarnessError):
    """An outside package's entry could not be loaded."""


class StoreError(HarnessError):
    """The results database cannot be used."""


class Unsupported(HarnessError):
    """The host, or the combination of choices, cannot do what the cell asks."""


class WorkerLost(HarnessError):
    """The process that starts rounds ended unasked or does not answer."""


class UnreadableReport(HarnessError):
    """A round's process sent something that is not a report: cut short, garbage, or not finite."""


class ProcessLost(HarnessError):
    """A process that reports line by line ended early or took too long."""


class TrainingError(HarnessError):
    """The reference model could not be trained."""


class BuildError(HarnessError):
    """A commit of the subject could not be installed. `detail` is what the command printed."""

    def __init__(self, message: str, detail: str = "") -> None:
        self.detail = detail
        super().__init__(message)


class CeilingError(HarnessError):
    """The process that measures the host's ceilings ended before it was done."""


def unknown(kind: str, name: str, possible: Iterable[str]) -> str:
    """The message for a wrong name: what was found, the nearest name, what is possible."""
    names = sorted(map(str, possible))
    near = get_close_matches(name[:_WIDTH], names, n=1) if len(names) <= _MOST_COMPARED else []
    hint = f"; did you mean {clipped(repr(near[0]))}?" if near else ""
    possible_names = f"possible: {listed(names)}" if names else "there is none"
    return f"unknown {kind} {clipped(repr(name))}{hint} ({possible_names})"


def clipped(text: str, width: int = _WIDTH) -> str:
    """A value for a message to quote, cut to `width` characters."""
    return text if len(text) <= width else f"{text[: width - 3]}..."


def listed(names: Sequence[str], most: int = _LISTED) -> str:
    """The names joined by commas; beyond `most`, the first ones and how many more there are."""
    shown = ", ".join(clipped(name) for name in names[:most])
    return f"{shown} and {len(names) - most:,} more" if len(names) > most else shown
