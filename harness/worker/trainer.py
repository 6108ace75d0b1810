"""Trains a reference model in its own process.

    python -m harness.worker.trainer PARENT DESCRIPTOR ORDER

ORDER is JSON: the recipe, and the path of the file to write. After each step, the process writes a
line of JSON to the descriptor: [step, loss in bits per byte]. It ends when its parent ends.
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
    """Trains the model of the order."""
    die_with_parent(parent)
    content = json.loads(order)
    recipe = Recipe.from_json(content["recipe"])
    with os.fdopen(descriptor, "wb", buffering=0) as pipe:

        def notify(step: int, loss: float) -> None:
            pipe.write(json.dumps([step, loss]).encode() + b"\n")

        train(recipe, Path(content["path"]), notify)


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]), sys.argv[3])
