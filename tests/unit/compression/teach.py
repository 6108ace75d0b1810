"""Trains the small model that tests of compression have something to lose with.

    python tests/unit/compression/teach.py

Writes taught.safetensors beside this file: a minute's work that no run of the tests need repeat.
The weights are kept in half precision, which costs the model nothing worth telling.
"""

from __future__ import annotations

import torch
from safetensors.torch import save_file
from torch.nn.functional import cross_entropy

from harness.model.training import fit
from harness.quality.text import GeneratedText
from tests.unit.compression.conftest import SMALL, TAUGHT, untaught

STEPS, BATCH = 300, 8


def main() -> None:
    """Train on one thread, whose sums come in one order, and write."""
    torch.set_num_threads(1)
    model = untaught()
    tokens = GeneratedText().sequences("training", STEPS * BATCH, SMALL.context)

    def loss_of(step: int) -> torch.Tensor:
        some = tokens[step * BATCH : (step + 1) * BATCH]
        return cross_entropy(model(some[:, :-1]).flatten(0, 1), some[:, 1:].flatten())

    fit(model, STEPS, 1e-2, loss_of)
    save_file({name: one.half() for name, one in model.state_dict().items()}, TAUGHT)


if __name__ == "__main__":
    main()
