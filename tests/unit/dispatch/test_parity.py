"""The first round of a split cell comes after the check that it computes the same."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from harness.dispatch.steps import round_steps
from harness.domain.cell import Cell, Choice
from harness.domain.result import Round, Status
from harness.worker.messages import Effort, Job
from tests.in_turn import answered

SPLIT = (Choice("data", (("degree", 2),)),)
PROOF = Round(0, Status.OK, facts={"split_error": 1e-7})
MEASURED = Round(3, Status.OK, facts={"peak_memory": 1.0})


def outcome(cell: Cell, proof: Round, *, quality: bool = True) -> tuple[Round, list[bool]]:
    """The round, and of each thing done whether it was a parity check."""
    done: list[bool] = []

    def do(job: Job) -> Round:
        done.append(job.checks_parity)
        return proof if job.checks_parity else MEASURED

    steps = round_steps(Job(cell, 3, 0, Effort(0.1, 1, 1), quality=quality))
    return answered(steps, do), done


def test_it_tells_how_far_it_is(make_cell: Callable[..., Cell]) -> None:
    told, done = outcome(make_cell(parallelism=SPLIT), PROOF)
    assert told.facts == {"split_error": 1e-7, "peak_memory": 1.0}
    assert done == [True, False]


@pytest.mark.parametrize(("parallelism", "quality"), [((), True), (SPLIT, False)])
def test_one_process_and_further_rounds_need_none(
    make_cell: Callable[..., Cell], parallelism: tuple[Choice, ...], quality: bool
) -> None:
    told, done = outcome(make_cell(parallelism=parallelism), PROOF, quality=quality)
    assert (told, done) == (MEASURED, [False])


def test_what_is_not_proved_is_not_measured(make_cell: Callable[..., Cell]) -> None:
    wrong = Round(0, Status.FAILED, "the split model differs from one process")
    told, done = outcome(make_cell(parallelism=SPLIT), wrong)
    assert (told.index, told.status, told.reason) == (3, Status.FAILED, wrong.reason)
    assert done == [True]


def test_a_model_too_large_to_stand_beside_itself_is_measured_unproved(
    make_cell: Callable[..., Cell],
) -> None:
    told, done = outcome(make_cell(parallelism=SPLIT), Round(0, Status.OUT_OF_MEMORY))
    assert told.status is Status.OK
    assert told.notes["split_error"].startswith("not measurable")
    assert done == [True, False]
