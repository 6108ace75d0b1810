"""`--set workload.prompt=512,1024`: changes keys of a spec from the command line."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from harness.errors import Problem, SpecError, clipped
from harness.spec.reader import KeyPath, read_value


@dataclass(frozen=True)
class Override:
    """A value that replaces the value at a path of the spec."""

    path: KeyPath
    value: Any
    text: str  # as typed: "workload.prompt=512,1024"

    @property
    def where(self) -> str:
        """The place that errors name: `--set workload.prompt`."""
        return _where(".".join(map(str, self.path)))


def parse_overrides(texts: Iterable[str]) -> list[Override]:
    """Parses each `path=value`; SpecError lists all that are wrong.

    The value is YAML; commas outside brackets make a list.
    """
    overrides, problems = [], []
    for text in texts:
        key, equals, value = text.partition("=")
        path = tuple(key.strip().split("."))
        try:
            if not equals or not all(path):
                raise ValueError("write it as path=value, e.g. workload.prompt=512,1024")  # noqa: TRY301
            overrides.append(Override(path, _value(value), text))
        except ValueError as error:
            problems.append(Problem(_where(key.strip()), str(error)))
    if problems:
        raise SpecError(problems)
    return overrides


def apply(value: dict[str, Any], overrides: Sequence[Override]) -> dict[str, Any]:
    """The spec's mapping with the overrides applied.

    Raises SpecError if a path leads into a value that is not a mapping. Unknown keys are found
    later, as those in the file are.
    """
    changed = deepcopy(value)
    problems = []
    for override in overrides:
        holder: Any = changed
        for depth, step in enumerate(override.path[:-1], start=1):
            if holder.get(step) is None:
                holder[step] = {}
            holder = holder[step]
            if not isinstance(holder, dict):
                found = ".".join(map(str, override.path[:depth]))
                kind = "a list" if isinstance(holder, list) else "not a mapping"
                message = (
                    f"{clipped(found)} is {kind}: no key can be set inside it; set it as a whole"
                )
                problems.append(Problem(override.where, message))
                break
        else:
            holder[override.path[-1]] = override.value
    if problems:
        raise SpecError(problems)
    return changed


def _where(path: str) -> str:
    return f"--set {clipped(path)}"


def _value(text: str) -> Any:
    items = read_value(f"[{text}]")
    if not isinstance(items, list) or not items:
        raise ValueError("there is no value after the =")
    return items[0] if len(items) == 1 else items
