"""What an engine cannot do with a cell, told before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from harness import launchers as engines
from harness import parallelism
from harness.domain.cell import Cell, Choice
from harness.domain.run import Host
from harness.launchers import spark
from harness.launchers.spark import Spark

MODEL = Choice("decoder", (("d_model", 64), ("heads", 2), ("layers", 2)))
TWO = (("degree", 2),)


@pytest.fixture
def java(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A program that says it is Java 17, where JAVA_HOME says it is."""
    monkeypatch.setenv("JAVA_HOME", str(tmp_path))
    program = tmp_path / "bin" / "java"
    program.parent.mkdir()
    program.touch(0o700)
    program.write_text(JAVA.format("17.0.15"))
    return program


JAVA = """#!/bin/sh
echo 'openjdk version "{}" 2025-04-15' >&2
"""


@pytest.fixture(autouse=True)
def all_installed(monkeypatch: pytest.MonkeyPatch, java: Path) -> None:
    """Whatever this interpreter has."""
    assert java.exists()
    monkeypatch.setattr(engines, "find_spec", lambda _: object())


def refusal(
    make_cell: Callable[..., Cell],
    host: Host,
    ways: Iterable[str],
    options: dict[str, Any],
    **changes: Any,
) -> str | None:
    """Of a cell that is split in these ways by an engine with these options."""
    split = [Choice(way, TWO) for way in ways]
    asked = Choice("engine", tuple(sorted(options.items())))
    cell = make_cell(model=MODEL, parallelism=(*split, asked), **changes)
    entry = parallelism.registry["engine"]
    return entry.of(asked).unsupported(cell, host)


@pytest.mark.parametrize(
    ("ways", "options"),
    [
        (["data"], {"name": "lightning"}),
        (["shard"], {"name": "lightning"}),
        (["shard", "tensor"], {"name": "lightning"}),
        (["data"], {"name": "horovod"}),
        (["pipeline", "context"], {"name": "spark", "master": "local[4]"}),
    ],
)
def test_what_it_can_do_it_does(
    make_cell: Callable[..., Cell], host: Host, ways: list[str], options: dict[str, Any]
) -> None:
    assert refusal(make_cell, host, ways, options) is None


@pytest.mark.parametrize(
    ("ways", "options", "changes", "reason"),
    [
        (["pipeline"], {"name": "lightning"}, {}, "not by pipeline"),
        (["shard"], {"name": "horovod"}, {}, "horovod splits by data, not by shard"),
        (["data", "tensor"], {"name": "lightning"}, {}, "shard with tensor, and data with none"),
        (["data"], {"name": "horovod"}, {"precision": Choice("bf16")}, "BFloat16Tensor is not"),
        (["shard"], {"name": "lightning", "strategy": "fsdp"}, {}, "only available on GPU"),
        (["shard"], {"name": "spark", "strategy": "fsdp"}, {}, "an option of lightning, not of sp"),
        (["data"], {"name": "horovod", "master": "local[2]"}, {}, "an option of spark, not of hor"),
        (["data"], {"name": "spark", "master": "local[1]"}, {}, "too few places for 2 processes"),
        ([], {"name": "horovod"}, {}, "horovod has nothing to do in one process"),
        (["data"], {"name": "horovod"}, {"hardware": Choice("cuda")}, "for processors alone"),
        (
            ["shard"],
            {"name": "lightning", "strategy": "fsdp"},
            {"hardware": Choice("cuda")},
            "FSDP2: leave out strategy",
        ),
    ],
)
def test_what_it_cannot_do_is_told(
    make_cell: Callable[..., Cell],
    host: Host,
    ways: list[str],
    options: dict[str, Any],
    changes: dict[str, Any],
    reason: str,
) -> None:
    assert reason in (refusal(make_cell, host, ways, options, **changes) or "")


@pytest.mark.parametrize("name", ["lightning", "horovod", "spark"])
def test_one_that_is_not_installed_says_what_installs_it(
    make_cell: Callable[..., Cell], host: Host, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(engines, "find_spec", lambda _: None)
    told = f"{name} is not installed here: `make engines` installs it"
    assert refusal(make_cell, host, ["data"], {"name": name}) == told
    assert engines.registry[name].unavailable(host) == told


def test_spark_needs_what_it_does_not_bring(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its tasks import pandas and pyarrow, which pyspark itself does without."""
    monkeypatch.setattr(engines, "find_spec", lambda name: None if name == "pyarrow" else name)
    assert Spark.unavailable(host) == "spark needs pyarrow: `make engines` installs it"


def asked_anew() -> None:
    """A Java that has told its version is not asked again."""
    spark._told_by.cache_clear()


def test_spark_needs_java(host: Host, monkeypatch: pytest.MonkeyPatch, java: Path) -> None:
    """Where JAVA_HOME says, else on the path; as late a one as Spark asks for."""
    needs = "spark needs Java 17 or later"
    assert Spark.unavailable(host) is None
    asked_anew()
    java.write_text(JAVA.format("1.8.0_392"))
    assert Spark.unavailable(host) == f"{needs}; {java} is Java 8"
    java.unlink()
    asked_anew()
    assert Spark.unavailable(host) == f"{needs}; {java} is no Java that answers"
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", "")
    assert Spark.unavailable(host) == f"{needs}: `make engines` installs it"
    java.write_text(JAVA.format("21"))
    java.chmod(0o700)
    asked_anew()
    monkeypatch.setenv("PATH", str(java.parent))
    assert Spark.unavailable(host) is None


def test_the_default_is_torch(make_cell: Callable[..., Cell]) -> None:
    """Which has no version of its own to install, and no part in what one process does."""
    assert parallelism.engine_of(make_cell(parallelism=(Choice("data", TWO),))).name == "torch"
    assert engines.registry["torch"].version().startswith("torch 2.")
