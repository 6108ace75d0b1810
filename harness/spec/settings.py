"""A spec file's keys, with their meanings, bounds and defaults.

The values of axes stay unchecked here, because they depend on the registered entries: axes.py
reads them.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    JsonValue,
    WithJsonSchema,
    model_validator,
)

from harness.spec.units import Duration, Share, Size


class SettingsBlock(BaseModel):
    """A mapping in the spec file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _as_tuple(found: object) -> object:
    """A single value counts as a list of one."""
    if found == []:
        raise ValueError("there is no value: give at least one")
    return tuple(found) if isinstance(found, list | tuple) else (found,)


MAX_AMOUNT = 10**9
COUNT = {"type": "integer", "minimum": 1, "maximum": MAX_AMOUNT}
Counts = Annotated[
    tuple[Annotated[int, Field(ge=1, le=MAX_AMOUNT)], ...],
    BeforeValidator(_as_tuple),
    WithJsonSchema({"anyOf": [COUNT, {"type": "array", "items": COUNT, "minItems": 1}]}),
]


Price = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def _shown(default: str | float) -> dict[str, JsonValue]:
    """The default for the JSON Schema, as people write it rather than as it is parsed."""
    return {"default": default}


class Workload(SettingsBlock):
    """The amount of work. Each scenario uses only the keys that it needs."""

    batch: Counts = Field(
        (1,),
        description="sequences at once, in all processes together; with `scaling: weak`, in each",
        json_schema_extra=_shown(1),
    )
    prompt: Counts = Field(
        (512,), description="tokens in each prompt", json_schema_extra=_shown(512)
    )
    generate: Counts = Field(
        (64,), description="tokens to produce after the prompt", json_schema_extra=_shown(64)
    )


# Once parsed, durations are in seconds, sizes in bytes, percentages as shares of one. Editors show
# the docstrings.


class Measure(SettingsBlock):
    """How hard to measure."""

    rounds: int = Field(6, ge=1, le=1000, description="fewest rounds (fresh processes) per cell")
    max_rounds: int = Field(
        100,
        ge=1,
        le=1000,
        description="most rounds per cell, at least `rounds`",
    )
    target_ci: Share = Field(
        0.015,
        description="rounds stop when the half-widths of the 95% intervals of the scenario's "
        "headline metric and of its speed-up are at most this share of the value, which takes at "
        "least 6 rounds",
        json_schema_extra=_shown("1.5%"),
    )
    max_time: Duration = Field(
        60.0,
        description="time box for all rounds of a cell; `rounds` are always done",
        json_schema_extra=_shown("60s"),
    )
    round_time: Duration = Field(
        1.0,
        description="least sampling time per round",
        json_schema_extra=_shown("1s"),
    )
    samples: int = Field(5, ge=1, le=10**6, description="fewest samples per round, after warm-up")
    max_samples: int = Field(
        1000, ge=1, le=10**6, description="most samples per round, with warm-up"
    )
    quality: bool = Field(
        True, description="also measure quality, and check the parity of split cells"
    )
    energy: bool = Field(False, description="also read the hardware's energy counters")
    allocator: Literal["steady", "default"] = Field(
        "steady",
        description="the C library's allocator in a round: `steady` takes large blocks from a heap "
        "that is kept, the same in every round; with the system's `default`, a round's speed "
        "depends on what it freed before",
    )
    ceiling: bool = Field(
        True, description="first measure the hardware's ceilings, once (as `harness ceiling` does)"
    )
    seed: int = Field(
        0, ge=0, le=2**32 - 1, description="seed of weights, tokens and the order of rounds"
    )

    @model_validator(mode="before")
    @classmethod
    def _raise_maxima(cls, data: Any) -> Any:
        """If `rounds` or `samples` exceeds the default maximum, the maximum rises to it."""
        if not isinstance(data, dict):
            return data
        defaults = {"max_rounds": ("rounds", 100), "max_samples": ("samples", 1000)}
        raised = {
            most: max(default, data[fewest])
            for most, (fewest, default) in defaults.items()
            if most not in data and type(data.get(fewest)) is int
        }
        return {**data, **raised}

    @model_validator(mode="after")
    def _check_maxima(self) -> Self:
        if self.max_rounds < self.rounds:
            raise ValueError(f"max_rounds {self.max_rounds} is below rounds {self.rounds}")
        if self.max_samples < self.samples:
            raise ValueError(f"max_samples {self.max_samples} is below samples {self.samples}")
        return self


