"""What tells the results of a group apart, and what they share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from harness.domain.axis import AXES
from harness.domain.result import Result

IN_HEADING = ("model", "hardware", "scenario")  # alike in a whole group, told above its table


@dataclass(frozen=True)
class Aspects:
    """`choices` holds, for each result in the order given, its values of what varies."""

    constant: tuple[tuple[str, str], ...]
    varying: tuple[str, ...]
    choices: tuple[tuple[str, ...], ...]


def aspects(results: Sequence[Result]) -> Aspects:
    """Axes, commit and software versions, each either shared by all or varying."""
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
    """The labels; where different values bear the same one, they are numbered."""
    bearers: dict[str, list[object]] = {}
    for value, label in zip(values, labels, strict=True):
        known = bearers.setdefault(label, [])
        if value not in known:
            known.append(value)
    return [
        label if len(bearers[label]) == 1 else f"{label} ({bearers[label].index(value) + 1})"
        for value, label in zip(values, labels, strict=True)
    ]


def _software(results: Sequence[Result]) -> dict[str, list[str]]:
    """The versions that differ between the results, if any do."""
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
