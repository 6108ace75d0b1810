"""The kinds of models: built-in architectures with their dimensions, and users' own factories.

A cell stores a model as the name of its architecture and the options of its shape. A user's model
has the name `factory`; its options are the factory function and the arguments.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import AfterValidator, BeforeValidator, ConfigDict, Field, model_validator
from pydantic.json_schema import SkipJsonSchema  # noqa: TC002 - read at run time

from harness.domain.cell import FACTORY, Choice
from harness.errors import UnknownName, Unsupported
from harness.model.shape import BaseShape, Shape


class _Encoding(Shape):
    """An architecture with bidirectional layers: every token sees every other."""

    bidirectional: ClassVar[bool] = True

    weights: SkipJsonSchema[str] = Field("", description="for decoders only")

    @model_validator(mode="after")
    def _no_weights(self) -> Self:
        if self.weights:
            raise ValueError(
                f"weights can be loaded into a decoder only, because GPT-2's layout has no place "
                f"for other architectures; this model is an {self.architecture}: leave them out"
            )
        return self


class EncoderShape(_Encoding):
    """A stack of layers that reads a whole sequence and returns one embedding of it."""

    architecture: ClassVar[str] = "encoder"
    about: ClassVar[str] = "every token sees every other: one embedding per sequence"
    generates: ClassVar[bool] = False

    def longest(self, prompt: int, further: int) -> int:
        """The prompt: an encoder generates nothing."""
        return prompt


class EncoderDecoderShape(_Encoding):
    """An encoder of `layers` reads the prompt; a decoder generates tokens from it."""

    architecture: ClassVar[str] = "encoder-decoder"
    about: ClassVar[str] = "an encoder reads the prompt, a decoder produces tokens from it"

    decoder_layers: int = Field(
        0, ge=0, le=1000, description="Transformer blocks of the decoder; 0 means as many as layers"
    )
    readout: Literal["sequence", "concat"] = Field(
        "sequence",
        description="what the decoder gets from the encoder: all its states, for cross-attention; "
        "or one vector, made from the mean state of each layer, added to the decoder's embeddings",
    )

    @model_validator(mode="before")
    @classmethod
    def _usual_depth_is_default(cls, data: Any) -> Any:
        """Drops a depth that equals the default, so that the model has the same id either way."""
        if isinstance(data, dict) and data.get("decoder_layers") and data.get("layers"):
            usual = data["decoder_layers"] == data["layers"]
            return {**data, "decoder_layers": 0} if usual else data
        return data

    @property
    def decoder_depth(self) -> int:
        """The number of the decoder's blocks."""
        return self.decoder_layers or self.layers

    @property
    def crosses(self) -> bool:
        """True if the decoder attends to the encoder's states."""
        return self.readout == "sequence"

    @property
    def size(self) -> str:
        """For example `6+1L-512d-8h`: encoder and decoder layers."""
        return f"{self.layers}+{self.decoder_depth}L-{self.d_model}d-{self.heads}h"

    def longest(self, prompt: int, further: int) -> int:
        """The encoder holds the prompt; the decoder holds a start token and the further tokens."""
        return max(prompt, 1 + further)


_NOT_SCALAR = "an option of a factory should be a number, a text, true or false"


def _scalar(value: Any) -> Any:
    if not isinstance(value, str | int | float | bool):
        raise ValueError(_NOT_SCALAR)  # noqa: TRY004 - pydantic reports only ValueErrors
    return value


_REFERENCE = r"^[A-Za-z_]\w*(\.[A-Za-z_]\w*)*:[A-Za-z_]\w*$"


def _reference(value: str) -> str:
    if not re.match(_REFERENCE, value):
        raise ValueError(f"factory should be 'package.module:function', found {value!r}")
    return value


class FactoryShape(BaseShape):
    """A user's own torch module: the function that builds it, and the function's arguments.

    Keys that are not fields are passed to the function too.
    """

    model_config = ConfigDict(frozen=True, extra="allow")
    __pydantic_extra__: dict[str, Annotated[Any, BeforeValidator(_scalar)]]

    architecture: ClassVar[str] = FACTORY
    about: ClassVar[str] = "your own torch module"

    factory: Annotated[str, AfterValidator(_reference)] = Field(
        json_schema_extra={"pattern": _REFERENCE},
        description="`package.module:function` that builds the model; its arguments are "
        "`vocab`, `context` and every other key here",
    )

    @property
    def arguments(self) -> Mapping[str, Any]:
        """The keyword arguments of the function."""
        return {"vocab": self.vocab, "context": self.context, **(self.model_extra or {})}


# The built-in architectures.
SHAPES: Mapping[str, type[Shape]] = {
    shape.architecture: shape for shape in (Shape, EncoderDecoderShape, EncoderShape)
}
_KINDS: Mapping[str, type[BaseShape]] = {**SHAPES, FACTORY: FactoryShape}


def shape_of(model: Choice) -> BaseShape:
    """The shape of a cell's model. Raises UnknownName for an unknown architecture."""
    if model.name not in _KINDS:
        raise UnknownName("architecture", model.name, _KINDS)
    return _KINDS[model.name].model_validate(dict(model.options))


def dimensions_of(model: Choice) -> Shape:
    """The dimensions of a built-in model. Raises Unsupported for a factory's model."""
    shape = shape_of(model)
    if not isinstance(shape, Shape):
        raise Unsupported(f"{model} is built by a factory: its dimensions are unknown")
    return shape
