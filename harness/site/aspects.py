"""The axes and versions that vary within a group of results, and those that all share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.domain.axis import AXES
from harness.domain.result import Result

IN_HEADING = ("model", "hardware", "scenario")  # shared by a group and named in its headings


@dataclass(frozen=True)
class Aspects:
    """The aspects of a group of results, split into constant and varying ones."""

    constant: tuple[tuple[str, str], ...]  # name and value
    varying: tuple[str, ...]  # names
    choices: tuple[tuple[str, ...], ...]  # each result's values of the varying aspects


def aspects(results: Sequence[Result]) -> Aspects:
    """Axes, commit and software versions, each either constant or varying."""
    values = {**_axes(results), "commit": [str(r.run.commit) for r in results]}
    values |= _software(results)
    varying = tuple(name for name, found in values.items() if len(set(found)) > 1)
    return Aspects(
        constant=tuple((name, found[0]) for name, found in values.items() if name not in varying),
        varying=varying,
        choices=tuple(
            tuple(values[name][index] for name in varying) for index in range(len(results))
        ),
    )


def _axes(results: Sequence[Result]) -> dict[str, list[str]]:
    return {
        axis: _distinct(
            [result.cell[axis] for result in results],
            [result.cell.labels[axis] for result in results],
        )
        for axis in AXES
        if axis not in IN_HEADING
    }


def _distinct(values: Sequence[object], labels: Sequence[str]) -> list[str]:
    """The labels, numbered if different values have the same label."""
    values_of: dict[str, list[object]] = {}
    for value, label in zip(values, labels, strict=True):
        known = values_of.setdefault(label, [])
        if value not in known:
            known.append(value)
    return [
        label if len(values_of[label]) == 1 else f"{label} ({values_of[label].index(value) + 1})"
        for value, label in zip(values, labels, strict=True)
    ]


def _software(results: Sequence[Result]) -> dict[str, list[str]]:
    """The software versions that differ between the results; empty if none do."""
    versions = [result.run.environment.versions for result in results]
    names = sorted({name for one in versions for name in one})
    differing = [name for name in names if len({one.get(name) for one in versions}) > 1]
    if not differing:
        return {}
    return {
        "software": [
            ", ".join(f"{name} {one.get(name, 'absent')}" for name in differing) for one in versions
        ]
    }
