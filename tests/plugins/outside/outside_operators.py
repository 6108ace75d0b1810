"""Operators as an outside package adds them: one honest, one slowed by a known share, and four
that misbehave in their round.
"""

from __future__ import annotations

import ctypes
import time
from typing import TYPE_CHECKING

from pydantic import Field

from harness.domain.entry import Options
from harness.model.shape import Shape
from harness.operators import register
from harness.operators.sdpa import Sdpa

if TYPE_CHECKING:
    from harness.model.mixer import TokenMixer


@register("outside-sdpa", "what sdpa does, from an outside package")
class OutsideSdpa(Sdpa):
    """Shows that an outside operator is measured like one of the harness's own."""


@register("slowed", "what sdpa does, and waits for a share of the time that takes")
class Slowed(Sdpa):
    """A regression of a known size: every iteration takes `share` longer."""

    class Options(Options):
        """How much longer."""

        share: float = Field(0.03, ge=0, le=1, description="of the iteration's own time")

    def mixer(self, shape: Shape, layer: int) -> TokenMixer:
        """An attention that waits after it has attended."""
        mixer = super().mixer(shape, layer)
        pace = _Pace(self.options.share, first=layer == 0)

        def wait(*_: object) -> None:
            pace.wait()

        mixer.register_forward_hook(wait)
        return mixer


class _Pace:
    """Waits, busily, for a share of what a block of the model takes.

    That is the time from one layer's mixer to the next one's, without what was waited. Before
    the first layer of an iteration lies more than a block: there it is the last block's time.
    """

    _last: float | None = None  # when the mixer before this one was done waiting
    _block = 0.0  # what the last block took

    def __init__(self, share: float, *, first: bool) -> None:
        self._share, self._first = share, first

    def wait(self) -> None:
        """Now."""
        now = time.perf_counter()
        if not self._first and _Pace._last is not None:
            _Pace._block = now - _Pace._last
        end = now + self._share * _Pace._block
        while time.perf_counter() < end:
            pass
        _Pace._last = time.perf_counter()


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
