"""What nights say about their own alarms."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any, TypeAlias

import pytest

from harness.analyse.audit import FEWEST, Finding, Health, audit, runs
from harness.domain.cell import Cell, Choice
from harness.domain.metric import Direction
from harness.domain.night import Confirmation, Kind, Night, NightState, Role, Verdict
from harness.domain.run import Commit, Environment, Host

MakeNight: TypeAlias = Callable[..., Night]
MakeFound: TypeAlias = Callable[..., Confirmation]
START = datetime(2026, 3, 1, 2, 30, tzinfo=UTC)


def commit(number: int) -> Commit:
    return Commit(f"{number:040x}", date=START + timedelta(days=number))


@pytest.fixture
def found(make_cell: Callable[..., Cell]) -> MakeFound:
    """A confirmed suspect, 10 % slower than the commit before, unless told otherwise."""

    def made(number: int = 1, prompt: int = 8, **others: Any) -> Confirmation:
        cell = make_cell().replace(workload=(("batch", 1), ("prompt", prompt)))
        plain = Confirmation(
            role=Role.SUSPECT,
            cell=cell,
            metric="latency",
            unit="s",
            direction=Direction.LOWER,
            base=commit(number - 1),
            head=commit(number),
            verdict=Verdict.CONFIRMED,
            ratio=1.1,
            low=1.08,
            high=1.12,
            p=1e-6,
        )
        return replace(plain, **others)

    return made


@pytest.fixture
def night(host: Host) -> MakeNight:
    """The night of that commit, done, with what it found."""

    def made(number: int, *found: Confirmation, **others: Any) -> Night:
        plain = Night(
            kind=Kind.NIGHTLY,
            host=host,
            environment=Environment({"torch": "2.13.0"}),
            head=commit(number),
            started=START + timedelta(days=number),
            state=NightState.DONE,
            confirmations=found,
        )
        return replace(plain, **others)

    return made


def finding(name: str, nights: list[Night], **options: Any) -> Finding:
    (one,) = [one for one in audit(nights, **options) if one.name == name]
    return one


def test_without_nights_nothing_is_known() -> None:
    assert {one.health for one in audit([])} == {Health.UNKNOWN}


def test_nights_that_only_find_regressions_are_suspicious(
    night: MakeNight, found: MakeFound
) -> None:
    """Nine of nine nights: p = 2 / 2^9."""
    one = finding("directions", [night(n, found(n)) for n in range(1, 10)])
    assert one.health is Health.SUSPICIOUS
    assert one.figures["p"] == pytest.approx(2 / 2**9)
    assert (one.figures["regressions"], one.figures["improvements"]) == (9, 0)


def test_nights_that_only_find_improvements_are_suspicious_too(
    night: MakeNight, found: MakeFound
) -> None:
    nights = [night(n, found(n, ratio=0.9)) for n in range(1, 10)]
    assert finding("directions", nights).health is Health.SUSPICIOUS


def test_both_directions_are_healthy(night: MakeNight, found: MakeFound) -> None:
    nights = [night(n, found(n, ratio=1.1 if n % 2 else 0.9)) for n in range(1, 10)]
    assert finding("directions", nights).health is Health.HEALTHY


def test_a_few_nights_decide_nothing(night: MakeNight, found: MakeFound) -> None:
    one = finding("directions", [night(n, found(n)) for n in range(1, FEWEST)])
    assert (one.health, one.figures["p"]) == (Health.UNKNOWN, None)


def test_many_cells_of_one_night_have_one_cause(night: MakeNight, found: MakeFound) -> None:
    one = finding("directions", [night(1, *(found(1, prompt) for prompt in range(1, 10)))])
    assert one.health is Health.UNKNOWN
    assert one.figures["regressions"] == 9


@pytest.mark.parametrize(
    "left_out",
    [
        {"accepted": True},  # the same change, seen by a second night
        {"verdict": Verdict.REJECTED},
        {"role": Role.SLOWED},
    ],
)
def test_only_new_confirmed_changes_have_a_direction(
    night: MakeNight, found: MakeFound, left_out: dict[str, Any]
) -> None:
    one = finding("directions", [night(n, found(n, **left_out)) for n in range(1, 10)])
    assert one.figures["regressions"] == 0


@pytest.mark.parametrize("left_out", [{"state": NightState.VOID}, {"kind": Kind.BISECT}])
def test_void_nights_and_other_commands_have_no_direction(
    night: MakeNight, found: MakeFound, left_out: dict[str, Any]
) -> None:
    """A bisection looks for a change that is known: its direction says nothing."""
    one = finding("directions", [night(n, found(n), **left_out) for n in range(1, 10)])
    assert one.figures["regressions"] == 0


def test_alerts_that_return_on_unchanged_code_are_healthy(
    night: MakeNight, found: MakeFound
) -> None:
    one = finding("overlap", [night(1, found(1)) for _ in range(4)])
    assert (one.figures["pairs"], one.figures["jaccard"]) == (3, 1.0)
    assert one.health is Health.HEALTHY


def test_disjoint_alerts_on_unchanged_code_are_noise(night: MakeNight, found: MakeFound) -> None:
    one = finding("overlap", [night(1, found(1, prompt)) for prompt in range(1, 5)])
    assert (one.figures["pairs"], one.figures["jaccard"]) == (3, 0.0)
    assert one.health is Health.SUSPICIOUS


def test_an_alert_that_half_returns_counts_half(night: MakeNight, found: MakeFound) -> None:
    one = finding("overlap", [night(1, found(1), found(1, 16)), night(1, found(1))])
    assert one.figures["jaccard"] == 0.5
    assert one.health is Health.UNKNOWN


def test_other_code_another_host_and_quiet_nights_are_not_compared(
    night: MakeNight, found: MakeFound, host: Host
) -> None:
    nights = [
        night(1, found(1)),
        night(2),
        night(2),
        night(2, found(2), host=replace(host, physical_cores=99)),
    ]
    assert finding("overlap", nights).figures["pairs"] == 0


def test_an_accepted_change_cannot_alert_again(night: MakeNight, found: MakeFound) -> None:
    """The second night accepts it; the third finds it at its new level."""
    nights = [night(1, found(1)), night(1, found(1, accepted=True)), night(1)]
    one = finding("overlap", nights)
    assert (one.figures["pairs"], one.figures["jaccard"]) == (1, 1.0)


def test_a_confirmed_alert_at_a_commit_that_changes_nothing_is_suspicious(
    night: MakeNight, found: MakeFound
) -> None:
    nights = [night(1, found(1)), night(2, found(2, verdict=Verdict.REJECTED)), night(3, found(3))]
    touched = {1: True, 2: False, 3: False}
    one = finding("untouched", nights, touches=lambda _, base, head: touched[int(head.sha, 16)])
    assert one.health is Health.SUSPICIOUS
    assert (one.figures["untouched"], one.figures["untouched_confirmed"]) == (2, 1)


def test_a_rejected_alert_at_such_a_commit_is_healthy(night: MakeNight, found: MakeFound) -> None:
    nights = [night(1, found(1, verdict=Verdict.REJECTED))]
    one = finding("untouched", nights, touches=lambda *_: False)
    assert one.health is Health.HEALTHY


def test_without_the_repository_it_is_not_known(night: MakeNight, found: MakeFound) -> None:
    one = finding("untouched", [night(1, found(1))])
    assert one.health is Health.UNKNOWN
    assert "not known for 1 alert" in one.found


def test_void_nights_are_counted_with_their_reasons(night: MakeNight) -> None:
    """Nights that still run are not."""
    void = [night(n, state=NightState.VOID, reason="the control alarmed") for n in range(6)]
    done, running = [night(9)] * 4, [night(10, state=NightState.RUNNING)]
    one = finding("void", [*void, *done, *running])
    assert (one.figures["count"], one.figures["total"]) == (6, 10)
    assert "the control alarmed (6)" in one.found
    assert one.health is Health.SUSPICIOUS
    assert finding("void", done * 5).health is Health.HEALTHY


def test_controls_measure_the_rate_of_false_alarms(night: MakeNight, found: MakeFound) -> None:
    """In void nights too: without them the rate would be zero by definition."""
    quiet = found(1, role=Role.SAME, verdict=Verdict.REJECTED, p=0.6)
    lucky = replace(quiet, p=0.03)
    alarm = replace(quiet, verdict=Verdict.CONFIRMED, p=1e-5)
    failed = replace(quiet, verdict=Verdict.FAILED, p=None)
    nights = [night(1, *[quiet] * 97, *[lucky] * 2), night(2, alarm, failed, state=NightState.VOID)]
    by_p, confirmed = finding("same_p", nights), finding("same_confirmed", nights)
    assert (by_p.figures["count"], by_p.figures["total"]) == (3, 100)
    assert (confirmed.figures["count"], confirmed.figures["total"]) == (1, 100)
    assert by_p.health is Health.HEALTHY
    assert confirmed.health is Health.SUSPICIOUS


def test_slowed_controls_measure_the_rate_of_misses(night: MakeNight, found: MakeFound) -> None:
    seen = found(1, role=Role.SLOWED)
    missed = replace(seen, verdict=Verdict.INCONCLUSIVE)
    assert finding("slowed_missed", [night(1, *[seen] * 20)]).health is Health.HEALTHY
    one = finding("slowed_missed", [night(1, *[seen] * 10, *[missed] * 10)])
    assert (one.figures["share"], one.health) == (0.5, Health.SUSPICIOUS)


@pytest.mark.parametrize(
    ("file", "by_builtin", "by_factory", "elsewhere"),
    [
        ("harness/model/attention.py", True, True, True),
        ("harness/README.md", False, False, False),
        ("specs/quick.yaml", False, True, True),
        ("docs/conf.py", False, False, False),
        ("src/tests/test_a.py", False, False, False),
        ("src/testsuite.py", False, True, True),
        ("README.md", False, False, False),
    ],
)
def test_a_cell_runs_no_docs_and_no_tests(
    make_cell: Callable[..., Cell], file: str, by_builtin: bool, by_factory: bool, elsewhere: bool
) -> None:
    """And the built-in model runs nothing outside its package."""
    builtin = make_cell()
    factory = make_cell(model=Choice("factory", (("factory", "mine:build"),)))
    assert factory.factory
    assert runs(builtin, file, own=True) is by_builtin
    assert runs(factory, file, own=True) is by_factory
    assert runs(builtin, file, own=False) is elsewhere
