"""How surely a change of level over commits is found, how often noise is taken for one, how fast.

On made-up series of 100 nights with noise of 2 %: the share of series without any change in which
one is found, at the end and on any night; and in how many a step is found within some nights. The
same by asv's detector, and by Apache Otava's if it is installed (the extra `detectors`). Most laws
of the noise are not those that a target names: bursts, drift, weekly patterns, modes.

Run by `make changes`; it takes some minutes and needs no quiet machine.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import TypeAlias

import numpy as np

sys.path.insert(0, str(Path(__file__).parents[3]))  # asv imports this file as a part of its suite

from harness.analyse.changes import steps
from tests.benchmarks.suite.laws import LAWS, NOISE, Array, Law

Detector: TypeAlias = Callable[[Sequence[float]], list[int]]

NIGHTS = 100
NEAR = 2  # nights around the true one that count as found


def ours(values: Sequence[float]) -> list[int]:
    """Where the new levels begin."""
    found = steps(values)
    return [] if found is None else [one.index for one in found.changes]


def asvs(values: Sequence[float]) -> list[int]:
    """The same by asv's detector."""
    from asv.step_detect import detect_steps

    return [start for start, *_ in detect_steps(list(values))[1:]]


def otavas(values: Sequence[float]) -> list[int]:
    """The same by Apache Otava's, with the settings that its command has by default."""
    from otava.analysis import compute_change_points

    found, _ = compute_change_points(list(values), window_len=50, max_pvalue=0.001)
    return [one.index for one in found]


def detectors() -> dict[str, Detector]:
    """Ours first; those that are not installed are left out."""
    known: dict[str, Detector] = {"ours": ours, "asv": asvs, "otava": otavas}
    return {name: one for name, one in known.items() if name == "ours" or find_spec(name)}


def series(law: Law, count: int, rng: np.random.Generator) -> Array:
    """Times around one, positive."""
    return np.clip(1 + law(count, rng), 0.01, None)


def false_alarm(law: Law, detect: Detector, rng: np.random.Generator) -> bool:
    """Whether a series without a change is said to have one."""
    return bool(detect(series(law, NIGHTS, rng).tolist()))


def false_night(law: Law, detect: Detector, rng: np.random.Generator) -> bool:
    """Whether it is said on any night from the twentieth on."""
    values = series(law, NIGHTS, rng).tolist()
    return any(detect(values[:upto]) for upto in range(20, NIGHTS + 1))


def found_within(
    step: float, nights: int, law: Law, detect: Detector, rng: np.random.Generator
) -> bool:
    """Whether a step is found within so many nights, after 60 to 90 of the level before."""
    at = int(rng.integers(60, 91))
    values = series(law, at + nights, rng)
    values[at:] *= 1 + step
    return any(
        abs(index - at) <= NEAR
        for upto in range(at + 1, at + nights + 1)
        for index in detect(values[:upto].tolist())
    )


def share(
    trial: Callable[[Law, Detector, np.random.Generator], bool],
    law: Law,
    detect: Detector,
    count: int,
) -> str:
    """In how many of so many series, each by its own seed, the trial is true."""
    true = [trial(law, detect, np.random.default_rng(seed)) for seed in range(count)]
    return f"{np.mean(true):.1%}"


def speed(count: int, points: int, *, often: bool) -> float:
    """Seconds of processor time for so many series, with a step in the middle or every 50."""
    rng = np.random.default_rng(0)
    places = range(50, points, 50) if often else [points // 2]
    made = []
    for _ in range(count):
        values = np.exp(rng.normal(0, NOISE, points))
        for number, at in enumerate(places):
            values[at:] *= 1.1 if number % 2 == 0 else 1 / 1.1
        made.append(values.tolist())
    start = time.process_time()
    for one in made:
        steps(one)
    return time.process_time() - start


def main(count: int) -> None:
    """Print the tables."""
    known = detectors()
    for name in ("asv", "otava"):
        if name not in known:
            print(f"{name}: not installed")
    print("mozdetect: not compared; it reads a histogram for each day, not one value")
    for often in (False, True):
        every = "a step every 50 points" if often else "one step"
        print(f"500 series of 500 points, {every}: {speed(500, 500, often=often):.1f} s")
        print(f"1 series of 5,000 points, {every}: {speed(1, 5000, often=often):.2f} s", flush=True)
    print(f"{count} series of {NIGHTS} nights, noise {NOISE:.0%}; by {', '.join(known)}")
    print(f"{'law':20}{'false':>21}{'any night, ours':>17}{'6 % in 5':>21}{'10 % in 3':>21}")
    for name, law in LAWS.items():
        cells = []
        for trial, asked in (
            (false_alarm, list(known.values())),
            (false_night, [ours]),
            (lambda *given: found_within(0.06, 5, *given), list(known.values())),
            (lambda *given: found_within(0.10, 3, *given), list(known.values())),
        ):
            cells.append(" ".join(share(trial, law, detect, count) for detect in asked))
        print(f"{name:20}{cells[0]:>21}{cells[1]:>17}{cells[2]:>21}{cells[3]:>21}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
