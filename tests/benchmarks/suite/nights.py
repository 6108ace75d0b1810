"""How often made-up nights find a change, and how often they take noise for one.

Each night measures twelve cells whose 60 earlier nights are known, and does what a night does:
values that leave the predicted range are suspects, pairs confirm or reject them, and controls
void the night if they fail. Rounds have noise of 2 %; the laws add what else machines do.

Run by `make nights`; it takes a minute and needs no quiet machine.
"""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import numpy as np
from numpy.typing import NDArray

from harness.analyse.confirm import LOOKS, SLOWED_BY, evidence, hold, order, void_reason
from harness.analyse.levels import Level, Measured, agreed, level, predicted
from harness.domain.cell import Cell, Choice
from harness.domain.metric import Direction
from harness.domain.night import Confirmation, Pair, Role, Verdict
from harness.domain.run import Commit

Array = NDArray[np.float64]
Law = Callable[[int, int, np.random.Generator], Array]  # [sequences, rounds], on logarithms

NOISE = 0.02
CELLS = 12
EARLIER = 60  # nights
ROUNDS = 5  # of a cell in a night
SECONDS = 15.0  # of a round
WHEN = datetime(2026, 1, 1, tzinfo=UTC)


def gaussian(rows: int, rounds: int, rng: np.random.Generator) -> Array:
    """Independent."""
    return rng.normal(0, NOISE, (rows, rounds))


def lognormal(rows: int, rounds: int, rng: np.random.Generator) -> Array:
    """Skewed: slow rounds are further from the median than quick ones."""
    raw: Array = rng.lognormal(0, 1, (rows, rounds))
    found: Array = NOISE * (raw - np.exp(0.5)) / np.sqrt((np.e - 1) * np.e)
    return found


def correlated(rows: int, rounds: int, rng: np.random.Generator) -> Array:
    """AR(1): each round keeps half of the one before."""
    found: Array = gaussian(rows, rounds + 20, rng) * np.sqrt(0.75)
    for place in range(1, rounds + 20):
        found[:, place] += 0.5 * found[:, place - 1]
    settled: Array = found[:, 20:]
    return settled


def bursts(rows: int, rounds: int, rng: np.random.Generator) -> Array:
    """Every twentieth round takes up to 188 % longer."""
    size = np.log1p(rng.uniform(0, 1.88, (rows, rounds)))
    return gaussian(rows, rounds, rng) + np.where(rng.random((rows, rounds)) < 0.05, size, 0)


def episodes(rows: int, rounds: int, rng: np.random.Generator) -> Array:
    """Now and then other work slows two to seven rounds, by a tenth up to double."""
    found = gaussian(rows, rounds, rng)
    for row, place in np.argwhere(rng.random((rows, rounds)) < 0.02):
        found[row, place : place + rng.integers(2, 8)] += np.log1p(rng.uniform(0.1, 1))
    return found


def drift(rows: int, rounds: int, rng: np.random.Generator) -> Array:
    """The machine slows down by 5 % per hour."""
    slower = np.log(1.05) * np.arange(rounds) * SECONDS / 3600
    found: Array = gaussian(rows, rounds, rng) + slower
    return found


def second_slower(rows: int, rounds: int, rng: np.random.Generator) -> Array:
    """The second round of a pair takes 1 % longer."""
    found = gaussian(rows, rounds, rng)
    found[:, 1::2] += np.log(1.01)
    return found


def two_speeds(rows: int, rounds: int, rng: np.random.Generator) -> Array:
    """Three processes in ten are 6 % slower from beginning to end."""
    slow = 0.06 * (rng.random((rows, rounds)) < 0.3)
    found: Array = gaussian(rows, rounds, rng) / 2 + slow
    return found


def slow_nights(rows: int, rounds: int, rng: np.random.Generator) -> Array:
    """One night in twenty is 10 % slower throughout."""
    found: Array = gaussian(rows, rounds, rng) + 0.1 * (rng.random((rows, 1)) < 0.05)
    return found


