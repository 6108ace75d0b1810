"""A cell: one point of the matrix, and the digest that names it everywhere."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any, TypeAlias

Scalar: TypeAlias = str | int | float | bool
Option: TypeAlias = Scalar | tuple[Scalar, ...]

AXES = (
    "model",
    "hardware",
    "scenario",
    "parallelism",
    "compression",
    "operator",
    "precision",
    "backend",
)
WORKLOAD = ("batch", "prompt", "generate")


@dataclass(frozen=True)
class Choice:
    """One value on an axis: a registered name and its options.

    Only options that differ from their defaults are kept, so that an entry which later gains
    an option leaves the ids of its old cells alone. The label is for people (a model's size
    name, say) and no part of the identity.
    """

    name: str
    options: tuple[tuple[str, Option], ...] = ()
    label: str = field(default="", compare=False)

    def __str__(self) -> str:
        if self.label:
            return self.label
        if not self.options:
            return self.name
        inner = ", ".join(f"{key}={_text(value)}" for key, value in self.options)
        return f"{self.name}({inner})"

    def content(self) -> dict[str, Any]:
        """What identifies the choice, as plain data."""
        return {"name": self.name, **dict(self.options)}


@dataclass(frozen=True)
class Cell:
    """One point of the matrix, frozen.

    Compression and parallelism are compositions, applied in order; `()` is "none". The
    workload holds only the keys that the cell's scenario uses, so that a prefill cell does not
    multiply over `generate`.
    """

    model: Choice
    hardware: Choice
    scenario: Choice
    parallelism: tuple[Choice, ...]
    compression: tuple[Choice, ...]
    operator: Choice
    precision: Choice
    backend: Choice
    workload: tuple[tuple[str, int], ...]

    @cached_property
    def id(self) -> str:
        """16 hexadecimal digits of the SHA-256 of the canonical content."""
        canonical = json.dumps(self.content(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    @cached_property
    def labels(self) -> dict[str, str]:
        """Each axis's value as people read it, e.g. {"compression": "int8-dynamic", ...}."""
        return {axis: label(getattr(self, axis)) for axis in AXES}

    @cached_property
    def load(self) -> dict[str, int]:
        """The workload as a mapping, e.g. {"batch": 1, "prompt": 512}."""
        return dict(self.workload)

    @property
    def is_weighted(self) -> bool:
        """True if the model's weights come from a file or from training, not from chance."""
        return bool(dict(self.model.options).get("weights"))

    @property
    def is_prepared(self) -> bool:
        """True if the model is made once and each round loads its file.

        So is every compressed one, and every one with weights; a random dense one is built anew.
        """
        return bool(self.compression) or self.is_weighted

    def content(self) -> dict[str, Any]:
        """What identifies the cell, as plain data."""
        axes = {axis: _content(getattr(self, axis)) for axis in AXES}
        return {**axes, "workload": self.load}

    def to_json(self) -> dict[str, Any]:
        """Content plus labels: all that is needed to make the cell again."""
        axes = {axis: _dump(getattr(self, axis)) for axis in AXES}
        return {**axes, "workload": self.load}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Cell:
        """The inverse of to_json."""
        axes = {axis: _parse(data[axis]) for axis in AXES}
        return cls(**axes, workload=tuple(sorted(data["workload"].items())))

    def __str__(self) -> str:
        parts = [self.labels[axis] for axis in AXES]
        return " ".join(parts + [f"{key}={value}" for key, value in self.workload])


assert tuple(f.name for f in fields(Cell)) == (*AXES, "workload")


def label(value: Choice | tuple[Choice, ...]) -> str:
    """An axis's value as people read it; a composition is joined by ' + '."""
    if isinstance(value, Choice):
        return str(value)
    return " + ".join(map(str, value)) or "none"


def _text(value: Option) -> str:
    return "/".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _content(value: Choice | tuple[Choice, ...]) -> Any:
    return value.content() if isinstance(value, Choice) else [one.content() for one in value]


def _dump(value: Choice | tuple[Choice, ...]) -> Any:
    if isinstance(value, tuple):
        return [_dump(one) for one in value]
    return {"name": value.name, "options": dict(value.options), "label": value.label}


def _parse(data: Any) -> Any:
    if isinstance(data, list):
        return tuple(_parse(one) for one in data)
    options = {
        key: tuple(value) if isinstance(value, list) else value
        for key, value in data["options"].items()
    }
    return Choice(data["name"], tuple(sorted(options.items())), data["label"])
