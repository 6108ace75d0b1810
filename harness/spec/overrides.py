"""`--set workload.prompt=512,1024`: keys changed on the command line, by their path."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from harness.errors import Problem, SpecError, clipped
from harness.spec.reader import Trail, read_value


@dataclass(frozen=True)
class Override:
    """A value to put at a path of the spec, in place of what stands there."""

    path: Trail
    value: Any
    text: str  # as given: "workload.prompt=512,1024"

    @property
    def where(self) -> str:
        """What stands for the place in errors: `--set workload.prompt`."""
        return _where(".".join(map(str, self.path)))


def parse_overrides(texts: Iterable[str]) -> list[Override]:
    """Each `path=value`; SpecError tells all that are not.

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
    """The spec's mapping with the overrides put in; SpecError where a path leads nowhere.

    Whether a key exists at all is the schema's to say, as for one in the file.
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
                kind = "a list" if isinstance(holder, list) else "no mapping"
                message = (
                    f"{clipped(found)} is {kind}: nothing can be set inside it; set it as a whole"
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
