"""A cell: one point of the matrix, identified everywhere by a digest."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any, Generic, TypeAlias, TypeVar, cast

from harness.domain.axis import AXES, NONE, Axis

Scalar: TypeAlias = str | int | float | bool
Option: TypeAlias = Scalar | tuple[Scalar, ...]

WORKLOAD = ("batch", "prompt", "generate")
FACTORY = "factory"  # the name of a model that a user's function builds, and its option
OWN = "own"  # the label of such a model's operator


@dataclass(frozen=True)
class Choice:
    """One value on an axis: a registered name and its options.

    Only options that differ from their defaults are kept, so the ids of old cells survive when
    an entry gains an option. The label, such as the name of a model's size, is for people and
    not part of the identity.
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
        """The choice's identity as plain data."""
        return {"name": self.name, **dict(self.options)}


On: TypeAlias = Choice | tuple[Choice, ...]  # a value on an axis: an entry or a composition
V = TypeVar("V", bound=On)


class _On(Generic[V]):
    """An attribute that reads the cell's value on the axis of the same name."""

    def __set_name__(self, owner: type[Cell], name: str) -> None:
        self._axis = name

    def __get__(self, cell: Cell, owner: type[Cell]) -> V:
        value = cast("V", cell[self._axis])
        cell.__dict__[self._axis] = value  # cached: Python looks here first next time
        return value


@dataclass(frozen=True, init=False)
class Cell:
    """One point of the matrix, frozen.

    `cell[axis]` is the cell's value on any axis; original axes are attributes too. Compression
    and parallelism are compositions, applied in order; `()` is "none". The workload holds only
    the keys that the cell's scenario uses, so that a prefill cell does not multiply over
    `generate`.
    """

    values: tuple[tuple[str, On], ...]  # every original axis; added axes if not the default
    workload: tuple[tuple[str, int], ...]

    model = _On[Choice]()
    hardware = _On[Choice]()
    scenario = _On[Choice]()
    parallelism = _On[tuple[Choice, ...]]()
    compression = _On[tuple[Choice, ...]]()
    operator = _On[Choice]()
    precision = _On[Choice]()
    backend = _On[Choice]()

    def __init__(self, *, workload: tuple[tuple[str, int], ...], **axes: On) -> None:
        """Store the values; an added axis without one gets its default.

        Raises KeyError if an original axis has no value. An axis that is not in the table is
        kept: the package that added it may have been uninstalled since the cell was stored.
        """
        object.__setattr__(self, "values", tuple(_stored_values(axes)))
        object.__setattr__(self, "workload", workload)

    def __getitem__(self, axis: str) -> On:
        found = self._values.get(axis)
        return default_of(AXES[axis]) if found is None else found

    @cached_property
    def _values(self) -> dict[str, On]:
        return dict(self.values)

    def replace(self, workload: tuple[tuple[str, int], ...] | None = None, **axes: On) -> Cell:
        """A copy of the cell with these values replaced."""
        amounts = self.workload if workload is None else workload
        return Cell(**{**self._values, **axes}, workload=amounts)

    @cached_property
    def id(self) -> str:
        """16 hexadecimal digits of the SHA-256 of the canonical content."""
        canonical = json.dumps(self.content(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(canonical.encode()).hexdigest()[:16]

    @cached_property
    def labels(self) -> dict[str, str]:
        """Each axis's value for display, e.g. {"compression": "int8-dynamic", ...}."""
        return {axis: self._label(axis) for axis in {**AXES, **self._values}}

    def _label(self, axis: str) -> str:
        """A factory's model mixes tokens in its own way, which the default operator stands for."""
        value = self[axis]
        is_own = axis == "operator" and self.factory and value == default_of(AXES[axis])
        return OWN if is_own else label(value)

    @cached_property
    def load(self) -> dict[str, int]:
        """The workload as a mapping, e.g. {"batch": 1, "prompt": 512}."""
        return dict(self.workload)

    @property
    def factory(self) -> str:
        """The `package.module:function` that builds the model; "" for a built-in architecture."""
        return str(dict(self.model.options)[FACTORY]) if self.model.name == FACTORY else ""

    @property
    def is_weighted(self) -> bool:
        """True if the weights may know a text: they come from a file or training, or it is named.

        Random weights know none.
        """
        options = dict(self.model.options)
        return bool(options.get("weights") or options.get("corpus"))

    @property
    def is_prepared(self) -> bool:
        """True if the model is prepared once and each round loads it from a file.

        This holds for compressed models and models with weights. A random dense model is built
        anew in each round.
        """
        return bool(self.compression) or self.is_weighted

    def content(self) -> dict[str, Any]:
        """The cell's identity as plain data; Axis says what it contains."""
        axes = {axis: _content(value) for axis, value in self.values}
        return {**axes, "workload": self.load}

    def to_json(self) -> dict[str, Any]:
        """The content plus labels: everything needed to rebuild the cell."""
        axes = {axis: _dump(value) for axis, value in self.values}
        return {**axes, "workload": self.load}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Cell:
        """Read what to_json returns."""
        axes = {axis: _parse(found) for axis, found in data.items() if axis != "workload"}
        return cls(**axes, workload=tuple(sorted(data["workload"].items())))

    def __str__(self) -> str:
        parts = [self._label(axis) for axis, _ in self.values]
        return " ".join(parts + [f"{key}={value}" for key, value in self.workload])


def default_of(axis: Axis) -> On:
    """The value of an axis that a spec leaves out; ValueError if the axis has no default."""
    if axis.default is None:
        raise ValueError(f"the axis {axis.name!r} has no default")
    return () if axis.composed else Choice(axis.default)


def label(value: On) -> str:
    """An axis's value for display; a composition's parts are joined by ' + '."""
    if isinstance(value, Choice):
        return str(value)
    return " + ".join(map(str, value)) or NONE


def _text(value: Option) -> str:
    return "/".join(map(str, value)) if isinstance(value, tuple) else str(value)


def _stored_values(axes: Mapping[str, On]) -> Iterator[tuple[str, On]]:
    """The values that a cell stores, in a fixed order."""
    for name, axis in AXES.items():
        if axis.original or axes.get(name) not in (None, default_of(axis)):
            yield name, axes[name]
    if axes.keys() != AXES.keys():
        yield from ((name, axes[name]) for name in sorted(axes.keys() - AXES.keys()))


def _content(value: On) -> Any:
    return value.content() if isinstance(value, Choice) else [one.content() for one in value]


def _dump(value: On) -> Any:
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
