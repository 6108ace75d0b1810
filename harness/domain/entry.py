"""What every entry of every axis is: a name, a summary, options, and what it cannot do."""

from __future__ import annotations

from abc import ABC
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict

from harness.domain.cell import Cell, Choice, Option
from harness.domain.run import Host


class Options(BaseModel):
    """An entry's options: declared at the top of its file, checked when the spec is read.

    Give each field a description and, where it makes sense, a default and bounds: the spec's
    errors, the JSON Schema and the docs are made from them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    def canonical(self) -> tuple[tuple[str, Option], ...]:
        """The options that differ from their defaults, sorted: a Choice's identity."""
        return tuple(sorted(self.model_dump(exclude_defaults=True).items()))


class Entry(ABC):
    """One value an axis can take. Built cheaply: no I/O, no torch until it is put to work."""

    name: ClassVar[str]  # set by Registry.register
    summary: ClassVar[str]  # set by Registry.register; one line for `harness list`
    Options: ClassVar[type[Options]] = Options

    def __init__(self, options: Any = None) -> None:
        self.options: Any = options if options is not None else self.Options()

    @classmethod
    def of(cls, choice: Choice) -> Self:
        """The entry with a cell's choice of options."""
        return cls(cls.Options(**dict(choice.options)))

    @classmethod
    def unavailable(cls, host: Host) -> str | None:
        """Why this host cannot use the entry at all; None where it can."""
        return None

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """Why the entry cannot do what this cell asks, e.g. in its precision; None where it can.

        Told before anything runs; the cell's status is then `unsupported`.
        """
        return self.unavailable(host)
