"""What a launcher cannot do with a cell, said before anything runs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError

from harness import launchers
from harness.domain.cell import Cell, Choice
from harness.domain.run import Host
from harness.launchers import launcher_of, spark
from harness.launchers.spark import Spark
from harness.parallelism import with_launcher

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
    monkeypatch.setattr(launchers, "find_spec", lambda _: object())


def refusal(
    make_cell: Callable[..., Cell],
    host: Host,
    ways: Iterable[str],
    launcher: Choice,
    **changes: Any,
) -> str | None:
    """Of a cell that is split in these ways and names this launcher."""
    split = [Choice(way, TWO) for way in ways]
    cell = make_cell(model=MODEL, parallelism=(*split, with_launcher(launcher)), **changes)
    return launcher_of(cell).unsupported(cell, host)


def named(name: str, **options: Any) -> Choice:
    """A launcher with its options."""
    return Choice(name, tuple(sorted(options.items())))


@pytest.mark.parametrize(
    ("ways", "launcher"),
    [
        (["data"], named("lightning")),
        (["shard"], named("lightning")),
        (["shard", "tensor"], named("lightning")),
        (["data"], named("horovod")),
        (["pipeline", "context"], named("spark", master="local[4]")),
    ],
)
def test_what_it_can_do_it_does(
    make_cell: Callable[..., Cell], host: Host, ways: list[str], launcher: Choice
) -> None:
    assert refusal(make_cell, host, ways, launcher) is None


@pytest.mark.parametrize(
    ("ways", "launcher", "changes", "reason"),
    [
        (["pipeline"], named("lightning"), {}, "not by pipeline"),
        (["shard"], named("horovod"), {}, "horovod splits by data, not by shard"),
        (["data", "tensor"], named("lightning"), {}, "shard with tensor, and data with none"),
        (["data"], named("horovod"), {"precision": Choice("bf16")}, "BFloat16Tensor is not"),
        (["shard"], named("lightning", strategy="fsdp"), {}, "only available on GPU"),
        (["data"], named("spark", master="local[1]"), {}, "too few slots for 2 processes"),
        ([], named("horovod"), {}, "horovod has nothing to do in one process"),
        (["data"], named("horovod"), {"hardware": Choice("cuda")}, "for processors only"),
        (
            ["shard"],
            named("lightning", strategy="fsdp"),
            {"hardware": Choice("cuda")},
            "FSDP2: leave out strategy",
        ),
    ],
)
def test_what_it_cannot_do_is_told(
    make_cell: Callable[..., Cell],
    host: Host,
    ways: list[str],
    launcher: Choice,
    changes: dict[str, Any],
    reason: str,
) -> None:
    assert reason in (refusal(make_cell, host, ways, launcher, **changes) or "")


@pytest.mark.parametrize("name", ["lightning", "horovod", "spark"])
def test_one_that_is_not_installed_says_what_installs_it(
    make_cell: Callable[..., Cell], host: Host, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(launchers, "find_spec", lambda _: None)
    told = f"{name} is not installed here: `make launchers` installs it"
    assert refusal(make_cell, host, ["data"], named(name)) == told
    assert launchers.registry[name].unavailable(host) == told


def test_spark_needs_what_it_does_not_bring(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    """Its tasks import pandas and pyarrow, which pyspark itself does without."""
    monkeypatch.setattr(launchers, "find_spec", lambda name: None if name == "pyarrow" else name)
    assert Spark.unavailable(host) == "spark needs pyarrow: `make launchers` installs it"


def asked_anew() -> None:
    """A Java that has told its version is not asked again."""
    spark._version_text.cache_clear()


def test_spark_needs_java(host: Host, monkeypatch: pytest.MonkeyPatch, java: Path) -> None:
    """Where JAVA_HOME says, else on the path; as late a one as Spark asks for."""
    needs = "spark needs Java 17 or later"
    assert Spark.unavailable(host) is None
    asked_anew()
    java.write_text(JAVA.format("1.8.0_392"))
    assert Spark.unavailable(host) == f"{needs}; {java} is Java 8"
    java.unlink()
    asked_anew()
    assert Spark.unavailable(host) == f"{needs}; {java} reports no Java version"
    monkeypatch.delenv("JAVA_HOME")
    monkeypatch.setenv("PATH", "")
    assert Spark.unavailable(host) == f"{needs}: `make launchers` installs it"
    java.write_text(JAVA.format("21"))
    java.chmod(0o700)
    asked_anew()
    monkeypatch.setenv("PATH", str(java.parent))
    assert Spark.unavailable(host) is None


def test_the_default_is_torch(make_cell: Callable[..., Cell]) -> None:
    """Its version is torch's own."""
    assert launcher_of(make_cell(parallelism=(Choice("data", TWO),))).name == "torch"
    assert launchers.registry["torch"].version().startswith("torch 2.")


@pytest.mark.parametrize("master", ["", "standalone", "local[2]", "spark://a:1,b:2", "yarn"])
def test_a_master_has_one_of_several_forms(master: str) -> None:
    assert Spark.Options(master=master).master == master
    with pytest.raises(ValidationError, match="is none of standalone, local"):
        Spark.Options(master=f"{master}?")
