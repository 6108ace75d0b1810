"""Builds commits of the subject, each in a Python environment of its own, with asv.

An environment sees all packages that this process sees, so that the measuring side is today's
harness, with the same torch, whatever the commit. What the commit installs comes first.
"""

from __future__ import annotations

import fcntl
import json
import os
import shutil
import site
import subprocess
import sys
import venv
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from typing import Any

from harness.domain.run import Commit, Environment
from harness.domain.text import abridged, storable
from harness.errors import BuildError
from harness.subject.code import HARNESS
from harness.subject.source import Source

_TIMEOUT = 1800.0  # seconds for one command that installs a commit
_DETAIL = 20_000  # characters of a failed command's output
# The environments of a repository that are kept: a night compares two commits.
_KEPT = 8


@dataclass(frozen=True)
class Build:
    """A commit that is installed, and the interpreter that runs it."""

    commit: Commit
    environment: Environment
    python: Path

    def variables(self, given: dict[str, str]) -> dict[str, str]:
        """The environment variables for its interpreter, from those of this process.

        Leaves out what would put another version of the code first: PYTHONPATH, whose folders
        come last in the environment's own path, and the working directory.
        """
        kept = {name: value for name, value in given.items() if name != "PYTHONPATH"}
        bin_folder = str(self.python.parent)
        path = os.pathsep.join(filter(None, (bin_folder, given.get("PATH", ""))))
        return {**kept, "PATH": path, "PYTHONSAFEPATH": "1", "VIRTUAL_ENV": str(self.root)}

    def touch(self) -> None:
        """Records that it is in use: environments used least recently are deleted."""
        os.utime(self.root.parent)

    @property
    def root(self) -> Path:
        """The folder of its environment."""
        return self.python.parent.parent


def build(source: Source, commit: Commit, folder: Path, factories: Collection[str] = ()) -> Build:
    """Installs the commit in an environment below the folder, unless it is there already.

    `factories` are the top-level modules of the cells' model factories. Raises BuildError, with
    the output of the command that failed.
    """
    home = folder / _name(source)
    home.mkdir(parents=True, exist_ok=True)
    place = home / commit.sha[:16]
    with _locked(home / f"{commit.sha[:16]}.lock"):
        python = _installed(source, commit, place)
        found = Build(commit, _environment(python, source, commit, factories), python)
        found.touch()
    _forget_old(home, place)
    return found


def _installed(source: Source, commit: Commit, place: Path) -> Path:
    """The interpreter of the environment at that place, with the commit installed in it."""
    environments, util = _asv(source)
    conf = _configuration(source, place)
    try:
        from asv.repo import get_repo

        repo = get_repo(conf)
        environment = environments(conf)
        environment.create()
        if source.install:
            environment.install_project(conf, repo, commit.sha)
        else:
            environment.checkout_project(repo, commit.sha)
        return Path(environment.find_executable("python"))
    except util.ProcessError as error:
        shutil.rmtree(place, ignore_errors=True)
        executable, *arguments = error.args  # asv's errors keep the command there
        command = " ".join([Path(executable).name, *arguments])
        said = "\n".join(filter(None, (error.stdout, error.stderr))).strip()
        last = storable(said.rpartition("\n")[2])
        raise BuildError(
            f"{commit} could not be installed: `{abridged(command, 200)}` ended with "
            f"exit code {error.retcode}" + (f": {abridged(last, 200)}" if last else ""),
            abridged(storable(said), _DETAIL),
        ) from error
    except (util.UserError, OSError) as error:
        shutil.rmtree(place, ignore_errors=True)
        raise BuildError(f"{commit} could not be installed: {error}") from error


