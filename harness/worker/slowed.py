"""Slows a session by a known share of its own time: the control that a comparison must notice."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import torch

from harness.session import Session


def slow_down(session: Session, share: float) -> None:
    """Makes each prefill, decode step and training step take that share longer.

    It waits inside the clock, like a real regression. On a GPU it waits for the device first, so
    that the share is of the device's time.
    """
    pace = _Pace(share, session.device)
    train = session.training_step
    for name in ("prefill", "decode"):
        setattr(session, name, pace.slowed(getattr(session, name)))

    def training_step(*arguments: Any, **options: Any) -> Callable[[], torch.Tensor | None]:
        return pace.slowed(train(*arguments, **options))

    setattr(session, "training_step", training_step)  # noqa: B010 - mypy takes methods as fixed


class _Pace:
    def __init__(self, share: float, device: torch.device) -> None:
        self._share, self._device = share, device
        self._inside = False  # a step that calls another waits once

    def slowed(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def slower(*arguments: Any, **options: Any) -> Any:
            if self._inside:
                return step(*arguments, **options)
            self._inside = True
            start = self._now()
            try:
                found = step(*arguments, **options)
            finally:
                self._inside = False
            end = self._now()
            until = end + self._share * (end - start)
            while time.perf_counter() < until:
                pass  # busy, as work would be: a sleep lets the processor slow down
            return found

        return slower

    def _now(self) -> float:
        if self._device.type == "cuda":
            torch.cuda.synchronize(self._device)
        return time.perf_counter()
