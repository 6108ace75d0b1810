"""How surely a change of level over commits is found, and how often noise is taken for one.

On made-up series of 100 nights with noise of 2 %: the share of series without any change in which
one is found, at the end and on any night; and in how many a step is found within some nights. The
same by asv's detector. A third of the laws are not those that a target names: correlation that
asymptotic formulas do not fit, bursts, drift.

Run by `make changes`; it takes some minutes and needs no quiet machine.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from harness.analyse.changes import steps

Array = NDArray[np.float64]
Law = Callable[[int, np.random.Generator], Array]
Detector = Callable[[Sequence[float]], list[int]]

NOISE = 0.02
NIGHTS = 100
NEAR = 2  # nights around the true one that count as found


def gaussian(count: int, rng: np.random.Generator) -> Array:
    """Independent."""
    found: Array = rng.normal(0, NOISE, count)
    return found


def correlated(share: float) -> Law:
    """AR(1): each night keeps a share of the one before."""

    def law(count: int, rng: np.random.Generator) -> Array:
        found: Array = gaussian(count + 100, rng) * np.sqrt(1 - share**2)
        for night in range(1, len(found)):
            found[night] += share * found[night - 1]
        return found[100:]

    return law


def lognormal(count: int, rng: np.random.Generator) -> Array:
    """Skewed: slow nights are further from the median than quick ones."""
    raw: Array = rng.lognormal(0, 1, count)
    found: Array = NOISE * (raw - np.exp(0.5)) / np.sqrt((np.e - 1) * np.e)
    return found


def outliers(count: int, rng: np.random.Generator) -> Array:
    """One night in twenty is off by five to ten standard deviations, either way."""
    found = gaussian(count, rng)
    off = rng.random(count) < 0.05
    found[off] += rng.choice([-1, 1], off.sum()) * rng.uniform(5, 10, off.sum()) * NOISE
    return found


def bursts(count: int, rng: np.random.Generator) -> Array:
    """Now and then a neighbour slows a night or two, by a tenth up to double."""
    found = gaussian(count, rng)
    for night in np.flatnonzero(rng.random(count) < 0.03):
        found[night : night + rng.integers(1, 3)] += rng.uniform(0.1, 1.0)
    return found


def drift(count: int, rng: np.random.Generator) -> Array:
    """A random walk below the noise."""
    return gaussian(count, rng) + np.cumsum(rng.normal(0, NOISE / 10, count))


LAWS: dict[str, Law] = {
    "Gaussian": gaussian,
    "AR(1) 0.5": correlated(0.5),
    "log-normal": lognormal,
    "5 % outliers": outliers,
    "AR(1) 0.8": correlated(0.8),
    "bursts": bursts,
    "drift": drift,
}


def ours(values: Sequence[float]) -> list[int]:
    """Where the new levels begin."""
    found = steps(values)
    return [] if found is None else [one.index for one in found.changes]


def asvs(values: Sequence[float]) -> list[int]:
    """The same by asv's detector."""
    from asv.step_detect import detect_steps

    return [start for start, *_ in detect_steps(list(values))[1:]]


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


def main(count: int) -> None:
    """Print the table."""
    print(f"{count} series of {NIGHTS} nights, noise {NOISE:.0%}; ours, then asv's in brackets")
    print(f"{'law':14}{'false':>16}{'false, any night':>20}{'6 % in 5':>16}{'10 % in 3':>16}")
    for name, law in LAWS.items():
        cells = []
        for trial, detectors in (
            (false_alarm, (ours, asvs)),
            (false_night, (ours,)),
            (lambda *given: found_within(0.06, 5, *given), (ours, asvs)),
            (lambda *given: found_within(0.10, 3, *given), (ours, asvs)),
        ):
            shares = [
                np.mean([trial(law, detect, np.random.default_rng(seed)) for seed in range(count)])
                for detect in detectors
            ]
            cells.append(" ".join([f"{shares[0]:.1%}", *(f"({one:.1%})" for one in shares[1:])]))
        print(f"{name:14}{cells[0]:>16}{cells[1]:>20}{cells[2]:>16}{cells[3]:>16}", flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 200)
