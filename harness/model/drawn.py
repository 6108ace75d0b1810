"""A random model's weights in a file: drawn once, copied by every round.

Drawing normal numbers takes several times as long as copying them.
"""

from __future__ import annotations

from pathlib import Path

import torch
from safetensors import safe_open
from safetensors.torch import save_file

from harness.model.artifact import tensors_of
from harness.model.build import uninitialised
from harness.model.mixer import MixerFactory
from harness.model.shape import Shape
from harness.model.transformer import Transformer


def keep(model: Transformer, path: Path) -> None:
    """Write the weights. The file is whole or not there at all."""
    partial = path.with_suffix(".partial")
    save_file(dict(tensors_of(model)), partial)
    partial.replace(path)


def copied(
    path: Path,
    shape: Shape,
    factory: MixerFactory,
    *,
    device: torch.device,
    dtype: torch.dtype = torch.float32,
    unmasked: MixerFactory | None = None,
) -> Transformer:
    """The model that `build` makes for the same arguments and the seed of the file."""
    model = uninitialised(shape, factory, unmasked, device, dtype)
    with safe_open(path, framework="pt") as file, torch.no_grad():
        named = model.state_dict()
        for name in file.keys():  # noqa: SIM118 - no mapping
            named[name].copy_(file.get_tensor(name))
    return model.eval()
