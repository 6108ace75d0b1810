"""Where, when and on what a cell was measured."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class Gpu:
    """One accelerator, as its driver describes it."""

    name: str
    memory_bytes: int
    driver: str = ""


@dataclass(frozen=True)
class Host:
    """A machine, described by what affects speed; identical machines share a fingerprint."""

    cpu: str
    architecture: str  # "x86_64"
    physical_cores: int
    logical_cores: int
    isa: tuple[str, ...]  # vector and matrix extensions, e.g. ("avx2", "avx512f")
    memory_bytes: int
    system: str  # "Linux"
    gpus: tuple[Gpu, ...] = ()

    @cached_property
    def fingerprint(self) -> str:
        """12 hexadecimal digits that identify this kind of machine.

        Memory is rounded to whole GiB: kernels reserve slightly different amounts at each boot.
        """
        facts = {**asdict(self), "memory_bytes": round(self.memory_bytes / 2**30)}
        return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:12]

    def __str__(self) -> str:
        memory = f"{self.memory_bytes / 2**30:.0f} GiB"
        gpus = "".join(f", {gpu.name}" for gpu in self.gpus)
        return f"{self.cpu}, {self.physical_cores} cores, {memory}{gpus}"

    def to_json(self) -> dict[str, Any]:
        """Return plain data."""
        return asdict(self)

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Host:
        """Read what to_json returns."""
        gpus = tuple(Gpu(**gpu) for gpu in data["gpus"])
        return cls(**{**data, "isa": tuple(data["isa"]), "gpus": gpus})


@dataclass(frozen=True)
class Commit:
    """The subject's version: the harness's own commit, or another repository's."""

    sha: str  # "" if the code is not in a git checkout
    branch: str = ""
    date: datetime | None = None  # the committer's date, UTC
    subject: str = ""  # the first line of its message
    dirty: str = ""  # digest of uncommitted changes; "" if there are none

    def __str__(self) -> str:
        if not self.sha:
            return "no commit"
        return self.sha[:10] + ("+dirty" if self.dirty else "")


@dataclass(frozen=True)
class Environment:
    """Versions of the software that affects speed."""

    versions: Mapping[str, str]

    @cached_property
    def digest(self) -> str:
        """12 hexadecimal digits of the versions' SHA-256."""
        canonical = json.dumps(dict(self.versions), sort_keys=True)
        return hashlib.sha256(canonical.encode()).hexdigest()[:12]


@dataclass(frozen=True)
class Asked:
    """A spec that a run measures: its name, its question and the digest of its text."""

    name: str
    question: str
    digest: str


@dataclass(frozen=True)
class Run:
    """One `harness run`: one commit, one host, many cells."""

    commit: Commit
    host: Host
    environment: Environment
    started: datetime
    seed: int
    specs: Mapping[str, Asked] = field(default_factory=dict)  # by file
    command: str = ""
    finished: datetime | None = None
    pid: int = 0  # the process that runs it
    pid_started: float = 0.0  # when that process began: a later process may get the same pid
    # The night whose pairs it measured. None: its results count in the history.
    night: int | None = None
    id: int | None = None  # its key in the store, once saved
