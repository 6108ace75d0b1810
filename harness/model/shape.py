"""The description of a model: vocabulary and context of any model, dimensions of a decoder."""

from __future__ import annotations

from typing import Any, ClassVar, Self

from pydantic import Field, model_validator

from harness.domain.entry import Options

BYTES = "bytes"  # instead of a tokenizer: each token is a byte, whatever the vocabulary


class BaseShape(Options):
    """What the harness needs to know about any model to run and evaluate it."""

    architecture: ClassVar[str]
    about: ClassVar[str]
    generates: ClassVar[bool] = True  # True if it produces tokens

    vocab: int = Field(50257, ge=2, description="tokens in the vocabulary (GPT-2's BPE: 50257)")
    context: int = Field(2048, ge=1, description="longest sequence, in tokens")
    corpus: str = Field(
        "", description="the text to evaluate the model on; by default the spec's `quality.corpus`"
    )
    tokenizer: str = Field(
        "",
        description="a tokenizer file (tokenizer.json) for that text; without one, each token is a "
        "byte and `vocab` is 256. Use `bytes` if tokens are bytes but `vocab` is not 256",
    )

    @model_validator(mode="after")
    def _a_tokenizer_reads_a_corpus(self) -> Self:
        if self.tokenizer and not self.corpus:
            raise ValueError("a tokenizer needs a corpus: name a corpus too")
        return self

    @property
    def may_know_text(self) -> bool:
        """False if the weights are certainly random."""
        return True

    def longest(self, prompt: int, further: int) -> int:
        """The positions needed to read a prompt and then `further` generated tokens."""
        return prompt + further


class Shape(BaseShape):
    """A decoder's dimensions, named as in Brown et al. 2020 (arXiv 2005.14165), Table 2.1."""

    architecture: ClassVar[str] = "decoder"
    about: ClassVar[str] = "GPT: every token sees itself and earlier tokens"
    bidirectional: ClassVar[bool] = False  # True if some layers have no causal mask

    layers: int = Field(ge=1, le=1000, description="Transformer blocks")
    d_model: int = Field(ge=1, le=1_000_000, description="width of the residual stream")
    heads: int = Field(ge=1, le=10_000, description="attention heads; must divide d_model")
    d_ff: int = Field(0, ge=0, description="width of the feed-forward layer; 0 means 4 x d_model")
    tied: bool = Field(True, description="the output head is the token embedding")
    weights: str = Field(
        "",
        description="a safetensors file in GPT-2's layout, or `trained`: the harness trains the "
        "model once, on a generated language; by default, weights are random",
    )

    @model_validator(mode="before")
    @classmethod
    def _usual_width_is_default(cls, data: Any) -> Any:
        """Drops a d_ff that equals the default, so that the model has the same id either way."""
        if isinstance(data, dict) and data.get("d_ff") and data.get("d_model"):
            usual = data["d_ff"] == 4 * data["d_model"]
            return {**data, "d_ff": 0} if usual else data
        return data

    @model_validator(mode="after")
    def _text_goes_with_weights(self) -> Self:
        if self.corpus and not self.weights:
            raise ValueError("a corpus needs trained weights: random weights predict no text")
        return self

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.d_model % self.heads:
            raise ValueError(f"heads {self.heads} does not divide d_model {self.d_model}")
        return self

    @property
    def may_know_text(self) -> bool:
        """True if the weights come from a file or from training."""
        return bool(self.weights)

    @property
    def d_head(self) -> int:
        """The width of one attention head."""
        return self.d_model // self.heads

    @property
    def width(self) -> int:
        """The width of the feed-forward layer."""
        return self.d_ff or 4 * self.d_model

    @property
    def size(self) -> str:
        """The dimensions in short, for example `12L-768d-12h`."""
        return f"{self.layers}L-{self.d_model}d-{self.heads}h"
