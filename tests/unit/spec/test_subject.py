"""`subject` names the repository whose commits are followed."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import SpecError
from harness.spec.load import load

SPEC = """\
subject: {subject}
matrix: {{model: {model}, scenario: prefill}}
workload: {{prompt: 16}}
"""


def written(folder: Path, subject: str, model: str = "nano") -> Path:
    file = folder / "specs" / "s.yaml"
    file.parent.mkdir(exist_ok=True)
    file.write_text(SPEC.format(subject=subject, model=model))
    return file


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    """What looks like a repository, with a module of its own."""
    (tmp_path / "repo" / ".git").mkdir(parents=True)
    (tmp_path / "repo" / "src").mkdir()
    (tmp_path / "repo" / "src" / "mine.py").write_text("def small(vocab, context): ...\n")
    return tmp_path / "repo"


def test_the_repository_is_found_from_the_specs_folder(tmp_path: Path, repo: Path) -> None:
    (spec,) = load([written(tmp_path, "{repo: ../repo}")])
    assert spec.subject is not None
    assert spec.subject.repo == repo.resolve()
    assert spec.subject.install == ("pip install .",)


@pytest.mark.parametrize(
    ("install", "expected"),
    [("make", ("make",)), ("[make, make install]", ("make", "make install")), ("[]", ())],
)
def test_install_is_a_command_or_several_or_none(
    tmp_path: Path, repo: Path, install: str, expected: tuple[str, ...]
) -> None:
    (spec,) = load([written(tmp_path, f"{{repo: ../repo, install: {install}}}")])
    assert spec.subject is not None
    assert spec.subject.install == expected


def test_a_factory_is_looked_for_in_the_repository(tmp_path: Path, repo: Path) -> None:
    """It need not be installed: the commits will be."""
    model = '{factory: "mine:small", vocab: 16, context: 16}'
    load([written(tmp_path, "{repo: ../repo}", model)])
    with pytest.raises(SpecError, match=r"mine: .*smal"):
        load([written(tmp_path, "{repo: ../repo}", model.replace("small", "smal"))])


@pytest.mark.parametrize(
    ("subject", "message"),
    [
        ("{repo: ../nowhere}", "is not a git repository"),
        ("{repo: .}", "is not a git repository"),
        ("{}", "repo"),
        ("{repo: ../repo, instal: make}", "unknown key 'instal'; did you mean 'install'"),
        ("{repo: ../repo, install: [1]}", "install"),
        ("{repo: ''}", "repo"),
    ],
)
def test_a_wrong_subject_is_refused_at_its_place(
    tmp_path: Path, repo: Path, subject: str, message: str
) -> None:
    with pytest.raises(SpecError) as caught:
        load([written(tmp_path, subject)])
    (line,) = str(caught.value).splitlines()
    assert ":1:" in line
    assert message in line
