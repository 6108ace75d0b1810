"""Which ceilings are measured, which are kept, and which a cell is compared with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from harness.ceilings.measure import wanted
from harness.ceilings.messages import Found
from harness.dispatch import ceilings
from harness.dispatch.budget import Budget
from harness.dispatch.ceilings import Place, better, missing, peaks, refuse
from harness.domain.ceiling import Ceiling, CeilingKind
from harness.domain.cell import Cell, Choice
from harness.domain.location import Location
from harness.domain.run import Environment, Host
from harness.errors import UsageError
from harness.host.machine import this_processor
from harness.store import Store

MakeCell = Callable[..., Cell]


def measured(name: str, value: float, others: float = 0.0) -> Ceiling:
    return Ceiling(name, value, "", CeilingKind.MEASURED, "somehow", others)


FOUND = (
    measured("gemm_fp32", 300.0),
    measured("gemm_bf16", 600.0),
    measured("gemm_int8", 1200.0),
    measured("memory_read", 30.0),
    Ceiling("gemm_fp32", 999.0, "", CeilingKind.THEORETICAL, "theory"),
)
CURVE = (
    measured("memory_read", 30.0),
    measured("memory_read@16MiB", 90.0),
    measured("memory_read@64MiB", 60.0),
    measured("memory_read@256MiB", 30.0),
)
WORK = {"bytes_moved": 2.0**20}
INT8, PLAIN = Choice("int8-dynamic"), {"precision": Choice("fp32")}


@pytest.fixture
def place(host: Host) -> Place:
    """The local processor, with default options."""
    return Place(host, Environment({}), Choice("local"))


class TestPeaks:
    """The ceilings that are added to a round's facts."""

    @pytest.mark.parametrize(
        ("changes", "flops"),
        [
            (PLAIN, 300.0),
            ({"precision": Choice("bf16")}, 600.0),
            ({"compression": (INT8,)}, 1200.0),
        ],
    )
    def test_a_cells_peak_is_that_of_the_format_it_computes_in(
        self, make_cell: MakeCell, host: Host, changes: dict[str, object], flops: float
    ) -> None:
        found = peaks(make_cell(**changes), host, FOUND, WORK)
        assert found == {"peak_flops": flops, "peak_bandwidth": 30.0}

    def test_an_unknown_ceiling_adds_no_fact(self, make_cell: MakeCell, host: Host) -> None:
        assert peaks(make_cell(), host, (), WORK) == {}
        assert peaks(make_cell(), host, FOUND[1:2], WORK) == {}

    def test_a_ceiling_measured_too_low_adds_no_fact(self, make_cell: MakeCell, host: Host) -> None:
        low = (measured("gemm_fp32", 100.0, others=0.5), FOUND[3])
        assert peaks(make_cell(), host, low, WORK) == {"peak_bandwidth": 30.0}

    def test_no_ceiling_applies_to_more_processes_than_hardware_threads(
        self, make_cell: MakeCell, host: Host
    ) -> None:
        """Each process has a thread of its own: together they have more than the device."""
        two = make_cell(
            hardware=Choice("cpu", (("threads", 1),)),
            parallelism=(Choice("data", (("degree", 2),)),),
        )
        assert peaks(two, host, FOUND, WORK) == {}
        shared = two.replace(hardware=Choice("cpu", (("threads", 2),)))
        assert peaks(shared, host, FOUND, WORK)["peak_flops"] == 300.0

    def test_a_cell_on_several_gpus_has_the_sum_of_their_ceilings(
        self, make_cell: MakeCell, host: Host
    ) -> None:
        four = make_cell(
            hardware=Choice("cuda"), parallelism=(Choice("data", (("degree", 4),)),), **PLAIN
        )
        assert peaks(four, host, FOUND, WORK) == {"peak_flops": 1200.0, "peak_bandwidth": 120.0}

    @pytest.mark.parametrize(("moved", "bandwidth"), [(64, 90.0), (256, 60.0), (1024, 30.0)])
    def test_bandwidth_is_quoted_at_the_working_set_of_a_pass(
        self, make_cell: MakeCell, host: Host, moved: int, bandwidth: float
    ) -> None:
        """A quarter of an iteration of four tokens: each token reads the weights again."""
        cell = make_cell(
            scenario=Choice("decode"), workload=(("batch", 1), ("generate", 4), ("prompt", 8))
        )
        found = peaks(cell, host, CURVE, {"bytes_moved": moved * 2.0**20})
        assert found["peak_bandwidth"] == bandwidth

    def test_each_of_several_gpus_reads_its_own_part(self, make_cell: MakeCell, host: Host) -> None:
        """Two GPUs each read 16 MiB in their own caches, 32 MiB together."""
        two = make_cell(hardware=Choice("cuda"), parallelism=(Choice("data", (("degree", 2),)),))
        found = peaks(two, host, CURVE, {"bytes_moved": 32 * 2.0**20})
        assert found["peak_bandwidth"] == 2 * 90.0

    def test_flushed_caches_leave_the_bandwidth_of_memory(
        self, make_cell: MakeCell, host: Host
    ) -> None:
        cold = make_cell(scenario=Choice("prefill", (("cold", True),)))
        assert peaks(cold, host, CURVE, {"bytes_moved": 1.0})["peak_bandwidth"] == 30.0

    def test_work_whose_bytes_are_not_counted_has_the_bandwidth_of_memory(
        self, make_cell: MakeCell, host: Host
    ) -> None:
        """Such as a training step. Its page shows the bandwidth, but no MBU."""
        assert peaks(make_cell(), host, CURVE, {})["peak_bandwidth"] == 30.0


