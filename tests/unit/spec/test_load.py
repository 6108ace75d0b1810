"""Files in, specs out; and what the command line changes on the way."""

import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from harness.errors import SpecError, UsageError
from harness.spec.load import question
from harness.spec.spec import Spec

Load = Callable[..., list[Spec]]

TEXT = """\
# Which one pays?
name: pays
baseline: {precision: fp32}
matrix:
  model: [nano, small]
  scenario: [prefill, decode]
  precision: [fp32, bf16]
  compression: [none, int8]
  hardware: [local, {device: cpu, threads: 2}]
exclude:
  - {precision: bf16, compression: int8}
workload: {batch: 1, prompt: [8, 16], generate: 4}
measure: {rounds: 5, target_ci: 2%, max_time: 90s}
limits: {timeout: 5m, memory: 2GiB}
"""
SMALL = "matrix: {model: small, scenario: prefill}\n"


def faults(load: Load, *args: object, **options: object) -> list[str]:
    with pytest.raises(SpecError) as caught:
        load(*args, **options)
    return str(caught.value).splitlines()


def test_a_spec_holds_what_its_file_says(load_here: Load) -> None:
    (spec,) = load_here({"s.yaml": TEXT})
    assert (spec.name, spec.question, spec.file) == ("pays", "Which one pays?", "s.yaml")
    assert hashlib.sha256(TEXT.encode()).hexdigest()[:16] == spec.digest
    assert (
        spec.measure.rounds,
        spec.measure.max_rounds,
        spec.measure.target_ci,
        spec.measure.max_time,
    ) == (5, 100, 0.02, 90.0)
    assert (spec.limits.timeout, spec.limits.memory) == (300.0, 2 * 2**30)
    assert len(spec.cells) == 2 * 2 * 3 * 2 * 2


def test_what_is_not_said_has_a_default(load_here: Load) -> None:
    (spec,) = load_here({"small.yaml": SMALL})
    assert (spec.name, spec.question) == ("small", "")
    expected = {
        "rounds": 6,
        "max_rounds": 100,
        "target_ci": 0.015,
        "max_time": 60.0,
        "round_time": 1.0,
        "samples": 5,
        "max_samples": 1000,
        "quality": True,
        "energy": False,
        "allocator": "steady",
        "ceiling": True,
        "seed": 0,
    }
    assert expected == spec.measure.model_dump()
    assert spec.limits.model_dump() == {"timeout": 600.0, "memory": None}


def test_asking_for_more_raises_the_default_most(load_here: Load) -> None:
    """So that `rounds: 140` alone is no contradiction."""
    (spec,) = load_here({"s.yaml": SMALL + "measure: {rounds: 140, samples: 2000}"})
    assert (spec.measure.max_rounds, spec.measure.max_samples) == (140, 2000)


def test_a_cell_is_compared_with_the_one_that_has_the_baselines_values(load_here: Load) -> None:
    (spec,) = load_here({"s.yaml": TEXT})
    cells = {cell.id: cell for cell in spec.cells}
    for cell in spec.cells:
        base = cells[spec.baseline[cell.id]]
        assert base.precision.name == "fp32"
        assert cell.labels | {"precision": ""} == base.labels | {"precision": ""}
        assert cell.workload == base.workload


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("# One line\nname: x", "One line"),
        ("#Two\n#   lines\nname: x", "Two lines"),
        ("\n\n# After blank lines\n\n# not this\n", "After blank lines"),
        ("# A paragraph\n#\n# and another\n", "A paragraph"),
        ("# yaml-language-server: $schema=x\n# The question\n", "The question"),
        ("\ufeff# After a byte order mark\n", "After a byte order mark"),
        ("#\n# After an empty comment line\n", "After an empty comment line"),
        ("name: x\n# too late\n", ""),
        ("name: x # beside\n", ""),
        ("", ""),
    ],
)
def test_the_question_is_the_first_paragraph_of_the_opening_comment(
    text: str, expected: str
) -> None:
    assert expected == question(text)


def test_several_files_and_globs_each_file_once(load_here: Load) -> None:
    files = dict.fromkeys(("b.yaml", "a.yaml", "c.yml"), SMALL)
    specs = load_here(files, "b.yaml", "*.yaml", "./a.yaml", "c.yml")
    assert [spec.file for spec in specs] == ["b.yaml", "a.yaml", "c.yml"]


def test_a_file_may_be_named_like_a_glob(load_here: Load) -> None:
    assert [spec.file for spec in load_here({"s[1].yaml": SMALL})] == ["s[1].yaml"]


def test_an_absolute_path_is_told_as_given(load_here: Load, tmp_path: Path) -> None:
    (spec,) = load_here({"s.yaml": SMALL}, str(tmp_path / "*.yaml"))
    assert str(tmp_path / "s.yaml") == spec.file


