"""The command line on specs that need no measuring."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.analyse.interference import SIGNS

if TYPE_CHECKING:
    from tests.conftest import Harness

SPEC = """\
# Which is it?
name: small
baseline: {precision: fp32}
matrix:
  model: [nano]
  scenario: [prefill]
  precision: [fp32, bf16]
workload: {batch: [1], prompt: 16}
"""


@pytest.fixture
def spec(tmp_path: Path) -> str:
    """A spec of two cells."""
    (tmp_path / "small.yaml").write_text(SPEC)
    return "small.yaml"


def test_plan_tells_each_cell_and_makes_no_database(
    harness: Harness, spec: str, tmp_path: Path
) -> None:
    """Looking at a plan leaves nothing behind."""
    answer = harness("plan", spec, "--format", "json")
    assert answer.code == 0, answer.err
    actions = [(cell["axes"]["precision"], cell["action"]) for cell in answer.json["cells"]]
    assert actions == [("fp32", "measure"), ("bf16", "measure")]
    assert answer.json["version"] == 1
    assert not (tmp_path / "results").exists()


def test_plan_as_a_table_ends_with_what_is_to_come(harness: Harness, spec: str) -> None:
    """Number of cells and what becomes of them."""
    answer = harness("plan", spec)
    assert "2 cells (2 to measure)" in answer.out


def git(folder: Path, *arguments: str) -> str:
    """Run git there, as nobody in particular."""
    who = ["-c", "user.name=a", "-c", "user.email=a@b"]
    answer = subprocess.run(
        ["git", "-C", str(folder), *who, *arguments], check=True, capture_output=True, text=True
    )
    return answer.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, spec: str) -> Path:
    """A repository of the user's own, with the spec in it."""
    git(tmp_path, "init", "-q")
    git(tmp_path, "add", spec)
    git(tmp_path, "commit", "-qm", "First")
    return tmp_path


def test_the_repository_of_a_spec_is_not_the_subject(
    harness: Harness, spec: str, repository: Path
) -> None:
    """What is measured is the harness's own model, whose code lies elsewhere."""
    commit = harness("plan", spec, "--format", "json").json["commit"]
    assert commit != git(repository, "rev-parse", "HEAD")


def test_repo_names_the_subject_and_its_specs_are_no_change_to_it(
    harness: Harness, spec: str, repository: Path
) -> None:
    """Neither is the database; any other file is."""
    (repository / spec).write_text(SPEC.replace("# Which", "# Or which"))
    first = harness("plan", spec, "--repo", ".", "--format", "json").json
    assert (first["commit"], first["dirty"]) == (git(repository, "rev-parse", "HEAD"), False)
    (repository / "model.py").write_text("x = 1")
    assert harness("plan", spec, "--repo", ".", "--format", "json").json["dirty"]


def test_a_repo_without_a_commit_is_refused(harness: Harness, spec: str, tmp_path: Path) -> None:
    """A history was asked for, and there is none."""
    answer = harness("plan", spec, "--repo", ".")
    assert answer.code == 2
    assert "error: --repo .: there is no git repository with a commit" in answer.err


def test_a_repository_that_git_refuses_is_told_in_gits_words(
    harness: Harness, spec: str, repository: Path, env: dict[str, str]
) -> None:
    """As one error, and `doctor` goes on."""
    env.update(GIT_TEST_ASSUME_DIFFERENT_OWNER="1", GIT_CONFIG_COUNT="0")
    env.update(GIT_CONFIG_GLOBAL=os.devnull, GIT_CONFIG_SYSTEM=os.devnull)
    answer = harness("plan", spec, "--repo", ".")
    assert answer.code == 2
    assert "error: cannot determine the commit of .: " in answer.err
    assert "dubious ownership" in answer.err
    assert harness("doctor", "--format", "json").code == 0


def test_set_and_only_narrow_a_spec_without_editing_it(harness: Harness, spec: str) -> None:
    """Lists by commas; values as YAML."""
    answer = harness(
        "plan", spec, "--set", "workload.prompt=8,32", "--only", "precision=bf16", "--format=json"
    )
    cells = [(c["axes"]["precision"], c["workload"]["prompt"]) for c in answer.json["cells"]]
    assert cells == [("bf16", 8), ("bf16", 32)]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (SPEC.replace("prefill", "prefil"), "small.yaml:6:14: unknown scenario 'prefil'"),
        (SPEC.replace("workload", "workloads"), "small.yaml:8:1:"),
        (SPEC.replace("prompt: 16", "prompt: 4096"), "4096"),
        (SPEC.replace("name: small", "name: [small"), "small.yaml:"),
    ],
)
def test_a_wrong_spec_is_refused_by_place_before_anything_runs(
    harness: Harness, tmp_path: Path, text: str, message: str
) -> None:
    """One clear error, exit code 2, nothing stored."""
    (tmp_path / "small.yaml").write_text(text)
    answer = harness("run", "small.yaml")
    assert answer.code == 2
    assert message in answer.err
    assert "Traceback" not in answer.err
    assert not (tmp_path / "results").exists()


