"""The shape of a spec file: its keys, what they mean, and their defaults.

The axes and their values are left as they stand here, since what they may be depends on what is
registered: axes.py reads them.
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


class Block(BaseModel):
    """One mapping of the spec file."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


def _several(found: object) -> object:
    """A scalar is a list of one."""
    if found == []:
        raise ValueError("there is no value: give at least one")
    return tuple(found) if isinstance(found, list | tuple) else (found,)


MAX_AMOUNT = 10**9
COUNT = {"type": "integer", "minimum": 1, "maximum": MAX_AMOUNT}
Counts = Annotated[
    tuple[Annotated[int, Field(ge=1, le=MAX_AMOUNT)], ...],
    BeforeValidator(_several),
    WithJsonSchema({"anyOf": [COUNT, {"type": "array", "items": COUNT, "minItems": 1}]}),
]


Price = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def _shown(default: str | float) -> dict[str, JsonValue]:
    """A default in the JSON Schema as people write it, not as it is once read."""
    return {"default": default}


class Workload(Block):
    """How much the scenarios are given to do. Each uses only the keys it needs."""

    batch: Counts = Field(
        (1,),
        description="sequences at once, over all processes together; with `scaling: weak`, in each",
        json_schema_extra=_shown(1),
    )
    prompt: Counts = Field(
        (512,), description="tokens a sequence begins with", json_schema_extra=_shown(512)
    )
    generate: Counts = Field(
        (64,), description="tokens to produce after them", json_schema_extra=_shown(64)
    )


# Below, durations are seconds once read, sizes bytes, and percentages shares of one. The
# docstrings are what editors show.


class Measure(Block):
    """How hard to measure."""

    rounds: int = Field(6, ge=1, le=1000, description="fewest rounds (fresh processes) of a cell")
    max_rounds: int = Field(
        100,
        ge=1,
        le=1000,
        description="most rounds of a cell; not below `rounds`, whose default it follows",
    )
    target_ci: Share = Field(
        0.015,
        description="rounds stop once the half-widths of the 95% intervals of the scenario's "
        "headline metric and of the speed-up are at most this share of the value; takes 6 rounds "
        "at least",
        json_schema_extra=_shown("1.5%"),
    )
    max_time: Duration = Field(
        60.0,
        description="time box of a cell over all its rounds; `rounds` are always done",
        json_schema_extra=_shown("60s"),
    )
    round_time: Duration = Field(
        1.0, description="time to take samples for in a round", json_schema_extra=_shown("1s")
    )
    samples: int = Field(5, ge=1, le=10**6, description="fewest samples a round")
    max_samples: int = Field(1000, ge=1, le=10**6, description="most samples a round")
    quality: bool = Field(True, description="also measure what the numbers cost in quality")
    energy: bool = Field(False, description="also read the hardware's energy counters")
    allocator: Literal["steady", "default"] = Field(
        "steady",
        description="the state of the C library's allocator in a round: `steady`, the same in "
        "every round, with large blocks taken from a heap that is kept; or the system's `default`, "
        "in which a round's speed depends on what it freed before",
    )
    ceiling: bool = Field(
        True, description="also measure, once, what the hardware can do at best (harness ceiling)"
    )
    seed: int = Field(0, ge=0, le=2**32 - 1, description="of the weights, the tokens, the order")

    @model_validator(mode="before")
    @classmethod
    def _most_follow_fewest(cls, data: Any) -> Any:
        """Asking for more rounds than the default maximum raises that maximum, and so samples."""
        if not isinstance(data, dict):
            return data
        follow = {"max_rounds": ("rounds", 100), "max_samples": ("samples", 1000)}
        raised = {
            most: max(default, data[fewest])
            for most, (fewest, default) in follow.items()
            if most not in data and type(data.get(fewest)) is int
        }
        return {**data, **raised}

    @model_validator(mode="after")
    def _fewest_below_most(self) -> Self:
        if self.max_rounds < self.rounds:
            raise ValueError(f"max_rounds {self.max_rounds} is below rounds {self.rounds}")
        if self.max_samples < self.samples:
            raise ValueError(f"max_samples {self.max_samples} is below samples {self.samples}")
        return self


class Quality(Block):
    """The text that models with weights of their own are judged by."""

    corpus: str = Field(
        "",
        description="a text file; its last tenth is held out, and calibration reads the rest",
    )
    tokenizer: str = Field(
        "",
        description="a tokenizer file (tokenizer.json) for it; without one a token is a byte, and "
        "models with weights have a `vocab` of 256 (`bytes` says so of any other)",
    )

    @model_validator(mode="after")
    def _tokenizer_goes_with_corpus(self) -> Self:
        if self.tokenizer and not self.corpus:
            raise ValueError("a tokenizer goes with a corpus: name that too")
        return self


class Limits(Block):
    """What a round may use before it is ended."""

    timeout: Duration = Field(
        600.0, description="time of one round", json_schema_extra=_shown("10m")
    )
    memory: Size | None = Field(
        None,
        description="resident memory of a round's processes together; "
        "without one, 90% of the host's memory",
    )


class SpecFile(Block):
    """A spec: what to compare, and how hard to measure.

    The comment it opens with is the question it answers.
    """

    name: str = Field("", max_length=100, description="of the spec; without one, the file's name")
    baseline: dict[str, Any] = Field(
        {},
        description="the values that speed-ups and quality losses are quoted against: each cell "
        "is compared with the cell that has these instead",
    )
    matrix: dict[str, Any]
    zip: list[dict[str, Any]] = Field(
        [],
        description="keys whose values advance together instead of multiplying: each entry is a "
        "mapping of two or more axes or workload keys to as many values each",
    )
    scaling: Literal["strong", "weak"] = Field(
        "strong",
        description="what `batch` counts: `strong`, the sequences of all ranks together; `weak`, "
        "those of each rank, so that a cell's batch grows with its number of ranks",
    )
    exclude: list[dict[str, Any]] = Field(
        [],
        description="combinations to leave out: a cell goes that has all the values of an entry "
        "(a list of values means any of them)",
    )
    include: list[dict[str, Any]] = Field(
        [],
        description="cells to add, whatever `exclude` says: what an entry does not name takes "
        "the first value of the matrix",
    )
    prices: dict[str, Price] = Field(
        {},
        description="US dollars an hour of hardware, by what `harness plan` calls it "
        "(cpu(threads=2)) or its name alone (cpu), for the cost of a million tokens",
    )
    workload: Workload = Workload()
    measure: Measure = Measure()
    quality: Quality = Quality()
    limits: Limits = Limits()
