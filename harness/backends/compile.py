"""compile: torch.compile, which fuses operations and generates code for them (TorchInductor).

The first round of a cell compiles from nothing, and later ones find the generated code in a cache,
as a server does that is started again. Both times are metrics; neither is part of a timed
iteration, because an iteration that compiles is a warm-up.
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
    """torch's compiler over the whole model."""

    class Options(Options):
        """As torch.compile takes them."""

        mode: Literal[
            "default", "reduce-overhead", "max-autotune", "max-autotune-no-cudagraphs"
        ] = Field("default", description="how hard it searches for fast code")
        dynamic: Literal["auto", "always", "never"] = Field(
            "auto",
            description="code for any length from the start (`always`), for the lengths at hand "
            "(`never`), or the latter until a length changes",
        )
        freezing: bool = Field(
            False, description="treat weights as constants, to fold and pack; not in training"
        )

    open_seconds = 5.0  # from its cache; ten times that without, in a cell's first round

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        """No compiler; or weights that are constants and are to be learned."""
        if reason := super().unsupported(cell, host):
            return reason
        if self.options.freezing and cell.scenario.name == "train":
            return "freezing makes constants of the weights, which train changes"
        named = os.environ.get("CXX")
        if shutil.which(named) if named else any(map(shutil.which, _COMPILERS)):
            return None
        return f"it needs a C++ compiler ({', '.join(_COMPILERS)}, or the one that CXX names)"

    def open(self, opening: Opening) -> Session:
        """Nothing is compiled yet: that happens when a session first reads."""
        from harness.session.compiled import CompiledSession

        return CompiledSession(opening, self.options)
