"""Estimates how long a cell will take: from its earlier rounds, else from its work. Pure.

Neither the machine's speed nor the spread of its rounds is known here, so all times are ranges:
from a fast machine with the fewest rounds to a modest machine with the most.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from harness.analyse.stats import ENOUGH
from harness.domain.cell import Cell, Choice
from harness.domain.result import Took
from harness.launchers import launcher_of
from harness.parallelism import world_size
from harness.plan.feasible import Feasibility
from harness.spec.settings import Limits, Measure


@dataclass(frozen=True)
class Span:
    """A range of expected seconds."""

    low: float = 0.0
    high: float = 0.0

    def __add__(self, other: Span) -> Span:
        return Span(self.low + other.low, self.high + other.high)

    @property
    def middle(self) -> float:
        """The geometric mean of the range, for readers that need one figure."""
        return math.sqrt(self.low * self.high)


@dataclass(frozen=True)
class Pace:
    """A machine's speed."""

    core_flops: float  # FLOP/s of one processor core
    gpu_flops: float  # FLOP/s
    bandwidth: float  # bytes per second from the processor's memory
    gpu_bandwidth: float  # bytes per second
    build_rate: float  # parameters per second to draw, cast and place; or to write, hash and read
    compression_rate: float  # parameters per second in one compression
    launch_seconds: float  # to fork a process, end it, and read the host's interference around it
    rank_seconds: float  # for each rank to join the others
    import_seconds: float  # to import torch, once per run
    samples: float  # samples that a round takes, per sample asked for

    def slowed(self, factor: float) -> Pace:
        """The pace on a busy machine. Other work does not slow GPUs."""
        rates = ("core_flops", "bandwidth", "build_rate", "compression_rate")
        times = ("launch_seconds", "rank_seconds", "import_seconds")
        return replace(
            self,
            **{name: getattr(self, name) / factor for name in rates},
            **{name: getattr(self, name) * factor for name in times},
        )


# Sources. FLOPs: a core with AVX-512 does 64 per cycle at some 3.5 GHz, and good kernels reach a
# third of that over a whole model; a core with AVX2 does 32 at 2.2 GHz, and small products reach a
# seventh (hardware/processors.py). GPUs: half of an H100's 989 TFLOP/s in bf16 and 3.35 TB/s; a
# tenth of a T4's 8.1 TFLOP/s in fp32, half of its 320 GB/s (hardware/datasheets.py). Memory: half
# of eight channels of DDR5, half of one channel of DDR4. Building: torch draws normal numbers one
# after the other, in 3 to 30 ns each. Compression: from one pass over the weights to a singular
# value decomposition. Samples: worker/sampling.py takes at least one sample for warm-up, and at
# most as many as it keeps.
QUICK = Pace(
    core_flops=8e10,
    gpu_flops=5e14,
    bandwidth=1.5e11,
    gpu_bandwidth=1.7e12,
    build_rate=3e8,
    compression_rate=1e8,
    launch_seconds=0.3,
    rank_seconds=0.1,
    import_seconds=2.0,
    samples=1.0,
)
MODEST = Pace(
    core_flops=1e10,
    gpu_flops=8e11,
    bandwidth=1e10,
    gpu_bandwidth=1.6e11,
    build_rate=3e7,
    compression_rate=3e6,
    launch_seconds=1.0,
    rank_seconds=2.0,
    import_seconds=20.0,
    samples=2.0,
)
# The factor by which rounds may differ from those of an earlier run on an equally quiet machine.
_VARIATION = 1.25
# Tokens in the held-out documents, which the model and the dense model read (quality/text.py).
_QUALITY_TOKENS = 64 * 256
# A parity check reads the prompt twice, or trains for three steps, with the split model and again
# with the whole model (worker/parity.py).
_PARITY_PASSES = 4
_PARITY_STEPS = 6
# A cell's first round finds no compiler cache: it takes this many times `open_seconds` more.
_FIRST_OPENING = 9


