"""`harness export`: stored results as files for other programs."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from harness.cli.options import db_option
from harness.cli.output import say
from harness.domain.location import Location

if TYPE_CHECKING:
    from harness.domain.result import Result
    from harness.report.rows import Flat

F = TypeVar("F", bound=Callable[..., Any])

_STANDARD_OUTPUT = "-"

only_option = click.option(
    "--only",
    multiple=True,
    metavar="AXIS=VALUE",
    help="Only cells with these values of an axis, e.g. scenario=decode. Repeatable.",
)
metric_option = click.option(
    "--metric", "names", multiple=True, help="Only this metric. Repeatable."
)
newest_option = click.option(
    "--newest", is_flag=True, help="Only the newest result of each cell and host."
)
samples_option = click.option(
    "--samples", is_flag=True, help="A row for each raw sample instead of each metric."
)


@click.group()
def export() -> None:
    """Write stored results as files for other programs."""


@export.command("csv")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@db_option
@only_option
@metric_option
@newest_option
@samples_option
def export_csv(
    file: str,
    db: Location,
    only: tuple[str, ...],
    names: tuple[str, ...],
    newest: bool,
    samples: bool,
) -> None:
    """Write a row for each metric of each result as CSV; FILE - is standard output."""
    from harness.report.text import csv_lines

    _write(csv_lines(_flat(db, only, names, newest=newest, samples=samples)), file)


@export.command("jsonl")
@click.argument("file", type=click.Path(dir_okay=False, allow_dash=True))
@db_option
@only_option
@metric_option
@newest_option
@samples_option
@click.option(
    "--full", is_flag=True, help="Everything that `harness import` needs, instead of rows."
)
def export_jsonl(
    file: str,
    db: Location,
    only: tuple[str, ...],
    names: tuple[str, ...],
    newest: bool,
    samples: bool,
    full: bool,
) -> None:
    """Write an object for each metric of each result, one a line; FILE - is standard output."""
    from harness import transfer
    from harness.report.text import json_lines

    if not full:
        _write(json_lines(_flat(db, only, names, newest=newest, samples=samples)), file)
        return
    if only or names or newest or samples:
        raise click.UsageError("--full exports everything: leave out the other options.")
    _write(transfer.full_lines(db), file)


@export.command("parquet")
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@db_option
@only_option
@metric_option
@newest_option
@samples_option
def export_parquet(
    file: Path,
    db: Location,
    only: tuple[str, ...],
    names: tuple[str, ...],
    newest: bool,
    samples: bool,
) -> None:
    """Write a row for each metric of each result as Parquet, which needs pyarrow."""
    from harness import transfer
    from harness.report.parquet import require_pyarrow

    require_pyarrow()
    flat = _flat(db, only, names, newest=newest, samples=samples)
    transfer.write_parquet_file(flat, file)
    say(f"written: {file}")


@export.command("asv")
@click.argument("folder", metavar="DIR", type=click.Path(file_okay=False, path_type=Path))
@db_option
@only_option
@metric_option
@click.option(
    "--repo",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The git repository that the commits belong to. [default: the harness's own]",
)
def export_asv(
    folder: Path, db: Location, only: tuple[str, ...], names: tuple[str, ...], repo: Path | None
) -> None:
    """Write a folder in which asv works: `asv publish`, `asv compare`, `asv show`.

    asv takes lower for better: where more is better, 1 / value is exported, and the benchmark's
    name says so.
    """
    from harness import transfer

    _check_metrics(names)
    done = transfer.export_asv(_results(db, only, newest=False, samples=False), folder, repo, names)
    say(f"{done.results} results in {done.benchmarks} benchmarks: {folder}")
    for why, count in done.left_out.items():
        if count:
            say(f"left out: {count} of {why}")


def _flat(
    db: Location, only: Sequence[str], names: Sequence[str], *, newest: bool, samples: bool
) -> Flat:
    from harness.report.rows import metric_rows, sample_rows

    _check_metrics(names)
    if names and samples:
        raise click.UsageError("--samples are of sections, not of metrics: leave out --metric.")
    results = _results(db, only, newest=newest, samples=samples)
    return sample_rows(results) if samples else metric_rows(results, names)


def _results(db: Location, only: Sequence[str], *, newest: bool, samples: bool) -> list[Result]:
    """The stored results of the wanted cells, newest first."""
    from harness import stored
    from harness.spec.catalog import find_axes
    from harness.spec.narrow import is_wanted, parse_only

    find_axes()
    wanted = parse_only(only)
    found = stored.results(db, newest_only=newest, samples=samples)
    if not found:
        say(f"no results yet in {db}")
    return [one for one in found if is_wanted(one.cell, wanted)]


def _check_metrics(names: Sequence[str]) -> None:
    """Raise UnknownName for a metric that does not exist."""
    from harness import metrics

    for name in names:
        _ = metrics.registry[name]


def _write(lines: Iterable[str], file: str) -> None:
    from harness import transfer

    if file == _STANDARD_OUTPUT:
        for line in lines:
            sys.stdout.write(line)
        return
    transfer.write_lines(lines, Path(file))
    say(f"written: {file}")