def test_arguments_that_name_no_spec(load_here: Load, tmp_path: Path) -> None:
    """All told at once, as usage errors."""
    (tmp_path / "specs").mkdir()
    lines = faults(load_here, {"quick.yaml": SMALL}, "no/*.yaml", "quik.yaml", "specs")
    assert lines == [
        "no/*.yaml: no file matches this pattern",
        (
            "quik.yaml: there is no such file; unknown spec 'quik.yaml'; did you mean 'quick.yaml'? "
            "(possible: quick.yaml)"
        ),
        "specs: this is a folder: name its files, e.g. 'specs/*.yaml'",
    ]
    assert issubclass(SpecError, UsageError)


def test_files_that_cannot_be_read(load_here: Load, tmp_path: Path) -> None:
    files = {"latin.yaml": b"name: \xe9\n", "large.yaml": b"#" * (2**20 + 1)}
    assert faults(load_here, files) == [
        "latin.yaml: this file cannot be read: it is not UTF-8 (byte 6: invalid continuation byte)",
        "large.yaml: this file cannot be read: it is larger than 1 MiB",
    ]


def test_the_faults_of_all_files_are_told_at_once(load_here: Load) -> None:
    files = {"a.yaml": "nam: a\n" + SMALL, "b.yaml": SMALL, "c.yaml": "[]"}
    lines = faults(load_here, files)
    assert [line.partition(": ")[0] for line in lines] == ["a.yaml:1:1", "c.yaml:1:1"]


def test_weights_are_looked_for_beside_the_spec(
    load_here: Load, tmp_path: Path, gpt2_bytes: Callable[..., bytes]
) -> None:
    (tmp_path / "deep").mkdir()
    text = (
        "matrix: {scenario: prefill, model: {name: nano, weights: ../w.safetensors}}\n"
        "workload: {prompt: 8}"
    )
    (spec,) = load_here({"w.safetensors": gpt2_bytes(), "deep/s.yaml": text}, "deep/s.yaml")
    digest = hashlib.sha256(gpt2_bytes()).hexdigest()[:16]
    assert {digest: str(tmp_path / "w.safetensors")} == spec.weights


class TestOverrides:
    def test_a_value_is_replaced_by_its_path(self, load_here: Load) -> None:
        (spec,) = load_here({"s.yaml": TEXT}, overrides=["workload.prompt=32", "name=other"])
        assert spec.name == "other"
        assert {32} == {cell.load["prompt"] for cell in spec.cells}

    def test_commas_make_a_list(self, load_here: Load) -> None:
        (spec,) = load_here({"s.yaml": SMALL}, overrides=["workload.prompt=512,1024"])
        assert [cell.load["prompt"] for cell in spec.cells] == [512, 1024]

    @pytest.mark.parametrize(
        ("override", "axis", "expected"),
        [
            ("matrix.precision=bf16", "precision", ["bf16"]),
            ("matrix.precision=[fp32, bf16]", "precision", ["fp32", "bf16"]),
            ("matrix.hardware={device: cpu, threads: 1}", "hardware", ["cpu(threads=1)"]),
            ("matrix.parallelism=none,{tensor: 2}", "parallelism", ["none", "tensor=2"]),
            ("matrix.parallelism.tensor=2", "parallelism", ["tensor=2"]),
            (
                "matrix.compression=[[{name: prune, pattern: 2:4}, int8]]",
                "compression",
                ["prune(pattern=2:4) + int8"],
            ),
        ],
    )
    def test_a_value_is_yaml(
        self, load_here: Load, override: str, axis: str, expected: list[str]
    ) -> None:
        (spec,) = load_here({"s.yaml": SMALL}, overrides=[override])
        assert expected == [cell.labels[axis] for cell in spec.cells]

    def test_keys_that_the_file_lacks_are_made(self, load_here: Load) -> None:
        options = ["measure.rounds=7", "limits.memory=1GiB"]
        (spec,) = load_here({"s.yaml": SMALL}, overrides=options)
        assert (spec.measure.rounds, spec.limits.memory) == (7, 2**30)

    def test_they_apply_to_every_file_in_order(self, load_here: Load) -> None:
        options = ["workload.batch=2", "workload.batch=3"]
        specs = load_here({"a.yaml": SMALL, "b.yaml": SMALL}, overrides=options)
        assert [spec.cells[0].load["batch"] for spec in specs] == [3, 3]

    def test_they_are_part_of_the_digest(self, load_here: Load) -> None:
        """A result tells what was asked for, not only what the file says."""
        digests = {
            load_here({"s.yaml": SMALL}, overrides=options)[0].digest
            for options in ([], ["name=a"], ["name=b"], ["name=a", "name=b"])
        }
        assert len(digests) == 4

    @pytest.mark.parametrize(
        ("override", "expected"),
        [
            (
                "workload.prmopt=3",
                (
                    "--set workload.prmopt: unknown key 'prmopt'; did you mean 'prompt'? "
                    "(possible: batch, generate, prompt)"
                ),
            ),
            (
                "wrkload.prompt=3",
                (
                    "--set wrkload.prompt: unknown key 'wrkload'; did you mean 'workload'? (possible: "
                    "baseline, exclude, expect, include, limits, matrix, measure, name, prices, quality, scaling, subject, workload, zip)"
                ),
            ),
            (
                "workload.prompt=x",
                "--set workload.prompt: prompt should be a whole number, found 'x'",
            ),
            (
                "workload.prompt=8,0",
                "--set workload.prompt: prompt should be greater than or equal to 1, found 0",
            ),
            (
                "matrix.precision=fp32,fp8",
                "--set matrix.precision: unknown precision 'fp8' (possible: bf16, fp32)",
            ),
            (
                "measure.max_time=60",
                (
                    "--set measure.max_time: 60 has no unit: write a number with a unit, "
                    "such as 500ms, 60s, 10m or 1.5h"
                ),
            ),
            (
                "name.x=3",
                "--set name.x: name is not a mapping: no key can be set inside it; set it as a whole",
            ),
            (
                "exclude.0=3",
                (
                    "--set exclude.0: exclude is a list: no key can be set inside it; "
                    "set it as a whole"
                ),
            ),
            (
                "workload",
                "--set workload: write it as path=value, e.g. workload.prompt=512,1024",
            ),
            (
                "a..b=1",
                "--set a..b: write it as path=value, e.g. workload.prompt=512,1024",
            ),
            ("name=", "--set name: there is no value after the ="),
            ("name=[a", "--set name: not YAML"),
        ],
    )
    def test_what_is_wrong_with_one_is_told_by_its_path(
        self, load_here: Load, override: str, expected: str
    ) -> None:
        (line,) = faults(load_here, {"s.yaml": TEXT}, overrides=[override])
        assert line.startswith(expected)

    def test_a_fault_in_several_files_is_told_once(self, load_here: Load) -> None:
        files = {"a.yaml": SMALL, "b.yaml": SMALL}
        assert len(faults(load_here, files, overrides=["matrix.precision=fp8"])) == 1

    def test_an_exclude_that_overrides_leave_idle_is_no_fault(self, load_here: Load) -> None:
        """What it names may be just what was narrowed away."""
        (spec,) = load_here({"s.yaml": TEXT}, overrides=["matrix.compression=none"])
        assert len(spec.cells) == 2 * 2 * 2 * 2 * 2


