"""The model's file on disk."""

from __future__ import annotations

from harness.metrics import FactMetric, Group, register


class FileFact(FactMetric):
    """A figure of the model's file."""

    group = Group.FILE


@register("file_bytes", "bytes of the model's file on disk")
class FileBytes(FileFact):
    """The size of the safetensors file from which rounds load the model."""

    unit = "B"
    title = "File size"
    show_column = 8


@register("bits_per_weight", "bits in the file per parameter of the dense model")
class BitsPerWeight(FileFact):
    """Eight times the file's bytes, header included, over the dense model's parameters."""

    unit = "bit"


@register("nonzero_parameters", "parameters that are not zero")
class NonzeroParameters(FileFact):
    """Non-zero numbers in the weights, in any format; shared weights count once."""

    unit = "1"
    title = "Non-zero parameters"
    printed_unit = "count"
    leaderboard = False
