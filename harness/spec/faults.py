"""A spec's faults: their places in the file, and pydantic's errors as plain sentences."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, get_args

from pydantic import BaseModel, ValidationError

from harness.errors import Problem, SpecError, clipped, unknown
from harness.spec.reader import KeyPath, Place

if TYPE_CHECKING:
    from pydantic_core import ErrorDetails


@dataclass
class Source:
    """The places of a spec file's keys and values, and the faults found so far."""

    file: str
    values: Mapping[KeyPath, Place]
    keys: Mapping[KeyPath, Place]
    overridden: Mapping[KeyPath, str] = field(default_factory=dict)  # path -> "--set ..."
    problems: set[Problem] = field(default_factory=set)

    def where(self, path: KeyPath, *, key: bool = False) -> str:
        """`file:line:column` of the value or its key; if it has no place, of the nearest parent."""
        for length in range(len(path), -1, -1):
            parent = path[:length]
            if parent in self.overridden:
                return self.overridden[parent]
            places = self.keys if key and length == len(path) else self.values
            if parent in places:
                line, column = places[parent]
                return f"{self.file}:{line}:{column}"
        return self.file

    def add_fault(self, path: KeyPath, message: str, *, key: bool = False) -> None:
        """Add a fault; the same fault counts once."""
        self.problems.add(Problem(self.where(path, key=key), message))

    def raise_faults(self) -> None:
        """Raise SpecError with all faults, in the file's order, if there are any."""
        if self.problems:
            raise SpecError(sorted(self.problems, key=_position))

    def add_validation_faults(
        self,
        error: ValidationError,
        model: type[BaseModel],
        base: KeyPath,
        paths: Mapping[str, KeyPath] | None = None,
        keys: Iterable[str] = (),
    ) -> None:
        """Add every fault that pydantic found in the mapping at `base`.

        `paths` are the paths of single keys whose values are not below `base`. `keys` are possible
        in addition to the model's fields.
        """
        for detail in error.errors(include_url=False):
            loc = detail["loc"]
            placed = paths or {}
            path = placed.get(str(loc[0]), (*base, loc[0])) + loc[1:] if loc else base
            owner = _block(model, loc[:-1])
            if detail["type"] == "extra_forbidden":
                known = [*owner.model_fields, *keys] if owner else [*keys]
                ends = [end for end, step in enumerate(path, start=1) if step == loc[-1]]
                self.add_fault(path[: ends[-1]], unknown("key", str(loc[-1]), known), key=True)
            elif detail["type"] == "missing":
                self.add_fault(
                    path[:-1],
                    f"the key {clipped(repr(loc[-1]))} is missing{_meaning(owner, loc[-1])}",
                )
            else:
                self.add_fault(_faulty_path(path, detail, owner, placed), sentence(detail))


def _faulty_path(
    path: KeyPath,
    detail: ErrorDetails,
    model: type[BaseModel] | None,
    placed: Mapping[str, KeyPath],
) -> KeyPath:
    """The path of the wrong key: a validator of several keys begins its message with its name."""
    block = _block(model, detail["loc"][-1:]) if model else None
    word = sentence(detail).split(" ", 1)[0]
    if block is None or word not in block.model_fields:
        return path
    return placed.get(word, (*path, word))


def _block(model: type[BaseModel], loc: tuple[int | str, ...]) -> type[BaseModel] | None:
    """The model of the mapping at this location; None if it is no model."""
    for step in loc:
        annotation = model.model_fields[step].annotation if step in model.model_fields else None
        # A block that may be left out is a union of the model and None.
        inner = [
            one
            for one in get_args(annotation) or (annotation,)
            if isinstance(one, type) and issubclass(one, BaseModel)
        ]
        if len(inner) != 1:
            return None
        (model,) = inner
    return model


def _meaning(block: type[BaseModel] | None, key: int | str) -> str:
    described = block.model_fields[str(key)].description if block else None
    return f" ({described})" if described else ""


def sentence(detail: ErrorDetails, key: str = "") -> str:
    """The fault as a sentence about the location's last key, or about `key` if it has none."""
    cause = detail.get("ctx", {}).get("error")
    if isinstance(cause, ValueError):
        return str(cause)
    keys = [step for step in detail["loc"] if isinstance(step, str)]
    subject = clipped(keys[-1] if keys else key or "it")
    should = _SHOULD.get(detail["type"], detail["msg"].removeprefix("Input "))
    return f"{subject} {should[:1].lower()}{should[1:]}, found {shown(detail['input'])}"


_SHOULD = {  # in place of pydantic's messages, which name Python types
    "model_type": "should be a mapping of keys to values",
    "dict_type": "should be a mapping of keys to values",
    "list_type": "should be a list",
    "string_type": "should be a text",
    "string_too_short": "should not be empty",
    "bool_type": "should be true or false",
    "int_type": "should be a whole number",
    "int_from_float": "should be a whole number",
}


def _position(problem: Problem) -> tuple[str, int, int, str]:
    """Sorts by file, then by line and column as numbers."""
    file, line, column = ([*problem.where.rsplit(":", 2), "", ""])[:3]
    if line.isdigit() and column.isdigit():
        return (file, int(line), int(column), problem.message)
    return (problem.where, 0, 0, problem.message)


def shown(found: Any) -> str:
    """The value as YAML writes it, short enough for a message."""
    if found is None:
        return "nothing"
    if isinstance(found, bool):
        return str(found).lower()
    if isinstance(found, dict):
        return "a mapping"
    if isinstance(found, list | tuple):
        return "a list"
    return clipped(repr(found) if isinstance(found, str) else str(found))
