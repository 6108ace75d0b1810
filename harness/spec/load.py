"""Loads spec files. One error lists every fault of every file, each with its place."""

from __future__ import annotations

import hashlib
import stat
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from glob import glob
from math import prod
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from harness.domain.cell import Cell, Choice
from harness.domain.expectation import Expectation
from harness.errors import Problem, SpecError, unknown
from harness.parallelism import degrees_of
from harness.spec.axes import Axes, plain, points, read_axes
from harness.spec.catalog import Catalog, registered
from harness.spec.checks import (
    check_baseline,
    check_batches,
    check_cells,
    check_excludes,
    check_links,
    check_prices,
    check_scaling,
    check_size,
)
from harness.spec.choices import Context
from harness.spec.expectations import Entry, read_expectations, with_cells
from harness.spec.faults import Source
from harness.spec.files import FileError, looking_up, quoted
from harness.spec.matrix import Expansion, baselines, expand, scaled, size
from harness.spec.modelfiles import text_digests
from harness.spec.narrow import narrow, parse_only
from harness.spec.overrides import Override, apply, parse_overrides
from harness.spec.reader import MAX_BYTES, Document, KeyPath, read_yaml
from harness.spec.settings import SpecFile
from harness.spec.spec import Spec
from harness.spec.subject import subject_of
from harness.subject.source import Source as FollowedSource

__all__ = ["Spec", "load", "question", "read_spec"]


def load(
    paths: Iterable[str | Path],
    overrides: Iterable[str] = (),
    only: Iterable[str] = (),
    catalog: Catalog | None = None,
) -> list[Spec]:
    """The specs of these files or globs; SpecError lists all their faults.

    `overrides` are `path=value`, `only` are `axis=name,name`; both apply to every file. A spec
    without any cell that matches `only` is left out.
    """
    catalog = catalog or registered()
    changes, wanted = parse_overrides(overrides), parse_only(only)
    specs: list[Spec] = []
    problems: list[Problem] = []
    for file in _distinct(_files(path, problems) for path in map(str, paths)):
        try:
            specs.append(read_spec(file, text_of(file), changes, catalog))
        except SpecError as error:
            problems.extend(error.problems)
    if problems:
        raise SpecError(dict.fromkeys(problems))
    return narrow(specs, wanted)


def read_spec(file: str, text: str, overrides: Sequence[Override], catalog: Catalog) -> Spec:
    """The spec in a file's text; SpecError lists its faults."""
    parsed = parse(file, text, overrides, catalog)
    written, cells, expectations = expanded(parsed)
    checked = parsed.checked
    return Spec(
        name=checked.name or Path(file).stem,
        question=question(text),
        file=file,
        digest=_digest(text, overrides),
        measure=checked.measure,
        limits=checked.limits,
        cells=cells,
        baseline=_baseline(parsed.axes, written, cells),
        weights=parsed.context.weights,
        prices=checked.prices,
        expectations=expectations,
        subject=parsed.subject,
    )


@dataclass(frozen=True)
class Parsed:
    """A file whose values are read, before they make cells."""

    given: Mapping[str, Any]  # as the file and the overrides write it
    checked: SpecFile
    axes: Axes
    expect: Sequence[Entry]
    context: Context
    subject: FollowedSource | None


def parse(file: str, text: str, overrides: Sequence[Override], catalog: Catalog) -> Parsed:
    """The values in a file's text; SpecError lists its faults."""
    document = read_yaml(text, file)
    source = _source(file, document, overrides)
    # A key with nothing after it, e.g. with all its entries commented out, counts as not given.
    given = {
        key: found for key, found in apply(document.value, overrides).items() if found is not None
    }
    context = Context(catalog, source)
    checked = _checked(given, source)
    if checked is not None:
        context.texts.update(text_digests(checked.quality.model_dump(), context))
    followed = subject_of(checked.subject, context) if checked is not None else None
    axes = read_axes(given, context)
    expect = read_expectations(given.get("expect"), context)
    if checked is not None:
        check_prices(checked.prices, catalog, source)
    if checked is not None and checked.scaling == "weak":
        check_scaling(axes, source)
    source.raise_faults()
    assert checked is not None
    return Parsed(given, checked, axes, expect, context, followed)


def question(text: str) -> str:
    """The question that the spec answers: the first paragraph of its opening comment."""
    words: list[str] = []
    for line in text.removeprefix("\ufeff").splitlines():
        comment = line.lstrip("#").strip()
        if line.startswith("#") and comment.startswith("yaml-language-server:"):
            continue  # names the JSON Schema for editors
        if line.startswith("#") and comment:
            words.append(comment)
        elif words or line.strip("# "):
            break
    return " ".join(words)


def _checked(given: Mapping[str, Any], source: Source) -> SpecFile | None:
    try:
        return SpecFile.model_validate(given)
    except ValidationError as error:
        source.add_validation_faults(error, SpecFile, ())
        return None


