"""Strong and weak scaling of cells with several processes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import ModuleType

from harness.domain.cell import Cell, Choice
from harness.domain.result import Result
from harness.site.cell_history import cell_histories
from harness.site.leaderboard import boards
from harness.site.scaling import scaling

TWO = (Choice("data", (("degree", 2),)),)
CROWDED = (Choice("data", (("degree", 4),)), Choice("oversubscribe", (("wanted", True),)))


def of_batch(cell: Cell, batch: int) -> Cell:
    return cell.replace(workload=(("batch", batch), ("prompt", 512)))


def of_two(result: Result) -> Result:
    """The result, as if two processes had measured it."""
    rounds = tuple(replace(one, facts={**one.facts, "processes": 2.0}) for one in result.rounds)
    return replace(result, rounds=rounds)


def shown(split: Result, others: Sequence[Result]) -> list[str | None]:
    histories = cell_histories([split, *others])
    places = {(one.cell.id, one.host.fingerprint): one for one in histories}
    found = scaling(places[split.cell.id, split.run.host.fingerprint], places)
    return [None if one is None else one.value for one in found]


def test_equal_batches_give_strong_and_equal_shares_weak_scaling(sample: ModuleType) -> None:
    """Two processes take 0.15 s. One takes 0.2 s for the same batch, and 0.12 s for half of it."""
    alone = of_batch(sample.make_cell(), 8)
    split = of_two(sample.make_result(alone.replace(parallelism=TWO), seconds=0.15))
    same = sample.make_result(alone, seconds=0.2)
    half = sample.make_result(of_batch(alone, 4), seconds=0.12)
    assert shown(split, [same, half]) == ["66.7", "80.0"]
    assert shown(split, [same]) == ["66.7", None]
    assert shown(split, []) == [None, None]


def test_a_cell_with_one_process_has_no_scaling(sample: ModuleType) -> None:
    assert shown(sample.make_result(), []) == [None, None]


def test_a_batch_that_does_not_halve_has_no_weak_scaling(sample: ModuleType) -> None:
    alone = of_batch(sample.make_cell(), 3)
    split = of_two(sample.make_result(alone.replace(parallelism=TWO)))
    assert shown(split, [sample.make_result(alone)]) == ["50.0", None]


def test_more_processes_than_cores_are_not_ranked_with_the_others(sample: ModuleType) -> None:
    """Even if they are the fastest."""
    alone = sample.make_result(seconds=0.2)
    crowd = sample.make_result(sample.make_cell().replace(parallelism=CROWDED), seconds=0.01)
    histories = cell_histories([alone, crowd])
    [board] = boards(histories, {}, lambda _: "latency")
    assert [(group.workload, len(group.ranked)) for group in board.groups] == [
        ("batch 1, prompt 512", 1),
        ("batch 1, prompt 512, more processes than cores", 1),
    ]
