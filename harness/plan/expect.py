"""How long a cell will take: what it took before, else a range from the work there is. Pure.

Nothing here knows the machine, or how much its rounds will differ, so that all times are ranges:
from what a quick machine takes for the fewest rounds to what a modest one takes for the most.
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
    """Seconds, from the least to the most that is expected."""

    low: float = 0.0
    high: float = 0.0

    def __add__(self, other: Span) -> Span:
        return Span(self.low + other.low, self.high + other.high)

    @property
    def middle(self) -> float:
        """One figure for the range: as many times the least as the most is of it."""
        return math.sqrt(self.low * self.high)


@dataclass(frozen=True)
class Pace:
    """What a machine gets done."""

    core_flops: float  # a second, by one core of a processor
    gpu_flops: float  # a second
    bandwidth: float  # bytes a second, from a processor's memory
    gpu_bandwidth: float
    built: float  # parameters a second: drawn, cast, placed; or written, hashed and read
    compressed: float  # parameters a second, by one compression
    launch: float  # seconds to fork a process, to end it, and to look at the host around it
    rank: float  # seconds for each rank to join the others
    imports: float  # seconds until torch is imported, once a run
    samples: float  # taken in a round, for each one asked

    def slowed(self, factor: float) -> Pace:
        """The same beside other work."""
        rates = ("core_flops", "bandwidth", "built", "compressed")
        times = ("launch", "rank", "imports")
        return replace(
            self,
            **{name: getattr(self, name) / factor for name in rates},
            **{name: getattr(self, name) * factor for name in times},
        )


# Sources. FLOPs: a core of AVX-512 does 64 a cycle at some 3.5 GHz, of which good kernels reach a
# third over a whole model; one of AVX2 32 at 2.2 GHz, of which small products reach a seventh
# (hardware/processors.py). GPUs: half of an H100's 989 TFLOP/s in bf16 and 3.35 TB/s; a tenth of a
# T4's 8.1 TFLOP/s in fp32, half of its 320 GB/s (hardware/datasheets.py). Memory: half of eight
# channels of DDR5, half of one of DDR4. Building: torch draws normal numbers one after the other,
# in 3 to 30 ns each. Compression: from one pass over the weights to a singular value
# decomposition. Samples: worker/sampling.py takes one for warm-up, at most as many as are kept.
QUICK = Pace(
    core_flops=8e10,
    gpu_flops=5e14,
    bandwidth=1.5e11,
    gpu_bandwidth=1.7e12,
    built=3e8,
    compressed=1e8,
    launch=0.3,
    rank=0.1,
    imports=2.0,
    samples=1.0,
)
MODEST = Pace(
    core_flops=1e10,
    gpu_flops=8e11,
    bandwidth=1e10,
    gpu_bandwidth=1.6e11,
    built=3e7,
    compressed=3e6,
    launch=1.0,
    rank=2.0,
    imports=20.0,
    samples=2.0,
)
# Rounds of a cell differ from those of earlier runs by so much, on a machine that is as quiet.
_AGAIN = 1.25
# Held-out documents and their tokens, which two models read (quality/text.py).
_JUDGED_TOKENS = 64 * 256
# Passes over a sequence in a parity proof: the split model and the whole one each read twice, or
# take three training steps (worker/parity.py).
_PROOF_PASSES = 4
_PROOF_STEPS = 6
# How much longer a backend takes to open where nothing that it makes once is there yet.
_COLD = 9


@dataclass(frozen=True)
class Expected:
    """What a cell is expected to take."""

    once: Span  # before its first round: its model prepared, its parity proved
    round: Span  # seconds of a round
    rounds: tuple[int, int]  # how many, from the fewest to the most

    def lasting(self, rounds: int) -> Expected:
        """The same with so many rounds at the most, if that is more."""
        return replace(self, rounds=(self.rounds[0], max(self.rounds[1], rounds)))

    def span(self, done: int = 0) -> Span:
        """Of all rounds but those done: one at least."""
        few, many = (max(1, count - done) for count in self.rounds)
        low = self.once.low + few * self.round.low
        return Span(low, max(low, self.once.high + many * self.round.high))


def fewest(measure: Measure, seconds: float) -> int:
    """Rounds of a cell whose rounds agree: as many as tell so, if its time box lasts."""
    return min(max(measure.rounds, ENOUGH), most(measure, seconds))


def most(measure: Measure, seconds: float) -> int:
    """Rounds of a cell whose rounds never agree, each of so many seconds; 0 if none was timed."""
    if not seconds:
        return measure.max_rounds
    return max(measure.rounds, min(measure.max_rounds, math.ceil(measure.max_time / seconds)))


def start() -> Span:
    """Of a run, before its first round."""
    return Span(QUICK.imports, MODEST.imports)


def training(parameters: int, tokens: int, cores: int) -> Span:
    """Of training a model on a processor, which takes six FLOPs a parameter and token.

    Kaplan et al. 2020, arXiv 2001.08361, section 2.1.
    """
    seconds = 6 * parameters * tokens / cores
    return Span(seconds / QUICK.core_flops, seconds / MODEST.core_flops)


@dataclass
class Expectation:
    """Expected times of cells, by what they took before (by cell id) where that is known.

    `load` is how many other processes want a core now.
    """

    feasibility: Feasibility
    durations: Mapping[str, Took]
    load: float = 0.0
    _work: dict[tuple[Choice, tuple[tuple[str, int], ...]], tuple[int, int]] = field(
        default_factory=dict
    )

    def of(self, cell: Cell, measure: Measure, limits: Limits, *, prepares: bool) -> Expected:
        """Of one cell; `prepares`: no other cell before it has prepared the same model."""
        paces = (QUICK, MODEST.slowed(self._slowdown))
        took = self.durations.get(cell.id)
        once = Span(*(self._once(cell, measure, pace, prepares=prepares) for pace in paces))
        if cell.factory and cell.is_prepared and prepares:
            once = Span(once.low, limits.timeout)
        if took is None:
            each = Span(*(self._round(cell, measure, pace) for pace in paces))
            # A factory's model may be of any size: only the time limit bounds its rounds.
            high = limits.timeout if cell.factory else min(each.high, limits.timeout)
            each = Span(min(each.low, limits.timeout), high)
            low, high = fewest(measure, each.low), most(measure, each.high)
        else:
            each = Span(took.seconds / _AGAIN, took.seconds * _AGAIN * self._slowdown)
            low = fewest(measure, took.seconds)
            high = max(measure.rounds, min(measure.max_rounds, took.rounds))
        return Expected(once, each, (min(low, high), max(low, high)))

    @property
    def _slowdown(self) -> float:
        """Of ours beside what runs now: all of it takes turns on the cores."""
        return 1 + self.load / self.feasibility.host.logical_cores

    def _round(self, cell: Cell, measure: Measure, pace: Pace) -> float:
        """Start, build the model, read the prompt, warm up, sample, and look at one iteration."""
        iteration = self._iteration(cell, pace)
        samples = min(measure.max_samples, pace.samples * measure.samples + 1)
        sampling = max(measure.round_time, samples * iteration)
        read = self._forward(cell, pace)
        return self._launch(cell, pace) + self._build(cell, pace) + read + sampling + 2 * iteration

    def _once(self, cell: Cell, measure: Measure, pace: Pace, *, prepares: bool) -> float:
        """What the backend makes once, the model's file, and the parity check of a split cell."""
        # A first round finds nothing in a compiler's cache.
        seconds = _COLD * self.feasibility.backend(cell).open_seconds
        if prepares and cell.is_prepared:
            seconds += self._prepare(cell, measure, pace)
        if cell.parallelism and measure.quality:
            training = self.feasibility.trains(cell)
            passes = 0 if training else _PROOF_PASSES * self._forward(cell, pace)
            steps = _PROOF_STEPS * self._iteration(cell, pace) if training else 0
            seconds += self._launch(cell, pace) + 2 * self._build(cell, pace) + passes + steps
        return seconds

    def _prepare(self, cell: Cell, measure: Measure, pace: Pace) -> float:
        """Build, compress, write; and to judge it, read it and build the dense one again."""
        parameters = self._parameters(cell)
        entries = [self.feasibility.compression(one) for one in cell.compression]
        builds = 3 if measure.quality else 1
        judged = 2 * _JUDGED_TOKENS if measure.quality and cell.is_weighted else 0
        learned = 3 * sum(entry.training_tokens() for entry in entries)
        flops = 2 * parameters * (judged + learned)
        return (
            pace.launch
            + builds * self._build(cell, pace)
            + len(entries) * parameters / pace.compressed
            + flops / self._flops(cell, pace)
        )

    def _launch(self, cell: Cell, pace: Pace) -> float:
        world = world_size(cell)
        ranks = world * pace.rank if world > 1 else 0.0
        opening = self.feasibility.backend(cell).open_seconds
        return pace.launch + ranks + launcher_of(cell).launch_seconds + opening

    def _build(self, cell: Cell, pace: Pace) -> float:
        return self._parameters(cell) / pace.built

    def _parameters(self, cell: Cell) -> int:
        """None at all if the number is unknown: the low end of a range."""
        return self.feasibility.parameters(cell) or 0

    def _iteration(self, cell: Cell, pace: Pace) -> float:
        """The longer of arithmetic and of reading the weights once a pass (a roofline).

        Two FLOPs a parameter and token; backward costs twice the forward (Kaplan et al. 2020,
        arXiv 2001.08361, section 2.1).
        """
        return self._roofline(cell, pace, *self._amount(cell))

    def _forward(self, cell: Cell, pace: Pace) -> float:
        """One pass over the longest sequence of the whole batch."""
        scenario = self.feasibility.scenario(cell)
        return self._roofline(cell, pace, cell.load["batch"] * scenario.capacity(cell.load), 1)

    def _roofline(self, cell: Cell, pace: Pace, tokens: int, passes: int) -> float:
        arithmetic = 2 * self._parameters(cell) * tokens / self._flops(cell, pace)
        on_gpu = self.feasibility.threads(cell) is None
        bandwidth = pace.gpu_bandwidth if on_gpu else pace.bandwidth
        read = (self.feasibility.weight_bytes(cell) or 0.0) * passes
        return max(arithmetic, read / bandwidth)

    def _flops(self, cell: Cell, pace: Pace) -> float:
        """A second: of all the cell's cores, or of one GPU."""
        threads = self.feasibility.threads(cell)
        if threads is None:
            return pace.gpu_flops
        return pace.core_flops * max(1, min(threads, self.feasibility.host.physical_cores))

    def _amount(self, cell: Cell) -> tuple[int, int]:
        """Tokens to work through, and passes over the weights; a backward counts as two more."""
        key = (cell.scenario, cell.workload)
        if key not in self._work:
            scenario = self.feasibility.scenario(cell)
            work = [(one, 3 if one.backward else 1) for one in scenario.work(cell.load)]
            tokens = sum(one.batch * one.new * times for one, times in work)
            self._work[key] = (tokens, sum(times for _, times in work))
        return self._work[key]