def test_a_pattern_that_matches_nothing_is_an_error(harness: Harness) -> None:
    """Else a typo would measure nothing and say all is well."""
    answer = harness("run", "nowhere/*.yaml")
    assert answer.code == 2
    assert "nowhere/*.yaml" in answer.err


def test_show_without_results_says_so(harness: Harness) -> None:
    """On standard error: a script reading standard output gets nothing."""
    answer = harness("show")
    assert (answer.code, answer.out) == (0, "")
    assert "no results yet" in answer.err


def test_show_without_results_is_an_empty_document(harness: Harness) -> None:
    """A script gets the same shape with or without results."""
    assert harness("show", "--format", "json").json == {
        "version": 1,
        "results": [],
        "growth": [],
    }


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("show", "--only", "scenari=decode"), "did you mean 'scenario'?"),
        (("show", "--only", "scenario"), "axis=name"),
        (("show", "--status", "fail"), "did you mean 'failed'?"),
        (("list", "operators"), "did you mean 'operator'?"),
        (("show", "--format", "xml"), "xml"),
        (("shwo",), "shwo"),
    ],
)
def test_a_wrong_argument_is_told_with_what_is_possible(
    harness: Harness, arguments: tuple[str, ...], message: str
) -> None:
    """Exit code 2 and no traceback."""
    answer = harness(*arguments)
    assert answer.code == 2
    assert message in answer.err
    assert "Traceback" not in answer.err


def test_a_database_that_is_none_is_refused(harness: Harness, spec: str, tmp_path: Path) -> None:
    """And left as it was."""
    (tmp_path / "notes.txt").write_text("not a database, but somebody's notes, to be kept")
    answer = harness("run", spec, "--db", "notes.txt")
    assert answer.code == 2
    assert "notes.txt" in answer.err
    assert (tmp_path / "notes.txt").read_text().startswith("not a database")


def test_list_tells_what_this_host_cannot_use_and_why(harness: Harness) -> None:
    """Every axis has entries; one that is of no use here has a reason."""
    entries = harness("list", "--format", "json").json["entries"]
    axes = {"model", "hardware", "scenario", "parallelism", "compression", "operator"}
    assert axes | {"precision", "backend", "metric", "launcher"} == {
        entry["axis"] for entry in entries
    }
    assert all(entry["summary"] for entry in entries)
    assert all(entry["usable"] or entry["reason"] for entry in entries)


def test_init_writes_a_spec_that_plans_and_never_overwrites(harness: Harness) -> None:
    """A newcomer's first two commands."""
    assert harness("init", "mine.yaml").code == 0
    plan = harness("plan", "mine.yaml", "--format", "json")
    assert plan.code == 0, plan.err
    assert len(plan.json["cells"]) > 0
    again = harness("init", "mine.yaml")
    assert again.code == 2
    assert "already exists" in again.err


def test_schema_is_json_schema(harness: Harness) -> None:
    """An object that names every top-level key of a spec."""
    schema = harness("schema").json
    keys = {"name", "matrix", "workload", "measure", "limits", "baseline", "exclude", "include"}
    assert keys <= set(schema["properties"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--hardware", "gpu"), "unknown hardware 'gpu'; did you mean 'cpu'?"),
        (("--hardware", "cpu:threads=4096"), "asks for 4096 threads"),
        (("--hardware", "cpu:thread=1"), "did you mean 'threads'?"),
        (("--seconds", "0"), "--seconds"),
    ],
)
def test_a_ceiling_of_nothing_there_is_refused(
    harness: Harness, tmp_path: Path, arguments: tuple[str, ...], message: str
) -> None:
    """One clear error, exit code 2, nothing stored."""
    answer = harness("ceiling", *arguments)
    assert answer.code == 2
    assert message in answer.err
    assert "Traceback" not in answer.err
    assert not (tmp_path / "results").exists()


def test_plan_tells_how_long_ceilings_take_unless_the_spec_wants_none(
    harness: Harness, spec: str
) -> None:
    """They are measured once, before the first round."""
    assert "for ceilings" in harness("plan", spec).out
    (found,) = harness("plan", spec, "--format", "json").json["ceilings"]
    assert found["hardware"] == "local"
    assert found["expected_seconds"] > 0
    document = harness("plan", spec, "--format", "json").json
    low, high = document["expected_range"]
    assert low > document["ceilings"][0]["expected_seconds"]
    assert high > low + 2 * found["expected_seconds"]  # what is disturbed is measured again
    without = harness("plan", spec, "--set", "measure.ceiling=false", "--format", "json")
    assert without.json["ceilings"] == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_completion_prints_the_shells_script(harness: Harness, shell: str) -> None:
    """It names the command it completes."""
    assert "harness" in harness("completion", shell).out