class TestMissing:
    """The ceilings that are still to be measured."""

    def test_without_stored_ceilings_all_are_missing(self, place: Place) -> None:
        assert missing((), place) == wanted(place.hardware, place.host, this_processor())

    def test_theory_replaces_no_measurement(self, place: Place) -> None:
        assert "gemm_fp32" in missing(FOUND[4:], place)
        assert "gemm_fp32" not in missing(FOUND, place)

    def test_a_ceiling_measured_too_low_is_measured_again_only_on_request(
        self, place: Place
    ) -> None:
        """Otherwise every run on a machine that is never quiet would begin with it."""
        low = [measured("gemm_fp32", 1.0, others=0.5)]
        assert "gemm_fp32" not in missing(low, place)
        assert "gemm_fp32" in missing(low, place, again=True)


class TestBetter:
    """Which of two measurements is kept."""

    def test_the_new_measurement_is_kept(self) -> None:
        assert better(measured("a", 2.0), measured("a", 1.0)).value == 1.0
        assert better(None, measured("a", 1.0, others=0.5)).value == 1.0

    def test_a_measurement_known_to_be_too_low_replaces_nothing_higher(self) -> None:
        low = measured("a", 1.0, others=0.5)
        assert better(measured("a", 2.0), low).value == 2.0
        assert better(measured("a", 0.5, others=0.9), low).value == 1.0


class TestBudget:
    """When the ceilings are measured in a run with a budget."""

    @pytest.mark.parametrize(
        ("seconds", "first"), [(None, True), (36_000.0, True), (60.0, False), (1.0, False)]
    )
    def test_they_come_first_unless_they_take_much_of_the_budget(
        self, place: Place, seconds: float | None, first: bool
    ) -> None:
        names = {place.hardware: missing((), place)}
        budget = None if seconds is None else Budget(seconds, lambda: 0.0)
        assert ceilings.around(names, budget) == ((names, {}) if first else ({}, names))

    def test_they_come_last_only_if_there_is_time(
        self, place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """In any case the user is told. The process that measures them keeps to the budget."""
        asked: list[tuple[tuple[str, ...], float]] = []

        def measures(
            _: Choice, names: tuple[str, ...], seconds: float, limit: float
        ) -> Iterator[Found]:
            asked.append((names, limit))
            yield Found(measured(names[0], 7.0))

        monkeypatch.setattr(ceilings, "measure", measures)
        happened: list[ceilings.Event] = []
        names = {place.hardware: ("gemm_fp32",)}
        with Store(Location.file(tmp_path / "a.sqlite")) as store:
            for left in (1.0, 1000.0):
                budget = Budget(2000.0, partial(float, 2000.0 - left))
                ceilings.measure_last(
                    store, place.host, place.environment, names, happened.append, budget
                )
            kept = ceilings.stored(store, place)
        assert [type(event) for event in happened] == [
            ceilings.PutOff,
            ceilings.Begun,
            Found,
        ]
        assert asked == [(("gemm_fp32",), 1000.0)]
        assert [one.value for one in kept if one.kind is CeilingKind.MEASURED] == [7.0]


def test_hardware_that_the_host_lacks_is_refused(place: Place) -> None:
    with pytest.raises(UsageError, match="no CUDA device"):
        refuse(replace(place, hardware=Choice("cuda")))
    with pytest.raises(UsageError, match="9 threads"):
        refuse(replace(place, hardware=Choice("cpu", (("threads", 9),))))
    refuse(place)