LAWS: dict[str, Law] = {
    "Gaussian": gaussian,
    "log-normal": lognormal,
    "AR(1) 0.5": correlated,
    "bursts": bursts,
    "episodes": episodes,
    "drift": drift,
    "second slower": second_slower,
    "two speeds": two_speeds,
    "slow nights": slow_nights,
}


@dataclass
class Night:
    """What a night found."""

    found: list[Confirmation]
    void: str

    def confirmed(self, cell: Cell) -> Confirmation | None:
        """The cell's confirmed change, if the night counts."""
        changes = (one for one in self.found if one.cell == cell and one.role is Role.SUSPECT)
        one = next(changes, None)
        return one if one and not self.void and one.verdict is Verdict.CONFIRMED else None

    @property
    def false(self) -> int:
        """Confirmed changes of cells that did not change: all but the first."""
        return sum(self.confirmed(one) is not None for one in CELL[1:])


@dataclass
class Machine:
    """Draws rounds by a law."""

    law: Law
    rng: np.random.Generator
    dice: random.Random = field(default_factory=lambda: random.Random(0))

    def values(self, nights: int) -> Array:
        """Medians of the cells' rounds: [nights, CELLS]. Each pass shuffles the cells."""
        rounds = self.law(nights, ROUNDS * CELLS, self.rng).reshape(nights * ROUNDS, CELLS)
        by_cell = self.rng.permuted(rounds, axis=1).reshape(nights, ROUNDS, CELLS)
        found: Array = np.exp(np.median(by_cell, axis=1))
        return found

    def __post_init__(self) -> None:
        self._pairs = self._drawn()

    def _drawn(self) -> Iterator[Array]:
        while True:
            yield from self.law(500, 2 * LOOKS[-1], self.rng).reshape(500, LOOKS[-1], 2)

    def pairs(self, ratio: float) -> list[Pair]:
        """As many as the last look takes."""
        return [
            Pair(True, second, ratio * first) if head_first else Pair(False, first, ratio * second)
            for head_first, (first, second) in zip(
                order(self.dice), np.exp(next(self._pairs)).tolist(), strict=True
            )
        ]

    def compared(self, role: Role, cell: Cell, ratio: float, among: int) -> Confirmation:
        """Pairs until the verdict."""
        pairs = self.pairs(ratio)
        for count in LOOKS:
            seen = evidence(pairs[:count], among)
            if seen.verdict is not None:
                return confirmation(
                    role, cell, seen.verdict, tuple(pairs[:count]), seen.ratio, seen.p
                )
        raise AssertionError("the last look has a verdict")

    def night(self, earlier: Array, values: Array, ratio: float) -> Night:
        """A night whose first cell changed by the ratio.

        `earlier` are values by cell and night, [CELLS, EARLIER]; `values` are tonight's.
        """
        tonight = values.tolist()
        tonight[0] *= ratio
        suspects = [
            at
            for at, (before, value) in enumerate(zip(earlier.tolist(), tonight, strict=True))
            if not predicted(before).contains(value)
        ]
        asked = [(Role.SUSPECT, at, 1.0 if at else ratio) for at in suspects]
        asked += [(Role.SAME, 0, 1.0), (Role.SLOWED, 0, 1 + SLOWED_BY)]
        found = hold(
            [self.compared(role, CELL[at], by, len(suspects) or 1) for role, at, by in asked]
        )
        return Night(found, void_reason(found))


def confirmation(
    role: Role, cell: Cell, verdict: Verdict, pairs: tuple[Pair, ...], ratio: float, p: float | None
) -> Confirmation:
    """Of a time, between two made-up commits."""
    return Confirmation(
        role=role,
        cell=cell,
        metric="latency",
        unit="s",
        direction=Direction.LOWER,
        base=Commit("a"),
        head=Commit("b"),
        verdict=verdict,
        pairs=pairs,
        ratio=ratio,
        p=p,
    )


def _cell(number: int) -> Cell:
    one = Choice("any")
    axes = dict.fromkeys(("model", "hardware", "scenario", "operator", "precision", "backend"), one)
    return Cell(**axes, parallelism=(), compression=(), workload=(("batch", number),))