@dataclass(frozen=True)
class Expected:
    """The expected time of a cell."""

    once: Span  # before its first round: preparing its model, checking its parity
    round: Span  # of one round
    rounds: tuple[int, int]  # from the fewest to the most

    def with_rounds(self, rounds: int) -> Expected:
        """The same, with a maximum of at least this many rounds."""
        return replace(self, rounds=(self.rounds[0], max(self.rounds[1], rounds)))

    def span(self, done: int = 0) -> Span:
        """The time of the rounds still to do, of which there is at least one."""
        few, many = (max(1, count - done) for count in self.rounds)
        low = self.once.low + few * self.round.low
        return Span(low, max(low, self.once.high + many * self.round.high))


def fewest_rounds(measure: Measure, seconds: float) -> int:
    """The rounds of a cell whose interval is narrow from the first."""
    return min(max(measure.rounds, ENOUGH), most_rounds(measure, seconds))


def most_rounds(measure: Measure, seconds: float) -> int:
    """The rounds of a cell whose interval stays wide. `seconds`: one round's time, 0 if unknown."""
    if not seconds:
        return measure.max_rounds
    return max(measure.rounds, min(measure.max_rounds, math.ceil(measure.max_time / seconds)))


def startup_time() -> Span:
    """The time of a run before its first round."""
    return Span(QUICK.import_seconds, MODEST.import_seconds)


def training_time(parameters: int, tokens: int, cores: int) -> Span:
    """The time to train a model on a processor: six FLOPs per parameter and token.

    Kaplan et al. 2020, arXiv 2001.08361, section 2.1.
    """
    seconds = 6 * parameters * tokens / cores
    return Span(seconds / QUICK.core_flops, seconds / MODEST.core_flops)


