"""What parent and child say survives the way."""

from harness.domain.cell import Cell, Choice
from harness.domain.result import Sample, Score, Status
from harness.execute.messages import Effort, Job, Report

CELL = Cell(
    model=Choice("decoder", (("d_model", 64), ("heads", 2), ("layers", 2)), label="nano"),
    hardware=Choice("cpu", (("threads", 2),)),
    scenario=Choice("decode"),
    parallelism=(Choice("data", (("degree", 2),)),),
    compression=(Choice("int8-dynamic"),),
    operator=Choice("sdpa"),
    precision=Choice("fp32"),
    backend=Choice("eager"),
    workload=(("batch", 2), ("generate", 4), ("prompt", 8)),
)


def test_a_job_survives_the_way() -> None:
    """Cell, effort and weights come out as they went in."""
    job = Job(
        CELL,
        2,
        7,
        Effort(1.0, 5, 100),
        quality=True,
        weights={"abc": "/w.safetensors"},
        energy=True,
    )
    assert Job.decode(job.encode()) == job


def test_a_cell_keeps_its_id_on_the_way() -> None:
    """The child stores nothing, but what it names must be the same cell."""
    job = Job(CELL, 0, 0, Effort(1.0, 5, 100), quality=False)
    assert Job.decode(job.encode()).cell.id == CELL.id


def test_a_report_survives_the_way() -> None:
    """Samples in order, with their warm-up mark; facts and notes; reason and detail."""
    report = Report(
        Status.FAILED,
        "ValueError: no",
        "Traceback …",
        (Sample("ttft", 0.5, warmup=True), Sample("ttft", 0.25)),
        (Score(255, 255, 300.5, 299.25, 1.5, 250, 298.0), Score(9, 12, 30.0, 29.0, 0.0, 9)),
        {"load_time": 0.125},
        {"energy_per_token": "not measurable here: …"},
    )
    assert Report.decode(report.encode()) == report
