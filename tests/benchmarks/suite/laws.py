"""The noise that made-up series of nights have: each law gives relative deviations from a level.

Four laws are those that the harness's targets name. The others are what real machines do, and
have no changes of level that a commit made.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

Array: TypeAlias = NDArray[np.float64]
Law: TypeAlias = Callable[[int, np.random.Generator], Array]

NOISE = 0.02


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


def heavy_outliers(count: int, rng: np.random.Generator) -> Array:
    """One night in ten takes up to three times as long."""
    found = gaussian(count, rng)
    off = rng.random(count) < 0.1
    found[off] += rng.uniform(0.2, 2.0, off.sum())
    return found


def spells(count: int, rng: np.random.Generator) -> Array:
    """Now and then a neighbour slows a night or two, by a tenth up to double."""
    found = gaussian(count, rng)
    for night in np.flatnonzero(rng.random(count) < 0.03):
        found[night : night + rng.integers(1, 3)] += rng.uniform(0.1, 1.0)
    return found


def bursts(count: int, rng: np.random.Generator) -> Array:
    """One to three episodes of 3 to 10 nights, each slower by a share between 5 and 188 %.

    Two may follow at once or overlap. All are over ten nights before the end: until one is over,
    nothing tells it from a new level.
    """
    found = gaussian(count, rng)
    for start in rng.integers(5, max(count - 20, 6), rng.integers(1, 4)):
        found[start : start + rng.integers(3, 11)] += np.exp(rng.uniform(*np.log([0.05, 1.88])))
    return found


def drift(count: int, rng: np.random.Generator) -> Array:
    """1 % per 20 nights, up or down."""
    found: Array = gaussian(count, rng) + rng.choice([-1, 1]) * np.arange(count) * 0.01 / 20
    return found


def walk(count: int, rng: np.random.Generator) -> Array:
    """A random walk below the noise."""
    return gaussian(count, rng) + np.cumsum(rng.normal(0, NOISE / 10, count))


def weekly(count: int, rng: np.random.Generator) -> Array:
    """Two nights of each week are slower by 5 %."""
    nights = np.arange(count) + rng.integers(7)
    return gaussian(count, rng) + np.where(nights % 7 < 2, 0.05, 0.0)


def bimodal(count: int, rng: np.random.Generator) -> Array:
    """Each night has one of two modes, 3 % apart, with a quarter of the noise around each."""
    found: Array = gaussian(count, rng) / 4 + rng.choice([0.0, 0.03], count)
    return found


NAMED: dict[str, Law] = {
    "Gaussian": gaussian,
    "AR(1) 0.5": correlated(0.5),
    "log-normal": lognormal,
    "5 % outliers": outliers,
}
OTHERS: dict[str, Law] = {
    "AR(1) 0.8": correlated(0.8),
    "10 % heavy outliers": heavy_outliers,
    "spells of 1 or 2": spells,
    "bursts of 3 to 10": bursts,
    "drift": drift,
    "random walk": walk,
    "weekly": weekly,
    "bimodal": bimodal,
}
LAWS = {**NAMED, **OTHERS}
