"""More processes than a host has room for, told before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.domain.cell import Cell, Choice
from harness.domain.result import Status
from harness.domain.run import Gpu, Host
from harness.spec.catalog import registered
from harness.spec.feasible import Feasibility
from harness.spec.schema import Limits

Told = Callable[..., "tuple[Status, str] | None"]
SMALL = Choice("decoder", (("d_model", 64), ("heads", 4), ("layers", 2)))
LOCAL = Choice("local")
GPU = Gpu("Example G1", 8 * 2**30)


def split(**degrees: int) -> tuple[Choice, ...]:
    return tuple(Choice(name, (("degree", degree),)) for name, degree in degrees.items())


@pytest.fixture
def told(make_cell: Callable[..., Cell], host: Host) -> Told:
    """What the host, of 2 cores, says of a cell; with so many GPUs."""

    def asked(
        ways: tuple[Choice, ...], hardware: Choice = LOCAL, gpus: int = 0
    ) -> tuple[Status, str] | None:
        workload = (("batch", 8), ("prompt", 8))
        cell = make_cell(model=SMALL, parallelism=ways, hardware=hardware, workload=workload)
        here = replace(host, gpus=(GPU,) * gpus)
        return Feasibility(here, registered()).obstacle(cell, Limits())

    return asked


def test_more_processes_than_cores_are_refused(told: Told) -> None:
    """They would measure the scheduler; every factor is told."""
    assert told(split(data=2)) is None
    reason = (
        "asks for 8 processes (data 4 x tensor 2); this host has 2 cores "
        "(oversubscribe: true runs them all the same)"
    )
    assert told(split(data=4, tensor=2)) == (Status.UNSUPPORTED, reason)


def test_more_processes_than_cores_run_when_asked(told: Told) -> None:
    assert told((*split(data=8), Choice("oversubscribe", (("wanted", True),)))) is None


def test_each_process_takes_a_gpu_of_its_own(told: Told) -> None:
    """From the one that is named; asking does not help, as they do not share one."""
    second = Choice("cuda", (("index", 1),))
    assert told(split(data=2), second, gpus=3) is None
    asked = (*split(data=2, tensor=2), Choice("oversubscribe", (("wanted", True),)))
    reason = (
        "asks for 4 processes (data 2 x tensor 2); each takes a GPU, from GPU 1 on; this host has 4"
    )
    assert told(asked, second, gpus=4) == (Status.UNSUPPORTED, reason)


def test_a_model_may_fill_the_memory_of_all_its_gpus(
    make_cell: Callable[..., Cell], host: Host
) -> None:
    wide = Choice("decoder", (("d_model", 12288), ("heads", 96), ("layers", 3)))
    here = Feasibility(replace(host, gpus=(GPU,) * 4), registered())

    def reason(degree: int) -> tuple[Status, str] | None:
        ways, cuda = split(tensor=degree), Choice("cuda")
        cell = make_cell(model=wide, parallelism=ways, hardware=cuda, precision=Choice("fp32"))
        return here.obstacle(cell, Limits())

    assert reason(4) is None
    found = reason(2)
    assert found is not None
    assert found[1].endswith("GiB for its weights; 2 x cuda has 16 GiB")
