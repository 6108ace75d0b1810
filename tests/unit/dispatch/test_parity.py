"""The parity check comes before the first round of a split cell."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.dispatch.steps import round_steps
from harness.domain.cell import Cell, Choice
from harness.domain.result import Round, Status
from harness.worker.messages import Effort, Job
from tests.in_turn import round_of

SPLIT = (Choice("data", (("degree", 2),)),)
PASSED = Round(0, Status.OK, facts={"split_error": 1e-7})
MEASURED = Round(3, Status.OK, facts={"peak_memory": 1.0})


def outcome(cell: Cell, check: Round, *, quality: bool = True) -> tuple[Round, list[bool]]:
    """The round, and for each of its jobs whether it was the parity check."""
    checks: list[bool] = []

    def do(job: Job) -> Round:
        checks.append(job.checks_parity)
        return check if job.checks_parity else MEASURED

    steps = round_steps(Job(cell, 3, 0, Effort(0.1, 1, 1), quality=quality))
    return round_of(steps, do), checks


def test_the_round_records_the_error_of_the_split(make_cell: Callable[..., Cell]) -> None:
    measured, checks = outcome(make_cell(parallelism=SPLIT), PASSED)
    assert measured.facts == {"split_error": 1e-7, "peak_memory": 1.0}
    assert checks == [True, False]


@pytest.mark.parametrize(("parallelism", "quality"), [((), True), (SPLIT, False)])
def test_one_process_and_further_rounds_need_no_check(
    make_cell: Callable[..., Cell], parallelism: tuple[Choice, ...], quality: bool
) -> None:
    measured, checks = outcome(make_cell(parallelism=parallelism), PASSED, quality=quality)
    assert (measured, checks) == (MEASURED, [False])


def test_a_cell_that_fails_the_check_is_not_measured(make_cell: Callable[..., Cell]) -> None:
    failed = Round(0, Status.FAILED, "the split model differs from one process")
    measured, checks = outcome(make_cell(parallelism=SPLIT), failed)
    assert (measured.index, measured.status, measured.reason) == (3, Status.FAILED, failed.reason)
    assert checks == [True]


def test_a_model_too_large_for_the_check_is_measured_without_it(
    make_cell: Callable[..., Cell],
) -> None:
    """The check needs room for the whole model beside the split one."""
    measured, checks = outcome(make_cell(parallelism=SPLIT), Round(0, Status.OUT_OF_MEMORY))
    assert measured.status is Status.OK
    assert measured.notes["split_error"].startswith("not measurable")
    assert checks == [True, False]
