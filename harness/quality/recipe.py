"""What makes the reference model: told without making it."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from harness.model.shape import Shape

TRAINED = "trained"  # what a model says in the place of a file of weights
# Who follows a recipe: a change of theirs is another model.
_SOURCES = (
    *("quality/language.py", "quality/recipe.py", "quality/reference.py", "quality/text.py"),
    *("model/attention.py", "model/muon.py", "model/shape.py", "model/training.py"),
    "model/build.py",
    "model/transformer.py",
)


@dataclass(frozen=True)
class Recipe:
    """All that makes a reference model."""

    shape: Shape
    torch: str  # its version
    isa: tuple[str, ...]  # the processor's instructions, by which torch chooses kernels
    threads: int
    steps: int = 340
    batch: int = 8
    length: int = 256  # tokens of a sequence, at most
    rate: float = 1e-2
    seed: int = 0

    @property
    def name(self) -> str:
        """Of its file: a digest of the recipe and of the code that follows it."""
        digest = hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode())
        for source in _SOURCES:
            digest.update((Path(__file__).parents[1] / source).read_bytes())
        return digest.hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {**asdict(self), "shape": self.shape.model_dump(exclude_defaults=True)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of to_json."""
        shape, isa = Shape.model_validate(data["shape"]), tuple(data["isa"])
        return cls(**{**data, "shape": shape, "isa": isa})
