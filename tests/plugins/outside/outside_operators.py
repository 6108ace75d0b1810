"""Operators from an outside package: one honest, one slowed by a known share, and four that
misbehave in their round.
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


@register("outside-sdpa", "the same as sdpa, from an outside package")
class OutsideSdpa(Sdpa):
    """Shows that an outside operator is measured like one of the harness's own."""


@register("slowed", "the same as sdpa, slowed by a share of its own time")
class Slowed(Sdpa):
    """A regression of a known size: every iteration takes `share` longer."""

    class Options(Options):
        """How much longer it takes."""

        share: float = Field(0.03, ge=0, le=1, description="of the iteration's own time")

    def mixer(self, shape: Shape, layer: int) -> TokenMixer:
        """An attention layer that waits after each pass."""
        mixer = super().mixer(shape, layer)
        pace = _Pace(self.options.share, first=layer == 0)

        def wait(*_: object) -> None:
            pace.wait()

        mixer.register_forward_hook(wait)
        return mixer


class _Pace:
    """Busy-waits for a share of the time that a block of the model takes.

    A block takes the time from one layer's mixer to the next, without the wait. The first layer of
    an iteration is preceded by more than a block: it uses the last block's time.
    """

    _last: float | None = None  # when the last mixer finished its wait
    _block = 0.0  # the last block's seconds

    def __init__(self, share: float, *, first: bool) -> None:
        self._share, self._first = share, first

    def wait(self) -> None:
        """Waits for the share of the last block's time."""
        now = time.perf_counter()
        if not self._first and _Pace._last is not None:
            _Pace._block = now - _Pace._last
        end = now + self._share * _Pace._block
        while time.perf_counter() < end:
            pass
        _Pace._last = time.perf_counter()


class Trouble(Sdpa):
    """Misbehaves when the model is built, in the round's own process."""

    def misbehave(self) -> None:
        """Does the harm."""
        raise NotImplementedError

    def mixer(self, shape: Shape, layer: int) -> TokenMixer:
        """A mixer, if `misbehave` ever ends."""
        self.misbehave()
        return super().mixer(shape, layer)


@register("raises", "raises an exception")
class Raises(Trouble):
    """A bug in an operator."""

    def misbehave(self) -> None:
        """Raises an exception whose message tests look for."""
        raise ValueError("mischief managed")


@register("hangs", "never ends")
class Hangs(Trouble):
    """A deadlock."""

    def misbehave(self) -> None:
        """Sleeps longer than any limit."""
        print("going to sleep", flush=True)
        time.sleep(3600)


@register("segfaults", "dies by SIGSEGV")
class Segfaults(Trouble):
    """A bug in a kernel."""

    def misbehave(self) -> None:
        """Reads address 0."""
        ctypes.string_at(0)


@register("hogs", "takes more and more memory")
class Hogs(Trouble):
    """A memory leak."""

    def misbehave(self) -> None:
        """Touches 64 MiB more every 10 ms, to exceed the limit well before the host is full."""
        held: list[bytearray] = []
        while len(held) < 256:
            held.append(bytearray(b"\1") * (64 * 2**20))
            time.sleep(0.01)
