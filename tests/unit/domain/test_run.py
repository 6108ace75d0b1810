"""Where, when and on what."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from harness.domain.run import Commit, Environment, Gpu, Host

GPU = Gpu("Example G1", 8 * 2**30, "550.1")


@pytest.mark.parametrize("missing", [0, 2**20, 200 * 2**20])
def test_a_little_memory_less_is_the_same_host(host: Host, missing: int) -> None:
    """Kernels reserve slightly different amounts at each boot."""
    booted = replace(host, memory_bytes=host.memory_bytes - missing)
    assert booted.fingerprint == host.fingerprint


@pytest.mark.parametrize(
    "change",
    [
        {"memory_bytes": 32 * 2**30},
        {"cpu": "Example 9001"},
        {"physical_cores": 8},
        {"logical_cores": 8},
        {"isa": ("avx2",)},
        {"system": "Darwin"},
        {"architecture": "aarch64"},
        {"gpus": (GPU,)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_bears_on_speed_makes_another_host(host: Host, change: dict[str, Any]) -> None:
    assert replace(host, **change).fingerprint != host.fingerprint


def test_a_host_is_made_again_from_its_json(host: Host) -> None:
    full = replace(host, gpus=(GPU, GPU))
    again = Host.from_json(json.loads(json.dumps(full.to_json())))
    assert again == full
    assert again.fingerprint == full.fingerprint


def test_a_host_is_said_in_a_line(host: Host) -> None:
    assert str(host) == "Example 9000, 4 cores, 16 GiB"
    assert str(replace(host, gpus=(GPU,))) == "Example 9000, 4 cores, 16 GiB, Example G1"


@pytest.mark.parametrize(
    ("commit", "said"),
    [
        (Commit("0123456789abcdef"), "0123456789"),
        (Commit("0123456789abcdef", dirty="d1147"), "0123456789+dirty"),
        (Commit(""), "no commit"),
    ],
)
def test_a_commit_is_said_in_short(commit: Commit, said: str) -> None:
    assert said == str(commit)


def test_another_version_makes_another_environment() -> None:
    """Whatever order they are told in."""
    one = Environment({"torch": "2.13.0", "python": "3.11.7"})
    assert one.digest == Environment({"python": "3.11.7", "torch": "2.13.0"}).digest
    assert one.digest != Environment({"torch": "2.13.1", "python": "3.11.7"}).digest
