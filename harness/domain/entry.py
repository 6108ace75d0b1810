"""The base of every axis's entries: a name, a summary, options, and what it cannot do."""

from __future__ import annotations

from abc import ABC
from typing import Any, ClassVar, Self

from pydantic import BaseModel, ConfigDict

from harness.domain.cell import Cell, Choice, Option
from harness.domain.run import Host


class Options(BaseModel):
    """An entry's options: declared at the top of its file, checked when the spec is read.

    Give each field a description and, where it makes sense, a default and bounds: spec errors,
    the JSON Schema and the docs use them.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    def canonical(self) -> tuple[tuple[str, Option], ...]:
        """The options that differ from their defaults, sorted, as a Choice keeps them."""
        return tuple(sorted(self.model_dump(exclude_defaults=True).items()))


class Entry(ABC):
    """One value an axis can take. Construction is cheap: no I/O and no torch until it is used."""

    name: ClassVar[str]  # set by Registry.register
    summary: ClassVar[str]  # set by Registry.register; one line for `harness list`
    Options: ClassVar[type[Options]] = Options

    def __init__(self, options: Any = None) -> None:
        self.options: Any = options if options is not None else self.Options()

    @classmethod
    def of(cls, choice: Choice) -> Self:
        """The entry with the options that a cell chose."""
        return cls(cls.Options(**dict(choice.options)))

    @classmethod
    def unavailable(cls, host: Host) -> str | None:
        """Why this host cannot use the entry at all; None if it can."""
        return None

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """Why the entry cannot run this cell, e.g. in its precision; None if it can.

        Asked before anything runs; a reason gives the cell the status `unsupported`.
        """
        return self.unavailable(host)
