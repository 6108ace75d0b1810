from __future__ import annotations

from types import ModuleType

from harness.domain.cell import Choice
from harness.site.aspects import aspects


def test_aspects_that_differ_are_varying_and_the_rest_constant(sample: ModuleType) -> None:
    cells = [sample.make_cell(precision="fp32"), sample.make_cell(precision="bf16")]
    found = aspects([sample.make_result(cell) for cell in cells])
    assert found.varying == ("precision",)
    assert found.choices == (("fp32",), ("bf16",))
    assert ("operator", "sdpa") in found.constant


def test_the_commit_varies_between_results_of_different_commits(sample: ModuleType) -> None:
    runs = [sample.make_run(commit) for commit in sample.COMMITS[:2]]
    found = aspects([sample.make_result(run=run) for run in runs])
    assert found.varying == ("commit",)
    assert found.choices == tuple((str(run.commit),) for run in runs)


def test_only_the_versions_that_differ_are_listed(sample: ModuleType) -> None:
    runs = [sample.make_run(torch=version) for version in ("2.12.0", "2.13.0")]
    found = aspects([sample.make_result(run=run) for run in runs])
    assert found.choices == (("torch 2.12.0",), ("torch 2.13.0",))


def test_different_choices_of_the_same_label_are_numbered(sample: ModuleType) -> None:
    cell = sample.make_cell()
    twins = [cell.replace(operator=Choice(name, label="mine")) for name in ("one", "two")]
    found = aspects([sample.make_result(twin) for twin in twins])
    assert found.choices == (("mine (1)",), ("mine (2)",))