@dataclass
class Estimator:
    """Estimates times of cells. `durations` are those of earlier runs, by cell id.

    `load` is the number of other processes that want a core now.
    """

    feasibility: Feasibility
    durations: Mapping[str, Took]
    load: float = 0.0
    _work: dict[tuple[Choice, tuple[tuple[str, int], ...]], tuple[int, int]] = field(
        default_factory=dict
    )

    def expected(self, cell: Cell, measure: Measure, limits: Limits, *, prepares: bool) -> Expected:
        """The expected time of a cell. `prepares`: no earlier cell prepares the same model."""
        paces = (QUICK, MODEST.slowed(self._slowdown))
        took = self.durations.get(cell.id)
        once = Span(*(self._once(cell, measure, pace, prepares=prepares) for pace in paces))
        if cell.factory and cell.is_prepared and prepares:
            once = Span(once.low, limits.timeout)
        if took is None:
            each = Span(*(self._round(cell, measure, pace) for pace in paces))
            # A factory's model may have any size: only the time limit bounds its rounds.
            high = limits.timeout if cell.factory else min(each.high, limits.timeout)
            each = Span(min(each.low, limits.timeout), high)
            low, high = fewest_rounds(measure, each.low), most_rounds(measure, each.high)
        else:
            each = Span(took.seconds / _VARIATION, took.seconds * _VARIATION * self._slowdown)
            low = fewest_rounds(measure, took.seconds)
            high = max(measure.rounds, min(measure.max_rounds, took.rounds))
        return Expected(once, each, (min(low, high), max(low, high)))

    @property
    def _slowdown(self) -> float:
        """The factor by which other processes slow ours: all take turns on the cores."""
        return 1 + self.load / self.feasibility.host.logical_cores

    def _round(self, cell: Cell, measure: Measure, pace: Pace) -> float:
        """Seconds to start, build the model, read the prompt, sample, and inspect one iteration."""
        iteration = self._iteration(cell, pace)
        samples = min(measure.max_samples, pace.samples * measure.samples + 1)
        sampling = max(measure.round_time, samples * iteration)
        read = self._forward(cell, pace)
        return self._launch(cell, pace) + self._build(cell, pace) + read + sampling + 2 * iteration

    def _once(self, cell: Cell, measure: Measure, pace: Pace, *, prepares: bool) -> float:
        """Seconds of the backend's first opening, the model's preparation and a parity check."""
        # The first round finds nothing in a compiler's cache.
        seconds = _FIRST_OPENING * self.feasibility.backend(cell).open_seconds
        if prepares and cell.is_prepared:
            seconds += self._prepare(cell, measure, pace)
        if cell.parallelism and measure.quality:
            training = self.feasibility.trains(cell)
            passes = 0 if training else _PARITY_PASSES * self._forward(cell, pace)
            steps = _PARITY_STEPS * self._iteration(cell, pace) if training else 0
            seconds += self._launch(cell, pace) + 2 * self._build(cell, pace) + passes + steps
        return seconds

    def _prepare(self, cell: Cell, measure: Measure, pace: Pace) -> float:
        """Seconds to build, compress and write the model, and to measure its quality."""
        parameters = self._parameters(cell)
        entries = [self.feasibility.compression(one) for one in cell.compression]
        builds = 3 if measure.quality else 1
        read = 2 * _QUALITY_TOKENS if measure.quality and cell.is_weighted else 0
        trained = 3 * sum(entry.training_tokens() for entry in entries)
        flops = 2 * parameters * (read + trained)
        return (
            pace.launch_seconds
            + builds * self._build(cell, pace)
            + len(entries) * parameters / pace.compression_rate
            + flops / self._flops(cell, pace)
        )

    def _launch(self, cell: Cell, pace: Pace) -> float:
        world = world_size(cell)
        ranks = world * pace.rank_seconds if world > 1 else 0.0
        opening = self.feasibility.backend(cell).open_seconds
        return pace.launch_seconds + ranks + launcher_of(cell).launch_seconds + opening

    def _build(self, cell: Cell, pace: Pace) -> float:
        return self._parameters(cell) / pace.build_rate

    def _parameters(self, cell: Cell) -> int:
        """The number of parameters, or 0 if a factory's is unknown: the low end of the range."""
        return self.feasibility.parameters(cell) or 0

    def _iteration(self, cell: Cell, pace: Pace) -> float:
        """Seconds of arithmetic, or of reading the weights in each pass: the longer (a roofline).

        A forward pass takes two FLOPs per parameter and token, a backward pass twice as many
        (Kaplan et al. 2020, arXiv 2001.08361, section 2.1).
        """
        return self._roofline(cell, pace, *self._amount(cell))

    def _forward(self, cell: Cell, pace: Pace) -> float:
        """Seconds of one pass over the whole batch at its longest sequence."""
        scenario = self.feasibility.scenario(cell)
        return self._roofline(cell, pace, cell.load["batch"] * scenario.capacity(cell.load), 1)

    def _roofline(self, cell: Cell, pace: Pace, tokens: int, passes: int) -> float:
        arithmetic = 2 * self._parameters(cell) * tokens / self._flops(cell, pace)
        on_gpu = self.feasibility.threads(cell) is None
        bandwidth = pace.gpu_bandwidth if on_gpu else pace.bandwidth
        read = (self.feasibility.weight_bytes(cell) or 0.0) * passes
        return max(arithmetic, read / bandwidth)

    def _flops(self, cell: Cell, pace: Pace) -> float:
        """FLOP/s of all cores of the cell, or of one GPU."""
        threads = self.feasibility.threads(cell)
        if threads is None:
            return pace.gpu_flops
        return pace.core_flops * max(1, min(threads, self.feasibility.host.physical_cores))

    def _amount(self, cell: Cell) -> tuple[int, int]:
        """Tokens and passes of an iteration; a backward pass counts as two more."""
        key = (cell.scenario, cell.workload)
        if key not in self._work:
            scenario = self.feasibility.scenario(cell)
            work = [(one, 3 if one.backward else 1) for one in scenario.work(cell.load)]
            tokens = sum(one.batch * one.new * times for one, times in work)
            self._work[key] = (tokens, sum(times for _, times in work))
        return self._work[key]
