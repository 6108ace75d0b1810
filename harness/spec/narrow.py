"""`--only precision=bf16,fp32`: keeps some of a spec's cells, without editing the spec."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from harness.domain.cell import Cell, Choice, label
from harness.errors import Problem, SpecError, clipped, unknown
from harness.spec.matrix import Value, keys, value_of
from harness.spec.spec import Spec

_COMMA = re.compile(r",(?![^()]*\))")  # not one inside a label such as cpu(threads=2, pin=1)


def parse_only(texts: Iterable[str]) -> dict[str, list[str]]:
    """The wanted names by axis or workload key; names of a repeated key add up."""
    wanted: dict[str, list[str]] = {}
    problems = []
    for text in texts:
        key, _, given = text.partition("=")
        names = [name.strip() for name in _COMMA.split(given) if name.strip()]
        if key.strip() not in keys():
            problems.append(Problem(_where(text), unknown("axis", key.strip(), keys())))
        elif not names:
            problems.append(Problem(_where(text), "write it as axis=name, e.g. precision=bf16"))
        else:
            wanted.setdefault(key.strip(), []).extend(names)
    if problems:
        raise SpecError(problems)
    return wanted


def narrow(specs: Sequence[Spec], wanted: Mapping[str, Sequence[str]]) -> list[Spec]:
    """The specs with only the wanted cells; a spec without any is left out.

    Raises SpecError for a name that no spec has, and if no cell of any spec is left.
    """
    if not wanted:
        return list(specs)
    problems = list(_unknown_names(specs, wanted))
    narrowed = [_narrowed(spec, wanted) for spec in specs]
    left = [spec for spec in narrowed if spec.cells]
    if specs and not left and not problems:
        asked = " ".join(_where(f"{key}={','.join(names)}") for key, names in wanted.items())
        problems.append(
            Problem(asked, "no cell has all of these values: nothing is left to measure")
        )
    if problems:
        raise SpecError(problems)
    return left


def _unknown_names(specs: Sequence[Spec], wanted: Mapping[str, Sequence[str]]) -> Iterator[Problem]:
    for key, asked in wanted.items():
        values = dict.fromkeys(value_of(cell, key) for spec in specs for cell in spec.cells)
        present = [value for value in values if value is not None]
        possible = {name for value in present for name in names_of(value)}
        for name in asked:
            if name not in possible:
                labels = {names_of(value)[0] for value in present}
                yield Problem(_where(f"{key}={name}"), unknown(key, name, labels))


def _where(asked: str) -> str:
    return f"--only {clipped(asked)}"


def _narrowed(spec: Spec, wanted: Mapping[str, Sequence[str]]) -> Spec:
    cells = [cell for cell in spec.cells if is_wanted(cell, wanted)]
    ids = {cell.id for cell in cells}
    baseline = {cell: other for cell, other in spec.baseline.items() if cell in ids}
    return replace(spec, cells=tuple(cells), baseline=baseline)


def is_wanted(cell: Cell, wanted: Mapping[str, Sequence[str]]) -> bool:
    """True if the cell has one of the wanted names for each key."""
    values = ((value_of(cell, key), names) for key, names in wanted.items())
    return all(
        value is not None and not {*names_of(value)}.isdisjoint(names) for value, names in values
    )


def names_of(value: Value) -> list[str]:
    """The names of a value: its label, its label without the brackets, its entry's name."""
    if isinstance(value, int):
        return [str(value)]
    choices = (value,) if isinstance(value, Choice) else value
    bare = " + ".join(str(choice).partition("(")[0] for choice in choices)
    return [label(value), bare or "none", " + ".join(choice.name for choice in choices) or "none"]