def test_doctor_tells_host_environment_and_disturbance(harness: Harness) -> None:
    """As data and as text."""
    document = harness("doctor", "--format", "json").json
    assert document["host"]["logical_cores"] >= 1
    assert document["environment"]["torch"]
    assert {one["what"] for one in document["disturbance"]} >= {"load", "frequency governor"}
    assert "interference" in harness("doctor").out


def test_doctor_speaks_of_disturbance_in_the_words_results_do(harness: Harness) -> None:
    """And tells whether energy can be measured, or why not."""
    document = harness("doctor", "--format", "json").json
    named = {one["what"] for one in document["disturbance"]}
    everywhere = {sign.what for sign in SIGNS if "gpu" not in sign.fact}
    assert everywhere <= named
    assert set(document["energy"]) == {"processor", "gpu"}
    assert all("measur" in told for told in document["energy"].values())


def test_a_self_check_tells_and_keeps_what_it_found(harness: Harness, tmp_path: Path) -> None:
    """Two comparisons of a cell with itself; the site shows them."""
    few = ["--trials", "2", "--only", "scenario=prefill", "--set", "matrix.model=nano"]
    short = ["--set", "measure={rounds: 2, max_rounds: 2, round_time: 1ms}"]
    answer = harness("selfcheck", *few, *short, "--format", "json")
    assert answer.code == 0, answer.err
    (check,) = answer.json["checks"]
    assert (check["axes"]["scenario"], check["trials"], check["rounds"]) == ("prefill", 2, 2)
    assert 0 <= check["false_alarms"] <= 1
    assert harness("site").code == 0
    about = (tmp_path / "results" / "site" / "about.html").read_text()
    assert "nano local prefill" in about


def test_a_self_check_of_what_cannot_be_measured_says_why(harness: Harness) -> None:
    """Not a table of nothing."""
    answer = harness("selfcheck", "--set", "matrix.model=gpt3-175b", "--set", "workload.prompt=8")
    assert answer.code == 2
    assert "needs at least" in answer.err


def test_the_site_of_no_results_says_what_to_run(harness: Harness, tmp_path: Path) -> None:
    """A page, not an error: the nightly job's first night."""
    answer = harness("site")
    assert answer.code == 0, answer.err
    assert "harness run" in (tmp_path / "results" / "site" / "index.html").read_text()


def test_the_parents_side_never_imports_torch(
    env: dict[str, str], spec: str, tmp_path: Path
) -> None:
    """It must start in a blink, also where there is no torch. All commands in one process."""
    fake = tmp_path / "fake"
    fake.mkdir()
    (fake / "torch.py").write_text("raise SystemExit('torch was imported')")
    env["PYTHONPATH"] = str(fake)
    commands = [["plan", spec], ["list"], ["show"], ["site"], ["schema"], ["doctor"]]
    commands += [["export", "csv", "-"], ["prune", "--keep", "90d"]]
    code = (
        "from harness.cli import cli\n"
        f"for arguments in {commands}:\n"
        "    assert not cli.main(arguments, standalone_mode=False), arguments\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=env,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_list_tells_what_a_named_model_is(harness: Harness) -> None:
    """Of another architecture than the others, above all."""
    entries = harness("list", "model", "--format", "json").json["entries"]
    summaries = {entry["name"]: entry["summary"] for entry in entries}
    assert "encoder-decoder" in summaries["seed-512"]
    assert "single decoder layer" in summaries["seed-512"]


def test_plan_says_which_heads_it_assumes_of_weights(harness: Harness, tmp_path: Path) -> None:
    """GPT-2's layout does not tell them: a config.json beside the file does."""
    import torch

    from harness.model.build import build
    from harness.model.shape import Shape
    from harness.model.weights import save_gpt2_layout
    from harness.operators.sdpa import Sdpa

    shape = Shape(layers=1, d_model=16, heads=2, vocab=256, context=32)
    model = build(shape, Sdpa().mixer, device=torch.device("cpu"))
    save_gpt2_layout(model, tmp_path / "w.safetensors")
    dimensions = "layers: 1, d_model: 16, heads: 2, vocab: 256, context: 32"
    (tmp_path / "s.yaml").write_text(
        f"matrix: {{model: {{{dimensions}, weights: w.safetensors}}, scenario: prefill}}\n"
        "workload: {prompt: 8}\n"
    )
    assumed = "2 heads are assumed, as in the spec: neither w.safetensors nor a config.json"
    assert assumed in harness("plan", "s.yaml").out
    (line,) = harness("plan", "s.yaml", "--format", "json").json["assumptions"]
    assert assumed in line
    (tmp_path / "config.json").write_text('{"n_head": 2}')
    assert "assumed" not in harness("plan", "s.yaml").out
    (tmp_path / "config.json").write_text('{"n_head": 4}')
    refused = harness("plan", "s.yaml")
    assert refused.code == 2
    assert "s.yaml:1:" in refused.err
    assert "has n_head 4; the spec's model has heads 2" in refused.err
