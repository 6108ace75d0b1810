"""What processes beside one are worth: scaling efficiency."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from harness.analyse.compare import compared
from harness.domain.cell import Cell
from harness.domain.result import Status
from harness.site.baseline import Places, alike
from harness.site.chronicle import Chronicle
from harness.site.format import Figure, figure, finite

_METRIC = "tokens_per_second"
_CORES = "; one process on a CPU has all the cores that several share"
COLUMNS = (
    ("Strong scaling", f"tokens/s over one process with the same batch, per process{_CORES}"),
    ("Weak scaling", f"tokens/s over one process with one process's batch, per process{_CORES}"),
)


def oversubscribed(cell: Cell) -> bool:
    """Whether it may run more processes than there are cores, which then wait for each other."""
    return any(choice.name == "oversubscribe" for choice in cell.parallelism)


def scaling(one: Chronicle, places: Places) -> tuple[Figure | None, Figure | None]:
    """Strong and weak scaling efficiency of a cell of several processes.

    Speed-up over one process, over their number: with the same batch in all, and with as many
    sequences a process. Gustafson 1988 (doi 10.1145/42411.42415) tells the two apart.
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


def _efficiency(one: Chronicle, places: Places, alone: Cell, processes: int) -> Figure | None:
    found = alike(one.newest, places.get((alone.id, one.host.fingerprint)))
    if found is None or found.status is not Status.OK:
        return None
    told = compared(one.newest, found, _METRIC)
    if told is None or finite(told.estimate.value) is None:
        return None
    low, high = told.estimate.low, told.estimate.high
    share = replace(
        told.estimate,
        value=told.estimate.value / processes,
        low=None if low is None else low / processes,
        high=None if high is None else high / processes,
    )
    return figure(share, "fraction")