def expanded(
    parsed: Parsed,
) -> tuple[tuple[Cell, ...], tuple[Cell, ...], tuple[Expectation, ...]]:
    """The cells as written, the cells, and what is expected of them, after all checks.

    With weak scaling, every batch in the file is the batch of one rank, in excludes, in the
    baseline and in expectations too. So the cells get the batch of all ranks last.
    """
    axes, catalog, source = parsed.axes, parsed.context.catalog, parsed.context.source
    expansion = _expansion(axes, catalog, source)
    check_excludes(expansion, axes, source)
    check_baseline(expansion.cells, axes, source)
    written = expansion.cells
    weak = parsed.checked.scaling == "weak"
    cells = tuple(scaled(one, ranks_of(one, catalog)) for one in written) if weak else written
    check_batches(cells, axes, source)
    check_cells(cells, axes, catalog, source)
    expectations = with_cells(parsed.expect, written, cells, source)
    source.raise_faults()
    return written, cells, expectations


def ranks_of(cell: Cell, catalog: Catalog) -> int:
    """The number of processes that the cell is split over."""
    strategies = (catalog.parallelism[one.name].of(one) for one in cell.parallelism)
    return prod(degrees_of(strategies).values())


def _baseline(axes: Axes, written: Sequence[Cell], cells: Sequence[Cell]) -> Mapping[str, str]:
    """Maps each cell's id to that of its baseline."""
    baseline = {key: values[0] for key, values in plain(axes.baseline).items()}
    ids = {one.id: cell.id for one, cell in zip(written, cells, strict=True)}
    pairs = baselines(written, baseline).items()
    return {ids[cell]: ids[other] for cell, other in pairs}


def _expansion(axes: Axes, catalog: Catalog, source: Source) -> Expansion:
    """The cells with batches as the file gives them. Checks links and the number of cells."""

    def uses(scenario: Choice) -> Sequence[str]:
        return catalog.scenario[scenario.name].workload

    check_links(axes, source)
    source.raise_faults()
    matrix, links = plain(axes.matrix), [points(link) for link in axes.links]
    include = [plain(one) for one in axes.include]
    counts: dict[KeyPath, int] = {("matrix",): size(matrix, links)}
    counts |= {("include", index): size(one) for index, one in enumerate(include)}
    check_size(counts, source)
    source.raise_faults()
    return expand(matrix, links, [plain(one) for one in axes.exclude], include, uses)


def _source(file: str, document: Document, overrides: Sequence[Override]) -> Source:
    """The places of keys and values: in the file, or the override that sets or creates them."""
    overridden: dict[KeyPath, str] = {}
    for override in overrides:
        ends = range(1, len(override.path) + 1)
        created = [
            override.path[:end] for end in ends if override.path[:end] not in document.values
        ]
        overridden |= dict.fromkeys([*created, override.path], override.where)
    values = {
        path: place
        for path, place in document.values.items()
        if not any(path[:end] in overridden for end in range(1, len(path) + 1))
    }
    return Source(file, values, document.keys, overridden)


def _digest(text: str, overrides: Sequence[Override]) -> str:
    whole = "\n--set ".join([text, *(override.text for override in overrides)])
    return hashlib.sha256(whole.encode()).hexdigest()[:16]


def _distinct(groups: Iterable[Iterable[str]]) -> list[str]:
    """The files in order, each once, even if two names lead to it."""
    files: dict[Path, str] = {}
    for group in groups:
        for file in group:
            files.setdefault(Path(file).resolve(), file)
    return list(files.values())


def _files(path: str, problems: list[Problem]) -> list[str]:
    """The files that an argument names: one file, or all that a glob matches."""
    try:
        with looking_up():
            return _named(path, problems)
    except FileError as error:
        problems.extend(_unreadable(path, str(error)).problems)
        return []


def _named(path: str, problems: list[Problem]) -> list[str]:
    try:
        mode = Path(path).stat().st_mode
    except (FileNotFoundError, NotADirectoryError):
        return _matching(path, problems)
    if stat.S_ISDIR(mode):
        hint = "name its files, e.g. " + repr(str(Path(path) / "*.yaml"))
        problems.append(Problem(path, f"this is a folder: {hint}"))
        return []
    return [path]


def _matching(path: str, problems: list[Problem]) -> list[str]:
    """The files that a glob matches; adds a problem if there are none."""
    if any(sign in path for sign in "*?["):
        found = sorted(one for one in glob(path, recursive=True) if Path(one).is_file())  # noqa: PTH207 - Path.glob refuses absolute patterns
        if not found:
            problems.append(Problem(quoted(path), "no file matches this pattern"))
        return found
    siblings = map(str, Path(path).parent.glob("*.y*ml"))
    message = f"there is no such file; {unknown('spec', path, siblings)}"
    problems.append(Problem(quoted(path), message))
    return []


def text_of(file: str) -> str:
    """The file's text; SpecError if it cannot be read or is not UTF-8."""
    try:
        with looking_up(), Path(file).open("rb") as stream:
            data = stream.read(MAX_BYTES + 1)
    except FileError as error:
        raise _unreadable(file, str(error)) from None
    if len(data) > MAX_BYTES:
        raise _unreadable(file, f"it is larger than {MAX_BYTES // 2**20} MiB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        message = f"it is not UTF-8 (byte {error.start}: {error.reason})"
        raise _unreadable(file, message) from None


def _unreadable(file: str, reason: str) -> SpecError:
    return SpecError([Problem(quoted(file), f"this file cannot be read: {reason}")])
