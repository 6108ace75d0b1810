"""Statuses and samples."""

from __future__ import annotations

import pytest

from harness.domain.precision import PRECISIONS
from harness.domain.result import Round, Sample, Status


def test_only_a_cell_being_measured_is_not_final() -> None:
    assert [status for status in Status if not status.final] == [Status.MEASURING]


@pytest.mark.parametrize(
    ("status", "wrong"),
    [
        (Status.OK, False),
        (Status.FAILED, True),
        (Status.TIMED_OUT, True),
        (Status.OUT_OF_MEMORY, True),
        (Status.CRASHED, True),
        (Status.UNSUPPORTED, False),
        (Status.SKIPPED, False),
        (Status.MEASURING, False),
    ],
)
def test_what_was_tried_and_failed_went_wrong(status: Status, wrong: bool) -> None:
    """What was never tried did not."""
    assert wrong is status.went_wrong


def test_a_rounds_times_leave_warm_up_out() -> None:
    samples = (
        Sample("latency", 9.0, warmup=True),
        Sample("latency", 1.0),
        Sample("ttft", 0.5),
        Sample("latency", 2.0),
    )
    one = Round(0, Status.OK, samples=samples)
    assert one.timed("latency") == [1.0, 2.0]
    assert one.timed("tpot") == []


@pytest.mark.parametrize("name", PRECISIONS)
def test_a_precision_takes_the_bytes_that_torch_gives_it(name: str) -> None:
    import torch

    precision = PRECISIONS[name]
    assert precision.name == name
    assert getattr(torch, precision.dtype).itemsize == precision.bytes
