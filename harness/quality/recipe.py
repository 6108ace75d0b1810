"""The recipe that names a reference model, without torch."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Self

from harness.model.shape import Shape

TRAINED = "trained"  # in a spec, in place of a weights file
# The code that follows a recipe: changing it changes the model.
_SOURCES = (
    *("quality/language.py", "quality/recipe.py", "quality/reference.py", "quality/text.py"),
    *("model/attention.py", "model/muon.py", "model/shape.py", "model/training.py"),
    "model/build.py",
    "model/transformer.py",
)


@dataclass(frozen=True)
class Recipe:
    """Everything that determines a reference model."""

    shape: Shape
    torch: str  # version
    isa: tuple[str, ...]  # the instruction sets by which torch chooses kernels
    threads: int
    steps: int = 340
    batch: int = 8
    length: int = 256  # tokens in a sequence, at most
    rate: float = 1e-2
    seed: int = 0

    @property
    def name(self) -> str:
        """The file's name: a digest of the recipe and of the code that follows it."""
        digest = hashlib.sha256(json.dumps(self.to_json(), sort_keys=True).encode())
        for source in _SOURCES:
            digest.update((Path(__file__).parents[1] / source).read_bytes())
        return digest.hexdigest()[:16]

    def to_json(self) -> dict[str, Any]:
        """Returns the recipe as plain data."""
        return {**asdict(self), "shape": self.shape.model_dump(exclude_defaults=True)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Self:
        """The inverse of to_json."""
        shape, isa = Shape.model_validate(data["shape"]), tuple(data["isa"])
        return cls(**{**data, "shape": shape, "isa": isa})