class TestOnly:
    @pytest.mark.parametrize(
        ("only", "expected"),
        [
            (["precision=bf16"], 16),
            (["precision=bf16,fp32"], 48),
            (["precision=bf16", "precision=fp32"], 48),
            (["precision=bf16", "model=nano"], 8),
            (["compression=int8", "scenario=decode"], 8),
            (["hardware=cpu(threads=2)"], 24),
            (["hardware=cpu"], 24),
            (["prompt=8"], 24),
            (["generate=4"], 24),
            (["parallelism=none"], 48),
        ],
    )
    def test_it_keeps_the_cells_that_have_a_name_on_the_axis(
        self, load_here: Load, only: list[str], expected: int
    ) -> None:
        (spec,) = load_here({"s.yaml": TEXT}, only=only)
        assert expected == len(spec.cells)

    def test_a_label_may_hold_commas(self, load_here: Load) -> None:
        text = SMALL.replace(
            "scenario", "operator: [sdpa, {name: window, size: 2, exact: true}], scenario"
        )
        only = ["operator=window(exact=True, size=2),sdpa"]
        (spec,) = load_here({"s.yaml": text}, only=only)
        assert len(spec.cells) == 2

    def test_a_baseline_outside_it_still_stands(self, load_here: Load) -> None:
        """Its result may be stored, from a run that measured it."""
        (whole,) = load_here({"s.yaml": TEXT})
        (narrowed,) = load_here({"s.yaml": TEXT}, only=["precision=bf16"])
        ids = {cell.id for cell in narrowed.cells}
        assert {cell: whole.baseline[cell] for cell in ids} == narrowed.baseline
        assert ids.isdisjoint(narrowed.baseline.values())

    def test_a_spec_with_nothing_left_is_left_out(self, load_here: Load) -> None:
        """The name need only be in one of several specs."""
        files = {"a.yaml": SMALL, "b.yaml": TEXT}
        assert [spec.file for spec in load_here(files, only=["precision=bf16"])] == ["b.yaml"]

    @pytest.mark.parametrize(
        ("only", "expected"),
        [
            (
                ["precision=bf61"],
                (
                    "--only precision=bf61: unknown precision 'bf61'; did you mean 'bf16'? "
                    "(possible: bf16, fp32)"
                ),
            ),
            (
                ["precison=bf16"],
                (
                    "--only precison=bf16: unknown axis 'precison'; did you mean 'precision'? "
                    "(possible: backend, batch, compression, generate, hardware, model, operator, "
                    "parallelism, precision, prompt, scenario)"
                ),
            ),
            (["precision"], "--only precision: write it as axis=name, e.g. precision=bf16"),
            (
                ["precision=bf16", "compression=int8"],
                (
                    "--only precision=bf16 --only compression=int8: "
                    "no cell has all of these values: nothing is left to measure"
                ),
            ),
        ],
    )
    def test_what_leaves_nothing_is_refused(
        self, load_here: Load, only: list[str], expected: str
    ) -> None:
        assert [expected] == faults(load_here, {"s.yaml": TEXT}, only=only)
