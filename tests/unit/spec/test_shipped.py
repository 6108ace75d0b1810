"""The shipped specs: each answers a question, and is what it says it is."""

from pathlib import Path

import pytest

from harness.domain.run import Gpu, Host
from harness.plan.plan import Action, Plan, make_plan
from harness.spec.load import load

FOLDER = Path(__file__).parents[3] / "specs"
FILES = sorted(FOLDER.glob("*.yaml"))
HOST = Host("a CPU", "x86_64", 2, 2, (), 24 * 2**30, "Linux")
GPU_HOST = Host("a CPU", "x86_64", 8, 8, (), 64 * 2**30, "Linux", (Gpu("a GPU", 80 * 2**30),))


def plan(name: str, host: Host = HOST) -> Plan:
    return make_plan(load([FOLDER / name]), host, {}, {})


def test_there_are_at_least_four() -> None:
    assert len(FILES) >= 4
    assert FOLDER / "quick.yaml" in FILES


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_each_opens_with_the_question_it_answers(file: Path) -> None:
    (spec,) = load([file])
    assert spec.question.endswith("?")
    assert file.stem == spec.name


def test_all_together_name_no_cell_wrongly() -> None:
    assert len(load([FOLDER / "*.yaml"])) == len(FILES)


def test_quick_measures_what_a_first_leaderboard_shows() -> None:
    """On two cores: over twenty cells of all scenarios, precisions, operators, and more."""
    made = plan("quick.yaml")
    assert {Action.MEASURE: len(made)} == made.counts()
    assert len(made) >= 20
    labels = {
        axis: {item.cell.labels[axis] for item in made}
        for axis in ("scenario", "precision", "operator", "compression", "parallelism")
    }
    expected = {
        "scenario": {"prefill", "decode", "generate", "train"},
        "precision": {"fp32", "bf16"},
        "operator": {"sdpa", "math"},
        "compression": {"none", "int8-dynamic"},
        "parallelism": {"none", "data=2"},
    }
    assert expected == labels


def test_every_quick_cell_has_a_baseline_that_is_measured_too() -> None:
    made = plan("quick.yaml")
    measured = {item.cell.id for item in made}
    assert [str(item.cell) for item in made if item.baseline not in measured] == []


def test_quick_stays_within_minutes() -> None:
    """In the middle of what the plan expects, which is of quick and of modest processors."""
    assert plan("quick.yaml").span().middle < 270
    assert all(item.measure.max_rounds == 4 for item in plan("quick.yaml"))


def test_smoke_stays_within_a_minute_or_two() -> None:
    """A second a cell on a quick processor: half of them start two processes twice."""
    assert plan("smoke.yaml").span().low < 45
    assert plan("smoke.yaml").span().middle < 90


def test_scaling_says_which_sizes_are_too_large_here() -> None:
    skipped = {item.cell.labels["model"] for item in plan("scaling.yaml").of(Action.SKIP)}
    assert "gpt3-175b" in skipped
    assert "gpt3-small" not in skipped


def test_gpu_measures_the_processor_where_there_is_no_gpu() -> None:
    skipped = {item.cell.labels["hardware"] for item in plan("gpu.yaml").of(Action.SKIP)}
    assert {"cuda"} == skipped
    assert plan("gpu.yaml", GPU_HOST).of(Action.SKIP) == ()


def test_nightly_measures_each_path_in_minutes() -> None:
    """So that a night has time left to confirm changes."""
    made = plan("nightly.yaml")
    assert {Action.MEASURE: len(made)} == made.counts()
    assert 8 <= len(made) <= 12
    kinds = {tuple(item.cell.labels[axis] for axis in ("scenario", "precision")) for item in made}
    assert {(s, p) for s in ("prefill", "decode", "train") for p in ("fp32", "bf16")} == kinds
    assert "int8-dynamic" in {item.cell.labels["compression"] for item in made}
    assert plan("nightly.yaml").span().middle < 360
