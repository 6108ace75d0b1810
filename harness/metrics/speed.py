"""A cell's speed, and its share of the hardware's speed."""

from __future__ import annotations

from statistics import quantiles
from typing import ClassVar

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Group, Metric, register
from harness.metrics.iteration import iteration_seconds, main_section, section_median

# The fewest samples beyond a percentile: with fewer, one or two outliers would decide it.
_BEYOND = 5


class SectionMetric(Metric):
    """Seconds of a section: in a round, the median over its samples without warm-up."""

    section: ClassVar[str]
    unit = "s"
    direction = Direction.LOWER
    group = Group.SPEED

    def value(self, one: Round) -> float | None:
        """The median; None if the round never timed the section."""
        return section_median(one, self.section)

    def samples(self, one: Round) -> int:
        """The timed samples of the section."""
        return len(one.timed(self.section))


@register("latency", "time of one whole iteration")
class Latency(SectionMetric):
    """Seconds from the start of the iteration to its end."""

    section = "latency"
    show_column = 2


@register("tokens_per_second", "tokens per second over the whole batch")
class TokensPerSecond(Metric):
    """The tokens that an iteration processes over its median time."""

    unit = "1/s"
    direction = Direction.HIGHER
    title = "Tokens/s"
    printed_unit = "tokens/s"
    group = Group.SPEED
    show_column = 1

    def value(self, one: Round) -> float | None:
        """From the time of whole iterations if timed, else from the time per token."""
        seconds = section_median(one, "latency") or section_median(one, "tpot")
        if not seconds or "tokens" not in one.facts:
            return None
        return one.facts["tokens"] / seconds

    def samples(self, one: Round) -> int:
        """The samples of the section it uses."""
        return len(one.timed("latency") or one.timed("tpot"))


@register("ttft", "time to first token")
class Ttft(SectionMetric):
    """Seconds from the prompt to the first token."""

    section = "ttft"
    title = "TTFT"
    show_column = 3


@register("tpot", "time per output token after the first")
class Tpot(SectionMetric):
    """Mean seconds per token within an iteration; also called inter-token latency (ITL)."""

    section = "tpot"
    title = "TPOT"
    show_column = 4


@register("mfu", "share of the host's measured peak FLOP/s that goes into the model")
class Mfu(Metric):
    """Model FLOPs utilisation: the model's FLOPs over the time taken and the host's GEMM ceiling.

    Chowdhery et al. 2022 (PaLM, arXiv 2204.02311, appendix B), but with a measured ceiling instead
    of a data sheet's. Meaningless for decode, which memory bandwidth limits.
    """

    unit = "1"
    direction = Direction.HIGHER
    title = "MFU"
    printed_unit = "fraction"
    group = Group.SPEED
    show_column = 5

    def value(self, one: Round) -> float | None:
        """None unless whole iterations are timed and the ceiling is known."""
        seconds = section_median(one, "latency")
        flops, peak = one.facts.get("flops"), one.facts.get("peak_flops")
        return flops / seconds / peak if seconds and flops and peak else None

    def samples(self, one: Round) -> int:
        """The samples of whole iterations."""
        return len(one.timed("latency"))


@register("mbu", "share of the host's measured bandwidth at its working set that decode uses")
class Mbu(Metric):
    """Memory bandwidth utilisation: bytes moved over the time taken and the host's read bandwidth.

    The bytes are those of weights and decode state. Databricks 2023, "LLM Inference Performance
    Engineering: Best Practices". The bandwidth is measured on a buffer as large as a token's
    traffic, caches included. MBU exceeds 1 if part of the data stays in a nearer cache.
    """

    unit = "1"
    direction = Direction.HIGHER
    title = "MBU"
    printed_unit = "fraction"
    group = Group.SPEED
    show_column = 6

    def value(self, one: Round) -> float | None:
        """None unless decode steps are the timed section and the ceiling is known."""
        if main_section(one) != "tpot":
            return None
        seconds = iteration_seconds(one)
        moved, peak = one.facts.get("bytes_moved"), one.facts.get("peak_bandwidth")
        return moved / seconds / peak if seconds and moved and peak else None

    def samples(self, one: Round) -> int:
        """The samples of decode steps."""
        return len(one.timed("tpot"))


class Percentile(Metric):
    """Seconds within which `percent` of a round's iterations end; in decode, the time per token.

    It shows the tail that a median hides. Computed by linear interpolation between samples (Hyndman
    and Fan 1996, definition 7). A cell has it only if every round has enough samples.
    """

    percent: ClassVar[int]
    unit = "s"
    direction = Direction.LOWER
    every_round = True
    group = Group.SPEED
    leaderboard = False

    def value(self, one: Round) -> float | None:
        """The percentile of the main section; None with fewer than five samples beyond it.

        Also None if iterations are so short that a sample is the mean of several.
        """
        if one.facts.get("repeats", 1) > 1:
            return None
        timed = one.timed(main_section(one))
        if len(timed) * (100 - self.percent) < 100 * _BEYOND:
            return None
        return quantiles(timed, n=100, method="inclusive")[self.percent - 1]

    def samples(self, one: Round) -> int:
        """All samples of the main section."""
        return len(one.timed(main_section(one)))


@register("time_p90", "90th percentile of an iteration's time; in decode, of its time per token")
class TimeP90(Percentile):
    """Needs 50 samples per round."""

    title = "90th percentile"
    percent = 90


@register("time_p99", "99th percentile of an iteration's time; in decode, of its time per token")
class TimeP99(Percentile):
    """Needs 500 samples per round."""

    title = "99th percentile"
    percent = 99
