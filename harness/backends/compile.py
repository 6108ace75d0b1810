"""compile: torch.compile, which fuses operations and generates code for them (TorchInductor).

The first round of a cell compiles from nothing. Later rounds find the code in a cache, like a
server after a restart. Both compile times are metrics. Neither is part of a timed iteration,
because an iteration that compiles is a warm-up.
"""

from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING, Literal

from pydantic import Field

from harness.backends import Backend, register
from harness.domain.cell import Cell
from harness.domain.entry import Options
from harness.domain.run import Host

if TYPE_CHECKING:
    from harness.session import Opening, Session


_COMPILERS = ("g++", "c++", "clang++")


@register("compile", "torch.compile: operations fused into generated code")
class Compile(Backend):
    """Compiles the whole model."""

    class Options(Options):
        """Options of torch.compile."""

        mode: Literal[
            "default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs"
        ] = Field("default", description="how hard the compiler searches for fast code")
        dynamic: Literal["auto", "always", "never"] = Field(
            "auto",
            description="generate code for any length (`always`), for each length (`never`), or "
            "for one length until it changes (`auto`)",
        )
        freezing: bool = Field(
            False,
            description="treat weights as constants, to fold and pack them; not in training",
        )

    open_seconds = 5.0  # with a filled cache; ten times as long in a cell's first round

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """Also needs a C++ compiler, and cannot train frozen weights."""
        if reason := super().unsupported(cell, host):
            return reason
        if self.options.freezing and cell.scenario.name == "train":
            return "freezing makes the weights constant, but train changes them"
        chosen = os.environ.get("CXX")
        if shutil.which(chosen) if chosen else any(map(shutil.which, _COMPILERS)):
            return None
        return f"it needs a C++ compiler: {', '.join(_COMPILERS)}, or the value of CXX"

    def open(self, opening: Opening) -> Session:
        """Opens a session that compiles the model when it first runs."""
        from harness.session.compiled import CompiledSession

        return CompiledSession(opening, self.options)