CELL = [_cell(number) for number in range(CELLS)]


@dataclass
class Tally:
    """Of many nights at one ratio."""

    nights: list[Night]

    @property
    def false(self) -> int:
        """Nights that count and confirm a change of an unchanged cell."""
        return sum(one.false > 0 for one in self.nights)

    @property
    def void(self) -> float:
        return float(np.mean([bool(one.void) for one in self.nights]))

    @property
    def found(self) -> float:
        """The share of nights that confirm the first cell's change, void ones included."""
        return float(np.mean([one.confirmed(CELL[0]) is not None for one in self.nights]))

    def pairs(self, *roles: Role) -> list[int]:
        """Of each comparison in these roles."""
        return [len(c.pairs) for one in self.nights for c in one.found if c.role in roles]


def nights(machine: Machine, count: int, ratio: float) -> tuple[Array, Tally]:
    """The histories, [count, CELLS, EARLIER], and what the nights after them found."""
    earlier = machine.values(count * EARLIER).reshape(count, EARLIER, CELLS).transpose(0, 2, 1)
    values = machine.values(count)
    found = [machine.night(*one, ratio) for one in zip(earlier, values, strict=True)]
    return earlier, Tally(found)


def second_night(
    machine: Machine, earlier: Array, first: Confirmation, ratio: float
) -> tuple[bool, Level]:
    """Whether the second night accepts the first one's change, and the level after both.

    `earlier` are the changed cell's values before the two nights.
    """
    when = [WHEN + timedelta(days=day) for day in range(EARLIER + 2)]
    points = [Measured(one, Commit("a"), day) for one, day in zip(earlier, when, strict=False)]
    points.append(Measured(1.1, Commit("b"), when[-2], night=1))
    before = level(points, {1: first})
    value = float(machine.values(1)[0, 0]) * ratio
    points.append(Measured(value, Commit("c"), when[-1], night=2))
    if predicted(before.values).contains(value):
        return False, level(points, {1: first})
    again = machine.compared(Role.SUSPECT, CELL[0], ratio, 1)
    return agreed(again, before), level(points, {1: first, 2: again})


def accepted(
    machine: Machine, earlier: Array, tally: Tally, ratio: float, most: int = 100
) -> float:
    """The share of confirmed changes that a second night accepts, of the first nights.

    The ratio is the second night's. An accepted change is the new level, any other is not.
    """
    taken = [
        second_night(machine, history[0], first, ratio)
        for history, one in list(zip(earlier, tally.nights, strict=True))[:most]
        if (first := one.confirmed(CELL[0]))
    ]
    assert all(
        is_new == (found.base.sha == "c" and len(found.values) == 2) for is_new, found in taken
    )
    return float(np.mean([is_new for is_new, _ in taken]))


def main(count: int) -> None:
    """Print the table."""
    print(f"{count} nights of {CELLS} cells for each law and change; rounds have {NOISE:.0%} noise")
    heads = (
        "false",
        "void",
        "suspects",
        "their pairs",
        "all pairs",
        "5 %",
        "10 %",
        "again",
        "gone",
    )
    print(f"{'law':14}" + "".join(f"{head:>13}" for head in heads))
    for name, law in LAWS.items():
        machine = Machine(law, np.random.default_rng(0))
        _, same = nights(machine, count, 1.0)
        _, small = nights(machine, count, 1.05)
        earlier, large = nights(machine, count, 1.1)
        suspects = same.pairs(Role.SUSPECT)
        cells = (
            f"{same.false}",
            f"{same.void:.1%}",
            f"{len(suspects) / count:.2f}",
            f"{np.mean(suspects):.1f}" if suspects else "",
            f"{sum(same.pairs(*Role)) / count:.1f}",
            f"{small.found:.1%}",
            f"{large.found:.1%}",
            f"{accepted(machine, earlier, large, 1.1):.0%}",
            f"{accepted(machine, earlier, large, 1.0):.0%}",
        )
        print(f"{name:14}" + "".join(f"{one:>13}" for one in cells), flush=True)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 1000)
