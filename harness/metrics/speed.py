"""How fast a cell is, and what share of the hardware's speed that is."""

from __future__ import annotations

from statistics import quantiles
from typing import ClassVar

from harness.domain.metric import Direction
from harness.domain.result import Round
from harness.metrics import Group, Metric, register
from harness.metrics.iteration import iteration_seconds, main_section, section_median

# Fewest samples that lie beyond the percentile: fewer make it the luck of one or two of them.
_BEYOND = 5


class SectionMetric(Metric):
    """Seconds of a section: in a round, the median over its samples, warm-up left out."""

    section: ClassVar[str]
    unit = "s"
    direction = Direction.LOWER
    group = Group.SPEED

    def value(self, one: Round) -> float | None:
        """The median; None where the round never timed that section."""
        return section_median(one, self.section)

    def samples(self, one: Round) -> int:
        """Those timed."""
        return len(one.timed(self.section))


@register("latency", "time of one whole iteration")
class Latency(SectionMetric):
    """Seconds from the first piece of work to the last."""

    section = "latency"
    show_column = 2


@register("tokens_per_second", "tokens a second over the whole batch")
class TokensPerSecond(Metric):
    """The tokens an iteration goes through over its median time."""

    unit = "1/s"
    direction = Direction.HIGHER
    title = "Tokens/s"
    printed_unit = "tokens/s"
    group = Group.SPEED
    show_column = 1

    def value(self, one: Round) -> float | None:
        """From the whole iteration where it is timed, else from the time per token."""
        seconds = section_median(one, "latency") or section_median(one, "tpot")
        if not seconds or "tokens" not in one.facts:
            return None
        return one.facts["tokens"] / seconds

    def samples(self, one: Round) -> int:
        """Those of the section it is made from."""
        return len(one.timed("latency") or one.timed("tpot"))


@register("ttft", "time to first token")
class Ttft(SectionMetric):
    """Seconds from handing over the prompt to having the first token."""

    section = "ttft"
    title = "TTFT"
    show_column = 3


@register("tpot", "time per output token after the first")
class Tpot(SectionMetric):
    """Mean seconds a token within an iteration; also called inter-token latency."""

    section = "tpot"
    title = "TPOT"
    show_column = 4


@register("mfu", "share of the host's measured peak FLOP/s that goes into the model")
class Mfu(Metric):
    """Model FLOPs utilisation: the model's FLOPs over the time taken and the host's GEMM ceiling.

    Chowdhery et al. 2022 (PaLM, arXiv 2204.02311, appendix B), with the ceiling measured instead
    of taken from a data sheet. Of decode, which memory bandwidth binds, it would say nothing.
    """

    unit = "1"
    direction = Direction.HIGHER
    title = "MFU"
    printed_unit = "fraction"
    group = Group.SPEED
    show_column = 5

    def value(self, one: Round) -> float | None:
        """Where a whole iteration is timed and the ceiling is known."""
        seconds = section_median(one, "latency")
        flops, peak = one.facts.get("flops"), one.facts.get("peak_flops")
        return flops / seconds / peak if seconds and flops and peak else None

    def samples(self, one: Round) -> int:
        """Those of whole iterations."""
        return len(one.timed("latency"))


@register("mbu", "share of the host's measured bandwidth at its working set that decode uses")
class Mbu(Metric):
    """Bytes moved over the time taken and the host's read bandwidth: its utilisation.

    The bytes are those of weights and decode state. Databricks 2023, "LLM Inference Performance
    Engineering: Best Practices". The bandwidth is that of a buffer as large as what a token moves,
    caches included. Above 1 where a part of it stays in a nearer cache than the whole.
    """

    unit = "1"
    direction = Direction.HIGHER
    title = "MBU"
    printed_unit = "fraction"
    group = Group.SPEED
    show_column = 6

    def value(self, one: Round) -> float | None:
        """Where tokens alone are timed and the ceiling is known."""
        if main_section(one) != "tpot":
            return None
        seconds = iteration_seconds(one)
        moved, peak = one.facts.get("bytes_moved"), one.facts.get("peak_bandwidth")
        return moved / seconds / peak if seconds and moved and peak else None

    def samples(self, one: Round) -> int:
        """Those of tokens."""
        return len(one.timed("tpot"))


class Percentile(Metric):
    """Seconds within which `percent` of a round's iterations end; in decode, their time a token.

    It shows the tail that a median hides. In a round by linear interpolation between samples
    (Hyndman and Fan 1996, definition 7); where some round has too few samples for it, the cell
    has none.
    """

    percent: ClassVar[int]
    unit = "s"
    direction = Direction.LOWER
    every_round = True
    group = Group.SPEED
    leaderboard = False

    def value(self, one: Round) -> float | None:
        """Of the main section; None with fewer than five samples beyond it.

        Nor where iterations are so short that a sample is the mean of several.
        """
        if one.facts.get("repeats", 1) > 1:
            return None
        timed = one.timed(main_section(one))
        if len(timed) * (100 - self.percent) < 100 * _BEYOND:
            return None
        return quantiles(timed, n=100, method="inclusive")[self.percent - 1]

    def samples(self, one: Round) -> int:
        """All those of the main section."""
        return len(one.timed(main_section(one)))


@register("time_p90", "90th percentile of an iteration's time; in decode, of its time a token")
class TimeP90(Percentile):
    """Needs 50 samples a round."""

    title = "90th percentile"
    percent = 90


@register("time_p99", "99th percentile of an iteration's time; in decode, of its time a token")
class TimeP99(Percentile):
    """Needs 500 samples a round."""

    title = "99th percentile"
    percent = 99