class Quality(SettingsBlock):
    """The text on which models with weights are evaluated."""

    corpus: str = Field(
        "",
        description="a text file: its last tenth is held out, the rest is for calibration",
    )
    tokenizer: str = Field(
        "",
        description="a tokenizer file (tokenizer.json) for the corpus; without one, a token is a "
        "byte and models with weights need a `vocab` of 256; `bytes` allows any `vocab`",
    )

    @model_validator(mode="after")
    def _tokenizer_needs_corpus(self) -> Self:
        if self.tokenizer and not self.corpus:
            raise ValueError("a tokenizer needs a corpus: name a corpus too")
        return self


def _as_commands(found: object) -> object:
    return (
        (found,) if isinstance(found, str) else tuple(found) if isinstance(found, list) else found
    )


class Subject(SettingsBlock):
    """The code whose commits are followed."""

    repo: str = Field(description="a git repository, relative to the spec's folder", min_length=1)
    install: Annotated[
        tuple[Annotated[str, Field(min_length=1)], ...],
        BeforeValidator(_as_commands),
        WithJsonSchema(
            {
                "anyOf": [
                    {"type": "string", "minLength": 1},
                    {"type": "array", "items": {"type": "string", "minLength": 1}},
                ],
            }
        ),
    ] = Field(
        ("pip install .",),
        description="the commands that install one of its commits, in a checkout of that commit",
        json_schema_extra=_shown("pip install ."),
    )


class Limits(SettingsBlock):
    """The time and memory that a round may use before it is ended."""

    timeout: Duration = Field(
        600.0, description="time of one round", json_schema_extra=_shown("10m")
    )
    memory: Size | None = Field(
        None,
        description="resident memory of all processes of a round; by default 90% of the host's",
    )


class SpecFile(SettingsBlock):
    """A spec: what to compare, and how hard to measure.

    Its opening comment is the question that it answers.
    """

    name: str = Field("", max_length=100, description="the spec's name; by default the file's name")
    baseline: dict[str, Any] = Field(
        {},
        description="the values that speed-ups are quoted against: each cell is compared with the "
        "cell that has these values and is otherwise the same",
    )
    matrix: dict[str, Any]
    zip: list[dict[str, Any]] = Field(
        [],
        description="keys whose values advance together instead of multiplying: each entry maps "
        "two or more axes or workload keys to lists of the same length",
    )
    scaling: Literal["strong", "weak"] = Field(
        "strong",
        description="what `batch` counts: the sequences of all ranks together (`strong`) or of "
        "each rank (`weak`); with `weak`, a cell's batch grows with its number of ranks",
    )
    exclude: list[dict[str, Any]] = Field(
        [],
        description="combinations to leave out: the cells that have all values of an entry (a list "
        "means any of its values)",
    )
    include: list[dict[str, Any]] = Field(
        [],
        description="cells to add, whatever `exclude` says; keys that an entry does not name take "
        "the matrix's first value",
    )
    expect: list[dict[str, Any]] = Field(
        [],
        description="what results should be: each entry selects cells, as an entry of `exclude` "
        "does, and bounds a metric, names a status, or requires that they are measured",
    )
    prices: dict[str, Price] = Field(
        {},
        description="US dollars per hour, by hardware as `harness plan` prints it "
        "(`cpu(threads=2)`) or by its name alone (`cpu`), for the cost of a million tokens",
    )
    workload: Workload = Workload()
    measure: Measure = Measure()
    quality: Quality = Quality()
    subject: Subject | None = Field(
        None, description="the repository whose commits are followed; by default the harness's own"
    )
    limits: Limits = Limits()
