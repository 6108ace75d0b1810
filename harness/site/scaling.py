"""Scaling efficiency: how much each process of a split cell contributes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from harness.analyse.compare import compared
from harness.domain.cell import Cell
from harness.domain.result import Status
from harness.site.baseline import Places, alike
from harness.site.cell_history import CellHistory
from harness.site.format import Figure, figure, finite

_METRIC = "tokens_per_second"
_CORES = "; on a CPU, one process has all the cores that several share"
COLUMNS = (
    (
        "Strong scaling",
        f"speed-up over one process at the same total batch, over the processes{_CORES}",
    ),
    (
        "Weak scaling",
        f"speed-up over one process at the same batch per process, over the processes{_CORES}",
    ),
)


def oversubscribed(cell: Cell) -> bool:
    """True if the cell may run more processes than cores, so that processes wait for each other."""
    return any(choice.name == "oversubscribe" for choice in cell.parallelism)


def scaling(one: CellHistory, places: Places) -> tuple[Figure | None, Figure | None]:
    """Strong and weak scaling efficiency of a cell with several processes.

    Both are the speed-up over one process, divided by the number of processes. For strong scaling
    the total batch is the same, for weak scaling the batch per process. Gustafson 1988
    (doi 10.1145/42411.42415) distinguishes the two.
    """
    processes = next((int(r.facts.get("processes", 1)) for r in one.newest.rounds), 1)
    if processes < 2:
        return None, None
    alone = one.cell.replace(parallelism=())
    batch, left = divmod(one.cell.load.get("batch", 0), processes)
    shared = _with(alone, {"batch": batch}) if batch and not left else None
    return (
        _efficiency(one, places, alone, processes),
        _efficiency(one, places, shared, processes) if shared else None,
    )


def _with(cell: Cell, load: Mapping[str, int]) -> Cell:
    return cell.replace(workload=tuple(sorted({**cell.load, **load}.items())))


def _efficiency(one: CellHistory, places: Places, alone: Cell, processes: int) -> Figure | None:
    found = alike(one.newest, places.get((alone.id, one.host.fingerprint)))
    if found is None or found.status is not Status.OK:
        return None
    speedup = compared(one.newest, found, _METRIC)
    if speedup is None or finite(speedup.estimate.value) is None:
        return None
    low, high = speedup.estimate.low, speedup.estimate.high
    share = replace(
        speedup.estimate,
        value=speedup.estimate.value / processes,
        low=None if low is None else low / processes,
        high=None if high is None else high / processes,
    )
    return figure(share, "fraction")