def _asv(source: Source) -> tuple[Any, Any]:
    """Asv's class of environments, as this module fills it, and asv's module of utilities."""
    import asv.plugin_manager  # noqa: F401 - asv registers its kinds of repositories there
    from asv import environment, util

    class SubjectEnvironment(environment.Environment):  # type: ignore[misc]  # asv has no types
        """A virtual environment that also sees the packages of this process."""

        tool_name = "harness"

        def __init__(self, conf: Any) -> None:
            self._requirements: dict[str, str] = {}  # asv names the environment by them
            super().__init__(conf, _python(), self._requirements, {})

        def _setup(self) -> None:
            _make_environment(Path(self._path), Path(self._build_root), source)

        def run(self, args: list[str], **kwargs: Any) -> Any:
            return self.run_executable("python", args, **kwargs)

        def run_executable(self, executable: str, args: list[str], **kwargs: Any) -> Any:
            """As asv does, but a failed command's output goes into the error alone."""
            return super().run_executable(executable, args, display_error=False, **kwargs)

    return SubjectEnvironment, util


def _configuration(source: Source, place: Path) -> Any:
    from asv.config import Config

    conf = Config()
    conf.project = source.repo.name
    conf.repo = str(source.repo)
    conf.repo_subdir = ""
    conf.dvcs = "git"
    conf.env_dir = str(place)
    conf.environment_type = "harness"
    conf.build_command = []
    conf.install_command = list(source.install)
    conf.uninstall_command = []
    conf.install_timeout = _TIMEOUT
    conf.build_cache_size = 0
    return conf


def _python() -> str:
    return f"{sys.version_info.major}.{sys.version_info.minor}"


def _make_environment(path: Path, checkout: Path, source: Source) -> None:
    """A virtual environment whose path ends with the folders of this process's own path.

    Except those with the repository's working tree: a commit that lacks a module must not find
    today's.
    """
    venv.create(path, symlinks=True, with_pip=not _has_pip())
    (packages,) = path.glob("lib/python*/site-packages")
    sites = {Path(one).resolve() for one in (*site.getsitepackages(), site.getusersitepackages())}
    repo, library = source.repo.resolve(), Path(os.__file__).resolve().parent
    folders = [
        one
        for one in (Path(entry).resolve() for entry in sys.path if entry)
        if one in sites or not (one.is_relative_to(repo) or library.is_relative_to(one))
        if one.is_dir() and one.parent != library
    ]
    own = [] if source.install else [str(checkout)]
    # A folder of packages is added with its own .pth files, for packages installed editable.
    lines = [
        f"import site; site.addsitedir({str(one)!r})" if one in sites else str(one)
        for one in (*folders, HARNESS.parent)
    ]
    (packages / "subject.pth").write_text("\n".join([*own, *lines]) + "\n")
    pip = path / "bin" / "pip"
    if not pip.exists():
        pip.write_text(f'#!/bin/sh\nexec "{path}/bin/python" -m pip "$@"\n')
        pip.chmod(0o755)


def _has_pip() -> bool:
    """True if the environments see this process's pip.

    Asked of its metadata: looking for the module makes setuptools warn about distutils.
    """
    try:
        distribution("pip")
    except PackageNotFoundError:
        return False
    return True


def _environment(
    python: Path, source: Source, commit: Commit, factories: Collection[str]
) -> Environment:
    """What the commit's interpreter reports about the software in it."""
    repo = str(source.repo.resolve())
    order = json.dumps({"repo": repo, "factories": sorted(factories)})
    done = subprocess.run(
        [str(python), "-P", "-m", "harness.subject.report", order],
        capture_output=True,
        text=True,
        check=False,
        env={name: value for name, value in os.environ.items() if name != "PYTHONPATH"},
    )
    if done.returncode:
        last = done.stderr.strip().rpartition("\n")[2]
        raise BuildError(f"{commit} cannot be measured: {last}", storable(done.stderr))
    versions: dict[str, str] = json.loads(done.stdout)
    return Environment(versions)


def _name(source: Source) -> str:
    text = json.dumps([str(source.repo.resolve()), source.install, sys.prefix, _python()])
    return f"{source.repo.resolve().name}-{sha256(text.encode()).hexdigest()[:12]}"


def _forget_old(home: Path, own: Path) -> None:
    """Deletes the environments used least recently; builds are quick to make again."""
    places = [one for one in home.iterdir() if one.is_dir() and one != own]
    for place in sorted(places, key=lambda one: one.stat().st_mtime, reverse=True)[_KEPT - 1 :]:
        with (home / f"{place.name}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:  # in use
                continue
            shutil.rmtree(place, ignore_errors=True)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield
