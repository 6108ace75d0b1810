"""How far a metric moves from run to run while nothing changes, from the history of its series."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from statistics import median

from harness.analyse.changes import steps
from harness.domain.result import Result, Status

# Without any history, runs are assumed to differ by this standard deviation, on logarithms. It is
# as uncertain as a standard deviation of five values.
ASSUMED = 0.02
_ASSUMED_FREEDOM = 4.0
# The noise of a history is the larger of two estimates by medians, so that spikes do no harm. It
# is about as exact as a standard deviation of half as many values: with this, the tests see an
# unchanged series called different in 1 to 5 % of cases, from 6 commits to 40.
_EFFICIENCY = 0.5
_LEAST_FREEDOM = 3.0


@dataclass(frozen=True)
class Noise:
    """How far a metric of one series moves from run to run while nothing changes."""

    deviation: float  # standard deviation on logarithms
    freedom: float  # degrees of freedom of its estimate
    assumed: bool = False  # True if it does not come from the series' own history


def noise_of_history(values: Sequence[float]) -> Noise | None:
    """The noise around a series' levels; None if the series has too few runs to say."""
    found = steps(values)
    if found is None:
        return None
    levels = len(found.changes) + 1
    return Noise(found.noise, max(_EFFICIENCY * (len(values) - levels), _LEAST_FREEDOM))


def assumed_noise(others: Iterable[Noise]) -> Noise:
    """The noise to assume of a series that is too short: the median of the host's other series.

    Without those it is ASSUMED.
    """
    deviations = [one.deviation for one in others if not one.assumed]
    middle = median(deviations) if deviations else ASSUMED
    return Noise(middle, _ASSUMED_FREEDOM, assumed=True)


class RunNoise:
    """The noise of the series that are compared, by cell, host, environment and metric."""

    def __init__(
        self, history: Iterable[Result], found: Iterable[Result], metrics: set[str]
    ) -> None:
        compared = {_place(one) for one in found}
        values: dict[tuple[str, str, str, str], list[float]] = {}
        for one in sorted(history, key=_when):
            if _place(one) in compared and one.status is Status.OK:
                for name in metrics & one.metrics.keys():
                    values.setdefault((*_place(one), name), []).append(one.metrics[name].value)
        self._known = {
            key: noise for key, one in values.items() if (noise := noise_of_history(one))
        }

    def of(self, one: Result, metric: str) -> Noise:
        """The noise of the result's series; of the host's other series if it is too short."""
        key = (*_place(one), metric)
        if key in self._known:
            return self._known[key]
        host = one.run.host.fingerprint
        return assumed_noise(
            noise
            for (_, place, _, name), noise in self._known.items()
            if (place, name) == (host, metric)
        )


def _place(one: Result) -> tuple[str, str, str]:
    return one.cell.id, one.run.host.fingerprint, one.run.environment.digest


def _when(one: Result) -> tuple[float, float]:
    started = one.run.started
    return (one.run.commit.date or started).timestamp(), started.timestamp()
