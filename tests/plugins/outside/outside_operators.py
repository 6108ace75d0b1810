"""Operators as an outside package adds them: one honest, four that misbehave in their round."""

from __future__ import annotations

import ctypes
import time
from typing import TYPE_CHECKING

from harness.model.shape import Shape
from harness.operators import register
from harness.operators.sdpa import Sdpa

if TYPE_CHECKING:
    from harness.model.mixer import TokenMixer


@register("outside-sdpa", "what sdpa does, from an outside package")
class OutsideSdpa(Sdpa):
    """Shows that an outside operator is measured like one of the harness's own."""


class Trouble(Sdpa):
    """Does its mischief when the model is built, in the round's own process."""

    def mischief(self) -> None:
        """What it does."""
        raise NotImplementedError

    def mixer(self, shape: Shape, layer: int) -> TokenMixer:
        """A mixer, if the mischief ever ends."""
        self.mischief()
        return super().mixer(shape, layer)


@register("raises", "raises an exception")
class Raises(Trouble):
    """A bug in an operator."""

    def mischief(self) -> None:
        """An exception with a message to look for."""
        raise ValueError("mischief managed")


@register("hangs", "never ends")
class Hangs(Trouble):
    """A deadlock."""

    def mischief(self) -> None:
        """Sleeps longer than any limit."""
        print("going to sleep", flush=True)
        time.sleep(3600)


@register("segfaults", "dies by SIGSEGV")
class Segfaults(Trouble):
    """A bug in a kernel."""

    def mischief(self) -> None:
        """Reads address 0."""
        ctypes.string_at(0)


@register("hogs", "takes ever more memory")
class Hogs(Trouble):
    """A leak."""

    def mischief(self) -> None:
        """Touches 64 MiB more every 10 ms, so that the limit is met well before the host's end."""
        held: list[bytearray] = []
        while len(held) < 256:
            held.append(bytearray(b"\1") * (64 * 2**20))
            time.sleep(0.01)
