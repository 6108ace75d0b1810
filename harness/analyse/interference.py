"""What interfered with a cell's rounds on the host, from the facts of the rounds."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from harness.analyse.stats import FEWEST
from harness.domain.result import Round


@dataclass(frozen=True)
class Sign:
    """A fact that indicates interference if it is above the threshold."""

    fact: str  # its name among a round's facts
    what: str  # what `harness doctor` calls it
    threshold: float
    sentence: str  # {0} stands for the amount
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


# Shares are of all cores' time. The system's own work takes a few percent. The hypervisor takes
# nothing if the machine has its cores to itself.
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
        "the processor slowed down because of heat {0}",
        _times,
        "improve the cooling",
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
        "the GPU slowed down because of heat",
        _nothing,
        "improve the cooling",
    ),
    Sign(
        "host_gpu_capped",
        "GPU power limit",
        0,
        "the GPU slowed down because of its power limit",
        _nothing,
        "compare cells at the same limit",
    ),
)


_THRESHOLDS = {sign.fact: sign.threshold for sign in SIGNS}


def is_disturbed(one: Round) -> bool:
    """True if any sign was above its threshold while the round ran."""
    return any(value > _THRESHOLDS.get(fact, math.inf) for fact, value in one.facts.items())


def signs_of(one: Round) -> list[str]:
    """A sentence for each sign of interference with the round; empty if there was none."""
    return [
        sign.sentence.format(sign.amount(one.facts[sign.fact]))
        for sign in SIGNS
        if one.facts.get(sign.fact, 0.0) > sign.threshold
    ]


def undisturbed(rounds: Sequence[Round]) -> list[Round]:
    """The rounds without any sign of interference."""
    return [one for one in rounds if not is_disturbed(one)]


def counted_rounds(rounds: Sequence[Round]) -> list[Round]:
    """The rounds that a cell's figures come from.

    These are the undisturbed rounds if there are enough for an interval; else all rounds.
    """
    quiet = undisturbed(rounds)
    return quiet if len(quiet) >= FEWEST else list(rounds)


def kept_apart(rounds: Sequence[Round]) -> str:
    """A clause that says whether the disturbed rounds count; empty if there are none."""
    count = sum(map(is_disturbed, rounds))
    if not count:
        return ""
    verb = "was" if count == 1 else "were"
    disturbed = f"{count} of {len(rounds)} round{'' if len(rounds) == 1 else 's'} {verb} disturbed"
    if len(counted_rounds(rounds)) < len(rounds):
        return f"{disturbed} and {'does' if count == 1 else 'do'} not count"
    return f"{disturbed}; all count, because fewer than {FEWEST} were undisturbed"


def interference_report(rounds: Sequence[Round]) -> list[str]:
    """What disturbed the rounds, and whether those rounds count; empty if nothing did."""
    return [sentence for sentence in (*interference(rounds), kept_apart(rounds)) if sentence]


def interference(rounds: Sequence[Round]) -> list[str]:
    """A sentence for each kind of interference in the rounds; empty if there was none.

    A round lacks a fact if it was not looked for, or if the system does not report it.
    """
    return [sentence for sign in SIGNS if (sentence := _sentence(sign, rounds))]


def _sentence(sign: Sign, rounds: Sequence[Round]) -> str:
    seen = [one.facts[sign.fact] for one in rounds if sign.fact in one.facts]
    above = [value for value in seen if value > sign.threshold]
    if not above:
        return ""
    most = sign.amount(max(above))
    # The largest amount stands for all rounds.
    amount = f"up to {most}" if len({sign.amount(value) for value in above}) > 1 else most
    return f"{sign.sentence.format(amount)} in {len(above)} of {len(rounds)} rounds"
