"""More processes than a host has room for, told before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.domain.cell import Cell, Choice
from harness.domain.result import Status
from harness.domain.run import Gpu, Host
from harness.plan.feasible import Feasibility
from harness.spec.catalog import registered
from harness.spec.settings import Limits

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
        "(oversubscribe: true runs them anyway)"
    )
    assert told(split(data=4, tensor=2)) == (Status.UNSUPPORTED, reason)


def test_more_processes_than_cores_run_when_asked(told: Told) -> None:
    assert told((*split(data=8), Choice("oversubscribe", (("wanted", True),)))) is None


def test_each_process_takes_a_gpu_of_its_own(told: Told) -> None:
    """From the one that is named; they cannot share one."""
    second = Choice("cuda", (("index", 1),))
    assert told(split(data=2), second, gpus=3) is None
    reason = (
        "asks for 4 processes (data 2 x tensor 2); each takes a GPU, from GPU 1 on; this host has 4"
    )
    assert told(split(data=2, tensor=2), second, gpus=4) == (Status.UNSUPPORTED, reason)
    asked = (*split(data=2), Choice("oversubscribe", (("wanted", True),)))
    assert told(asked, second, gpus=3) == (
        Status.UNSUPPORTED,
        "each process needs its own GPU: leave out oversubscribe",
    )


ALL = "weights, gradients and AdamW's moments"


@pytest.mark.parametrize(
    ("layers", "ways", "scenario", "reason"),
    [
        (1, {}, "prefill", None),
        (1, {}, "train", f"{ALL}; cuda has 8 GiB"),
        (1, {"tensor": 2}, "train", f"{ALL} on each of them; cuda has 8 GiB"),
        (1, {"tensor": 4}, "train", None),
        (1, {"data": 4}, "train", f"{ALL} on each of them; cuda has 8 GiB"),
        (2, {"tensor": 4}, "prefill", "weights on each of them; cuda has 8 GiB"),
    ],
)
def test_each_gpu_holds_the_whole_model_before_its_part(
    make_cell: Callable[..., Cell],
    host: Host,
    layers: int,
    ways: dict[str, int],
    scenario: str,
    reason: str | None,
) -> None:
    """Of 4.5 GiB and of 16 GiB; replicas split nothing."""
    cell = make_cell(
        model=Choice("decoder", (("d_model", 12288), ("heads", 96), ("layers", layers))),
        parallelism=split(**ways),
        hardware=Choice("cuda"),
        scenario=Choice(scenario),
        precision=Choice("bf16" if layers == 1 else "fp32"),
        workload=(("batch", 4), ("prompt", 8)),
    )
    here = Feasibility(replace(host, gpus=(GPU,) * 4), registered())
    found = here.obstacle(cell, Limits())
    assert (found is None) == (reason is None), found
    if found is not None and reason is not None:
        assert found[0] is Status.SKIPPED
        assert found[1].endswith(f"for its {reason}")


def test_unlike_gpus_are_not_taken_together(make_cell: Callable[..., Cell], host: Host) -> None:
    """Whose limits, memory and price would be those of the first."""
    here = replace(host, gpus=(GPU, replace(GPU, name="Example G2")))
    cell = make_cell(model=SMALL, parallelism=split(data=2), hardware=Choice("cuda"))
    found = Feasibility(here, registered()).obstacle(cell, Limits())
    assert found is not None
    assert found[1].endswith("and these differ: Example G1, Example G2")
