"""Which versions are kept with a run."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Callable
from importlib import metadata
from pathlib import Path

import pytest

from harness import __version__
from harness.domain.run import Commit
from harness.subject import environment
from harness.subject.commit import NO_COMMIT


def test_launchers_that_are_installed_are_of_the_environment(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """They bear on the speed of what they start; others are left out."""
    installed = {"torch": "2.13.0", "horovod": "0.28.1"}

    def version(package: str) -> str:
        try:
            return installed[package]
        except KeyError:
            raise metadata.PackageNotFoundError(package) from None

    monkeypatch.setattr(environment, "version", version)
    versions = environment.this_environment().versions
    assert versions.items() >= installed.items()
    assert not {"lightning", "pyspark", "numpy"} & set(versions)


Install = Callable[..., str]
NAME = "shiny-operators"


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Install:
    """Install a package, with this text as its code; what the environment then says of it."""
    site, project = tmp_path / "site", tmp_path / "project"
    information = site / "shiny_operators-1.0.dist-info"
    information.mkdir(parents=True)
    for folder in (site, project):
        monkeypatch.syspath_prepend(folder)

    def installed(code: str, *, editable: bool = False) -> str:
        folder = (project if editable else site) / "shiny"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "__init__.py").write_text(code)
        write = {
            "METADATA": f"Metadata-Version: 2.1\nName: {NAME}\nVersion: 1.0\n",
            "entry_points.txt": "[harness.operators]\nshiny = shiny\n",
            "RECORD": "".join(
                f"{one.relative_to(site)},,\n" for one in site.rglob("*") if one.is_file()
            ),
            "direct_url.json": json.dumps(
                {"url": project.as_uri(), "dir_info": {"editable": editable}}
            ),
        }
        for name, text in write.items():
            (information / name).write_text(text)
        return told()

    return installed


def told() -> str:
    return environment.cells_environment(NO_COMMIT).versions[NAME]


def test_another_build_of_an_outside_package_is_another_environment(install: Install) -> None:
    """Its author builds it anew after each change, and raises its version once a month."""
    first = install("x = 1")
    assert first.startswith("1.0 (")
    assert install("x = 2") != first
    assert install("x = 1") == first


def test_an_outside_package_that_is_edited_in_place_is_told_by_its_files(
    install: Install, tmp_path: Path
) -> None:
    """What is no code of its, a result say, makes it no other."""
    first = install("x = 1", editable=True)
    (tmp_path / "project" / "results").mkdir()
    (tmp_path / "project" / "results" / "harness.sqlite").write_text("x")
    (tmp_path / "project" / "shiny" / "__pycache__").mkdir()
    (tmp_path / "project" / "shiny" / "__pycache__" / "x.pyc").write_text("x")
    assert told() == first
    assert install("x = 2", editable=True) != first


def test_an_outside_package_in_a_checkout_is_told_by_its_commit(
    install: Install, tmp_path: Path
) -> None:
    """And by what is changed since."""
    install("x = 1", editable=True)
    git = ["git", "-C", str(tmp_path / "project"), "-c", "user.name=a", "-c", "user.email=a@b"]
    for arguments in (["init", "-q"], ["add", "."], ["commit", "-qm", "First"]):
        subprocess.run([*git, *arguments], check=True)
    head = subprocess.run([*git, "rev-parse", "HEAD"], check=True, capture_output=True, text=True)
    assert told() == f"1.0 ({head.stdout[:10]})"
    assert install("x = 2", editable=True).startswith(f"1.0 ({head.stdout[:10]}+")


def test_a_lone_module_that_is_edited_in_place_counts_with_those_beside_it(
    install: Install, tmp_path: Path
) -> None:
    """It imports them."""
    install("", editable=True)
    (tmp_path / "project" / "shiny" / "__init__.py").unlink()
    (tmp_path / "project" / "shiny").rmdir()
    (tmp_path / "project" / "shiny.py").write_text("import beside")
    (tmp_path / "project" / "beside.py").write_text("x = 1")
    first = told()
    (tmp_path / "project" / "beside.py").write_text("x = 2")
    assert told() != first


def test_the_harness_is_told_by_the_commit_where_it_is_the_subject() -> None:
    """Else a history over its commits would be of one point in each environment."""
    versions = environment.cells_environment(Commit("a" * 40)).versions
    assert versions["harness"] == __version__


def test_the_harness_is_told_by_its_code_where_no_commit_tells_it() -> None:
    """The subject is another repository, or the harness lies in no checkout."""
    versions = environment.cells_environment(NO_COMMIT).versions
    assert versions["harness"].startswith(f"{__version__} (")


def test_what_a_machine_can_do_depends_on_no_outside_package(install: Install) -> None:
    """Else ceilings would be measured anew after each change of an operator."""
    install("x = 1")
    assert NAME not in environment.this_environment().versions


@pytest.fixture
def factories(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with the module `zoo`, of model factories."""
    folder = tmp_path / "lib"
    (folder / "zoo").mkdir(parents=True)
    (folder / "zoo" / "__init__.py").write_text("def model(): ...")
    monkeypatch.syspath_prepend(folder)
    return folder


def test_another_code_of_a_factory_is_another_environment(factories: Path) -> None:
    before = environment.cells_environment(NO_COMMIT, ["zoo"])
    (factories / "zoo" / "layers.py").write_text("width = 3")
    after = environment.cells_environment(NO_COMMIT, ["zoo"])
    assert before.versions["zoo"] != after.versions["zoo"]
    assert "zoo" not in environment.cells_environment(NO_COMMIT).versions


def test_a_factory_in_the_subjects_repository_is_told_by_its_commit(factories: Path) -> None:
    """Else each commit would be another environment, and its history a row of single points."""
    assert "zoo" not in environment.cells_environment(NO_COMMIT, ["zoo"], factories).versions
    assert "zoo" in environment.cells_environment(NO_COMMIT, ["zoo"], factories / "b").versions
