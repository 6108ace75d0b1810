"""The messages between the parent and the process that measures ceilings: one line of JSON each."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from typing import TypeAlias

from harness.domain.ceiling import Ceiling
from harness.domain.cell import Choice


@dataclass(frozen=True)
class Order:
    """The ceilings to measure, their hardware, and the seconds for each."""

    hardware: Choice
    names: tuple[str, ...]
    seconds: float

    def encode(self) -> str:
        """JSON."""
        return json.dumps(asdict(self))

    @classmethod
    def decode(cls, text: str) -> Order:
        """The inverse of encode."""
        data = json.loads(text)
        choice = data["hardware"]
        options = tuple((key, value) for key, value in choice["options"])
        hardware = Choice(choice["name"], options, choice["label"])
        return cls(hardware, tuple(data["names"]), data["seconds"])


@dataclass(frozen=True)
class Found:
    """A measured ceiling, and the rate of each kernel tried (FLOP/s or B/s)."""

    ceiling: Ceiling
    tried: tuple[tuple[str, float], ...] = ()

    def encode(self) -> bytes:
        """One line of JSON."""
        return json.dumps({"found": self.ceiling.to_json(), "tried": self.tried}).encode() + b"\n"


@dataclass(frozen=True)
class Missing:
    """A ceiling that could not be measured, and why."""

    name: str
    reason: str

    def encode(self) -> bytes:
        """One line of JSON."""
        return json.dumps({"missing": asdict(self)}).encode() + b"\n"


Answer: TypeAlias = Found | Missing


def decode(line: bytes) -> Answer:
    """The inverse of both encode methods. Raises ValueError if the line is cut short."""
    data = json.loads(line)
    if "missing" in data:
        return Missing(**data["missing"])
    tried = tuple((kernel, rate) for kernel, rate in data["tried"])
    return Found(Ceiling.from_json(data["found"]), tried)
