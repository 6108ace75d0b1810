"""What else happened on the host while a cell was measured, told from its rounds' facts."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.analyse.stats import FEWEST
from harness.domain.result import Round


@dataclass(frozen=True)
class Sign:
    """A fact that tells of a disturbance where it is above the threshold."""

    fact: str  # its name among a round's facts
    what: str  # what `harness doctor` calls it
    threshold: float
    told: str  # {0} stands for how much
    amount: Callable[[float], str]
    advice: str


def _share(value: float) -> str:
    return f"{value:.0%}" if value >= 0.1 else f"{value:.1%}"


def _mebibytes(value: float) -> str:
    return f"{value / 2**20:.3g} MiB"


def _times(value: float) -> str:
    return "once" if value == 1 else f"{value:.0f} times"


def _processes(value: float) -> str:
    return "1 other process" if value == 1 else f"{value:.0f} other processes"


def _nothing(_: float) -> str:
    return ""


# Shares are of the time of all cores. A few percent pass for the system's own work; the
# hypervisor takes nothing from a machine that has its cores to itself.
SIGNS = (
    Sign(
        "host_others",
        "other processes",
        0.05,
        "other processes used {0} of the CPU",
        _share,
        "stop other work",
    ),
    Sign(
        "host_steal",
        "steal time",
        0.005,
        "the hypervisor took {0} of the CPU's time",
        _share,
        "the host is shared",
    ),
    Sign(
        "host_swapped",
        "swapping",
        0,
        "{0} moved to or from swap",
        _mebibytes,
        "free memory first",
    ),
    Sign(
        "host_throttled",
        "thermal throttling",
        0,
        "the processor slowed down for heat {0}",
        _times,
        "cool it",
    ),
    Sign(
        "host_gpu_others",
        "other GPU processes",
        0,
        "{0} held the GPU",
        _processes,
        "stop other work on it",
    ),
    Sign(
        "host_gpu_hot",
        "GPU thermal throttling",
        0,
        "the GPU slowed down for heat",
        _nothing,
        "cool it",
    ),
    Sign(
        "host_gpu_capped",
        "GPU power limit",
        0,
        "the GPU slowed down for its power limit",
        _nothing,
        "compare cells at the same limit",
    ),
)


_THRESHOLDS = {sign.fact: sign.threshold for sign in SIGNS}


def is_disturbed(one: Round) -> bool:
    """True if some sign was above its threshold while the round ran."""
    return any(value > _THRESHOLDS.get(fact, math.inf) for fact, value in one.facts.items())


def signs_of(one: Round) -> list[str]:
    """What disturbed the round, a sentence each; empty where nothing was seen."""
    return [
        sign.told.format(sign.amount(one.facts[sign.fact]))
        for sign in SIGNS
        if one.facts.get(sign.fact, 0.0) > sign.threshold
    ]


def undisturbed(rounds: Sequence[Round]) -> list[Round]:
    """The rounds during which nothing else was seen on the host."""
    return [one for one in rounds if not is_disturbed(one)]


def counting(rounds: Sequence[Round]) -> list[Round]:
    """The rounds that a cell's figures come from.

    The undisturbed ones, if there are as many as an interval needs; else all.
    """
    quiet = undisturbed(rounds)
    return quiet if len(quiet) >= FEWEST else list(rounds)


def kept_apart(rounds: Sequence[Round]) -> str:
    """A sentence on what became of the disturbed rounds; empty where there are none."""
    count = sum(map(is_disturbed, rounds))
    if not count:
        return ""
    verb = "was" if count == 1 else "were"
    told = f"{count} of {len(rounds)} round{'' if len(rounds) == 1 else 's'} {verb} disturbed"
    if len(counting(rounds)) < len(rounds):
        return f"{told} and {'is' if count == 1 else 'are'} kept apart"
    return f"{told}; all count, because fewer than {FEWEST} were undisturbed"


def account(rounds: Sequence[Round]) -> list[str]:
    """What disturbed the rounds, and what became of those: sentences, none where nothing did."""
    return [sentence for sentence in (*disturbances(rounds), kept_apart(rounds)) if sentence]


def disturbances(rounds: Sequence[Round]) -> list[str]:
    """A sentence for each kind of disturbance that some round saw; empty where none did.

    What a round has no fact of was not looked at, or is not told by that system.
    """
    return [sentence for sign in SIGNS if (sentence := _sentence(sign, rounds))]


def _sentence(sign: Sign, rounds: Sequence[Round]) -> str:
    seen = [one.facts[sign.fact] for one in rounds if sign.fact in one.facts]
    above = [value for value in seen if value > sign.threshold]
    if not above:
        return ""
    most = sign.amount(max(above))
    # One figure stands for several rounds: the largest.
    amount = f"up to {most}" if len({sign.amount(value) for value in above}) > 1 else most
    return f"{sign.told.format(amount)} in {len(above)} of {len(rounds)} rounds"
