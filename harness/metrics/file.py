"""The model as it lies on disk."""

from __future__ import annotations

from harness.metrics import FactMetric, Group, register


class FileFact(FactMetric):
    """A figure of the model's file."""

    group = Group.FILE


@register("file_bytes", "bytes of the model's file on disk")
class FileBytes(FileFact):
    """The size of the safetensors file that was written, and from which rounds load the model."""

    unit = "B"
    title = "File size"
    show_column = 8


@register("bits_per_weight", "bits of the file for each parameter of the dense model")
class BitsPerWeight(FileFact):
    """Eight times the bytes of the file, its head included, over the dense model's parameters."""

    unit = "bit"


@register("nonzero_parameters", "parameters that are not zero")
class NonzeroParameters(FileFact):
    """Numbers in the weights, in whatever format, other than zero; shared ones once."""

    unit = "1"
    title = "Non-zero parameters"
    printed_unit = "count"
    leaderboard = False
