"""asv's detector beside ours: it agrees, it disagrees, and it is not asked for nothing."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from harness.analyse import second_opinion as module
from harness.analyse.changes import Change, Steps, steps
from harness.analyse.second_opinion import NONE, SecondOpinion, second_opinion


def stepped(*indices: int) -> Steps:
    """Changes at these points, as if ours had found them."""
    changes = tuple(Change(index, 1.0, 1.1, 1e-6) for index in indices)
    return Steps(changes, noise=0.01, autocorrelation=0.0, smallest=0.03)


def asv_sees(monkeypatch: pytest.MonkeyPatch, *indices: int) -> None:
    monkeypatch.setattr(module, "_detected", lambda values: list(indices))


def test_asv_agrees_on_a_plain_step() -> None:
    values = np.exp(np.random.default_rng(0).normal(0, 0.01, 80))
    values[60:] *= 1.1
    assert second_opinion(list(values), steps(list(values))) == SecondOpinion((True,), ())


def test_two_points_apart_is_the_same_change(monkeypatch: pytest.MonkeyPatch) -> None:
    asv_sees(monkeypatch, 42, 63)
    assert second_opinion([1.0] * 80, stepped(40, 60)) == SecondOpinion((True, False), (63,))


def test_an_episode_is_no_step_that_asv_alone_sees(monkeypatch: pytest.MonkeyPatch) -> None:
    values = np.exp(np.random.default_rng(0).normal(0, 0.01, 100))
    values[30:37] *= 1.5
    values[80:] *= 1.1
    assert second_opinion(list(values), steps(list(values))) == SecondOpinion((True,), ())


@pytest.mark.parametrize("judged", [None, stepped()])
def test_asv_is_not_asked_where_there_is_no_change(
    monkeypatch: pytest.MonkeyPatch, judged: Steps | None
) -> None:
    asv_sees(monkeypatch, 40)
    assert second_opinion([1.0] * 80, judged) == NONE


def test_asv_is_given_a_bounded_window(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its places are those of the whole series."""
    given: list[int] = []

    def detected(values: list[float]) -> list[int]:
        given.append(len(values))
        return [100]

    monkeypatch.setattr(module, "_detected", detected)
    assert second_opinion([1.0] * 5000, stepped(4900)).agrees == (True,)
    assert given == [200]
    second_opinion([1.0] * 5000, stepped(50))
    assert given == [200, 400]


def test_asv_is_imported_only_when_it_is_asked() -> None:
    code = "import sys, harness.analyse.second_opinion; sys.exit('asv' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
