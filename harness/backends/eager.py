"""eager: torch without a compiler, one kernel at a time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.backends import Backend, register

if TYPE_CHECKING:
    from harness.session import Opening, Session


@register("eager", "torch, one kernel at a time")
class Eager(Backend):
    """Runs the torch module itself."""

    reference = True
    splits = True

    def open(self, opening: Opening) -> Session:
        """Opens a session on the whole model, or on this rank's part."""
        from harness.session.eager import SplitSession, TorchSession

        core = opening.load()
        if opening.split is not None:
            return SplitSession(opening.split(core), opening.batch)
        return TorchSession(core, core, opening.device, opening.batch)
