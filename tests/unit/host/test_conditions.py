"""How the processor is set to run, by files as Linux has them."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.host.conditions import governor, megahertz, turbo


def write(root: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(f"{text}\n")
    return root


def test_the_first_core_speaks_for_all(tmp_path: Path) -> None:
    cpu = write(
        tmp_path,
        {
            "cpu0/cpufreq/scaling_governor": "powersave",
            "cpu0/cpufreq/scaling_cur_freq": "2900123",
        },
    )
    assert governor(cpu) == "powersave"
    assert megahertz(cpu) == pytest.approx(2900.123)


@pytest.mark.parametrize(
    ("files", "value"),
    [
        ({"cpufreq/boost": "1"}, "on"),
        ({"cpufreq/boost": "0"}, "off"),
        ({"intel_pstate/no_turbo": "0"}, "on"),
        ({"intel_pstate/no_turbo": "1"}, "off"),
        ({}, None),
    ],
)
def test_turbo_is_told_by_either_driver(
    tmp_path: Path, files: dict[str, str], value: str | None
) -> None:
    assert turbo(write(tmp_path, files)) == value


def test_what_is_not_told_is_unknown(tmp_path: Path) -> None:
    assert governor(tmp_path) is None
    assert megahertz(tmp_path) is None
    assert megahertz(write(tmp_path, {"cpu0/cpufreq/scaling_cur_freq": "<unknown>"})) is None
