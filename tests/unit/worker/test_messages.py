"""Jobs and reports survive encoding, and a bad report is refused."""

import hashlib
import json
import math
from typing import Any

import pytest

from harness.domain.cell import Cell, Choice
from harness.domain.result import Sample, Score, Status
from harness.errors import UnreadableReport
from harness.worker.messages import PROTOCOL, Effort, Job, Report

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


def test_a_job_survives_encoding() -> None:
    """Cell, effort and weights are decoded as they were encoded."""
    job = Job(
        CELL,
        2,
        7,
        Effort(1.0, 5, 100),
        quality=True,
        weights={"trained": "abc"},
        files={"abc": "/w.safetensors"},
        energy=True,
    )
    assert Job.decode(job.encode()) == job


def test_a_cell_keeps_its_id_in_a_job() -> None:
    """The child stores nothing, but must mean the same cell as its parent."""
    job = Job(CELL, 0, 0, Effort(1.0, 5, 100), quality=False)
    assert Job.decode(job.encode()).cell.id == CELL.id


def test_a_report_survives_encoding() -> None:
    """Samples in order, with their warm-up marks; facts and notes; reason and detail."""
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


OK: dict[str, Any] = {"status": "ok", "facts": {"load_time": 0.5}}
SAMPLE = {"section": "latency", "seconds": 0.1, "warmup": False}
SCORE = {"tokens": 9, "bytes": 9, "bits": 1.0, "dense_bits": 1.0, "divergence": 0.0, "agreed": 9}


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"garbage",
        b"\xff\0{]",
        b"[]",
        b"[" * 100_000,
        json.dumps(OK).encode()[:-1],
        json.dumps(OK).encode() * 2,
        *(
            json.dumps({**OK, **wrong}).encode()
            for wrong in (
                {"status": "great"},
                {"status": "measuring"},
                {"status": "skipped"},
                {"facts": {"load_time": math.nan}},
                {"facts": {"load_time": math.inf}},
                {"facts": {"load_time": "soon"}},
                {"samples": [{**SAMPLE, "seconds": math.nan}]},
                {"samples": [{**SAMPLE, "seconds": -1.0}]},
                {"samples": [["latency", 0.1, False]]},
                {"scores": [{**SCORE, "bits": math.nan}]},
                {"scores": [{**SCORE, "tokens": 2**63}]},
                {"notes": {"bits_per_byte": 1}},
                {"more": 1},
            )
        ),
    ],
)
def test_only_one_whole_report_of_finite_numbers_is_accepted(text: bytes) -> None:
    """Any code that ran in the round may have written the text."""
    with pytest.raises(UnreadableReport, match="its report cannot be read: "):
        Report.decode(text)


def test_the_error_names_the_place_of_the_fault() -> None:
    text = json.dumps({**OK, "samples": [SAMPLE, {**SAMPLE, "seconds": math.nan}]}).encode()
    with pytest.raises(UnreadableReport, match=r"samples\.1\.seconds: .*finite"):
        Report.decode(text)


def test_texts_are_cut_and_cleaned_for_the_database() -> None:
    """Both sides do it, as the parent cannot trust the child's encoder."""
    odd = Report(
        Status.FAILED,
        "ValueError: caf\udce9" + "z" * 10**6,
        "Traceback " + "y" * 10**6 + " the end",
        notes={"host_x": "\0" + "x" * 10**6},
    )
    for found in (Report.decode(odd.encode()), odd.bounded()):
        assert found.reason.startswith(r"ValueError: caf\udce9zzz")
        assert "1,000,021 characters in all" in found.reason
        assert len(found.reason) == 500
        assert found.detail.startswith("Traceback yyy")
        assert found.detail.endswith("yyy the end")
        assert len(found.detail) == 20_000
        assert found.notes["host_x"].startswith(r"\x00xxx")
        assert len(found.notes["host_x"]) == 500
        assert found.bounded() == found


def test_a_changed_message_has_a_new_protocol() -> None:
    """Commits of the harness measure each other only if they speak the same one."""
    fields = {one.__name__: sorted(one.__dataclass_fields__) for one in (Job, Report, Effort)}
    text = json.dumps(fields, sort_keys=True)
    assert (PROTOCOL, hashlib.sha256(text.encode()).hexdigest()[:12]) == (1, "6377acab10fe")
