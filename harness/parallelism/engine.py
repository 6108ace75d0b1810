"""engine: who starts the processes and has them exchange what they learn; by default torch itself.

What each does stands in its file in harness/launchers/.
"""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field, field_validator

from harness import launchers as engines
from harness.domain.cell import Cell
from harness.domain.entry import Options
from harness.domain.run import Host
from harness.launchers.spark import MASTER
from harness.parallelism import Parallelism, degrees, engine_of, register

_Name: Any = Literal[tuple(engines.registry)]  # with those of outside packages


@register("engine", "who starts the processes, and averages what they learn")
class Engine(Parallelism):
    """A library people run such models with."""

    class Options(Options):
        """Which, and what it is to do."""

        name: _Name = Field("torch", description="who it is")
        strategy: Literal["auto", "fsdp"] = Field(
            "auto", description="of lightning: by how the model is split, or its classic FSDP"
        )
        master: str = Field(
            "",
            examples=["standalone"],
            description="of spark: a master's address, `local[N]`, or `standalone`, for one of its "
            "own; by default local, with a core a process",
        )

        @field_validator("master")
        @classmethod
        def _known(cls, master: str) -> str:
            if not MASTER.fullmatch(master):
                raise ValueError(
                    f"{master!r} is none of standalone, local[N], spark://host:port, yarn, k8s://…"
                )
            return master

    short = "name"
    decoders = False

    @property
    def only_trains(self) -> bool:
        """Whether all it does is to average gradients."""
        return engines.registry[self.options.name].only_trains

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """What is not installed, or not possible there."""
        engine = engine_of(cell)
        ways = degrees(cell)
        if not ways:
            return f"{engine.name} has nothing to do in one process: give a degree, {{data: 2}}"
        return (
            super().unsupported(cell, host)
            or self._misplaced()
            or engine.refuses(cell, ways)
            or engine.unavailable(host)
        )

    def _misplaced(self) -> str | None:
        for option, owner in (("strategy", "lightning"), ("master", "spark")):
            given = getattr(self.options, option) != self.Options.model_fields[option].default
            if given and self.options.name != owner:
                return f"{option} is an option of {owner}, not of {self.options.name}"
        return None
