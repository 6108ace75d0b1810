"""Trains a reference model, in a process of its own.

    python -m harness.worker.trainer PARENT DESCRIPTOR ORDER

ORDER is JSON: the recipe and the file to write. Each step is told through the descriptor as a
line of JSON: [step, loss in bits per byte]. The process ends with its parent.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

from harness.process import die_with_parent
from harness.quality.recipe import Recipe
from harness.quality.reference import train


def main(parent: int, descriptor: int, order: str) -> None:
    """Train as ordered."""
    die_with_parent(parent)
    told = json.loads(order)
    recipe = Recipe.from_json(told["recipe"])
    with os.fdopen(descriptor, "wb", buffering=0) as pipe:

        def tell(step: int, loss: float) -> None:
            pipe.write(json.dumps([step, loss]).encode() + b"\n")

        train(recipe, Path(told["path"]), tell)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
