"""Where a spec's values stand, and what pydantic finds wrong with them, in our words."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ValidationError

from harness.errors import Problem, SpecError, clipped, unknown
from harness.spec.reader import Place, Trail

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


@dataclass
class Source:
    """A spec file under reading: it knows where each value came from and collects faults."""

    file: str
    values: Mapping[Trail, Place]
    keys: Mapping[Trail, Place]
    overridden: Mapping[Trail, str] = field(default_factory=dict)  # path -> "--set workload.prompt"
    problems: set[Problem] = field(default_factory=set)

    def where(self, path: Trail, *, key: bool = False) -> str:
        """`file:line:column` of the value, or its key; of what holds it, if it has no place."""
        for length in range(len(path), -1, -1):
            held = path[:length]
            if held in self.overridden:
                return self.overridden[held]
            places = self.keys if key and length == len(path) else self.values
            if held in places:
                line, column = places[held]
                return f"{self.file}:{line}:{column}"
        return self.file

    def fault(self, path: Trail, message: str, *, key: bool = False) -> None:
        """Note a fault, once."""
        self.problems.add(Problem(self.where(path, key=key), message))

    def refuse(self) -> None:
        """Raise SpecError with all faults, in the order of the file, if there are any."""
        if self.problems:
            raise SpecError(sorted(self.problems, key=_position))

    def faults(
        self,
        error: ValidationError,
        model: type[BaseModel],
        base: Trail,
        paths: Mapping[str, Trail] | None = None,
        keys: Iterable[str] = (),
    ) -> None:
        """Note every fault pydantic found in a mapping that stands at `base`.

        `paths` says where single keys' values stand, if not below `base`; `keys` are possible
        beside the model's own.
        """
        for detail in error.errors(include_url=False):
            loc = detail["loc"]
            placed = paths or {}
            path = placed.get(str(loc[0]), (*base, loc[0])) + loc[1:] if loc else base
            owner = _block(model, loc[:-1])
            if detail["type"] == "extra_forbidden":
                known = [*owner.model_fields, *keys] if owner else [*keys]
                ends = [end for end, step in enumerate(path, start=1) if step == loc[-1]]
                self.fault(path[: ends[-1]], unknown("key", str(loc[-1]), known), key=True)
            elif detail["type"] == "missing":
                self.fault(
                    path[:-1],
                    f"the key {clipped(repr(loc[-1]))} is missing{_meaning(owner, loc[-1])}",
                )
            else:
                self.fault(_guilty(path, detail, owner, placed), sentence(detail))


def _guilty(
    path: Trail, detail: ErrorDetails, model: type[BaseModel] | None, placed: Mapping[str, Trail]
) -> Trail:
    """A validator over several keys names the one at fault first in its message."""
    block = _block(model, detail["loc"][-1:]) if model else None
    word = sentence(detail).split(" ", 1)[0]
    if block is None or word not in block.model_fields:
        return path
    return placed.get(word, (*path, word))


def _block(model: type[BaseModel], loc: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The model of the mapping at that location."""
    for step in loc:
        found = model.model_fields[step].annotation if step in model.model_fields else None
        if not isinstance(found, type) or not issubclass(found, BaseModel):
            return None
        model = found
    return model


def _meaning(block: type[BaseModel] | None, key: int | str) -> str:
    described = block.model_fields[str(key)].description if block else None
    return f" ({described})" if described else ""


def sentence(detail: ErrorDetails, key: str = "") -> str:
    """What is wrong with a key's value; the key is the last that the location names, if any."""
    cause = detail.get("ctx", {}).get("error")
    if isinstance(cause, ValueError):
        return str(cause)
    keys = [step for step in detail["loc"] if isinstance(step, str)]
    subject = clipped(keys[-1] if keys else key or "it")
    should = _SHOULD.get(detail["type"], detail["msg"].removeprefix("Input "))
    return f"{subject} {should[:1].lower()}{should[1:]}, found {shown(detail['input'])}"


_SHOULD = {  # where pydantic speaks of Python
    "model_type": "should be a mapping of keys to values",
    "dict_type": "should be a mapping of keys to values",
    "list_type": "should be a list",
    "string_type": "should be a text",
    "bool_type": "should be true or false",
    "int_type": "should be a whole number",
    "int_from_float": "should be a whole number",
}


def _position(problem: Problem) -> tuple[str, int, int, str]:
    """By file, line and column as numbers."""
    file, line, column = ([*problem.where.rsplit(":", 2), "", ""])[:3]
    if line.isdigit() and column.isdigit():
        return (file, int(line), int(column), problem.message)
    return (problem.where, 0, 0, problem.message)


def shown(found: Any) -> str:
    """A value as it stands in YAML, short enough for a message."""
    if found is None:
        return "nothing"
    if isinstance(found, bool):
        return str(found).lower()
    if isinstance(found, dict):
        return "a mapping"
    if isinstance(found, list | tuple):
        return "a list"
    return clipped(repr(found) if isinstance(found, str) else str(found))
