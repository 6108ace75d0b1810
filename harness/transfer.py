"""Moves stored results out to files, and in from files and databases; deletes old samples."""

from __future__ import annotations

import json
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from harness.domain.location import Location
from harness.domain.result import Result
from harness.errors import StoreError, UsageError
from harness.report import asv
from harness.report.parquet import write_parquet
from harness.report.rows import Flat
from harness.store import FORMAT_VERSION, Prunable, Record, Store, StoreReader, checked, files
from harness.subject.code import HARNESS
from harness.subject.commit import branches, commit_of, reachable, top_of

# The first and the last line of a file that `import` reads.
_START, _END = "harness", "end"


@dataclass(frozen=True)
class Merged:
    """What one source added to the database."""

    source: str
    added: Mapping[str, int]  # rows by kind: runs, results, rounds, ...
    unfinished_results: int = 0  # left where the next run may continue them
    unfinished_nights: int = 0


@dataclass(frozen=True)
class Pruned:
    """What was deleted, or would be."""

    found: Prunable
    before: datetime
    freed_bytes: int | None = None  # None if nothing was deleted
    not_freed: str = ""  # why the database did not shrink


def merge(db: Location, others: Sequence[Location]) -> Iterator[Merged]:
    """Add what other databases hold, one transaction for each run; yield what each one added."""
    for other in others:
        _check_other(db, other)
    for other in others:
        with StoreReader(other) as source:
            units = source.units()
            records = (checked(source.record(one), str(other)) for one in units.found)
            added = _add(db, records)
        yield Merged(str(other), added, units.unfinished_results, units.unfinished_nights)


def import_file(db: Location, path: Path) -> Merged:
    """Add what `export jsonl --full` wrote. The whole file is checked before anything is added."""
    for _ in _records(path):
        pass
    return Merged(str(path), _add(db, _records(path)))


def full_lines(db: Location) -> Iterator[str]:
    """Everything stored that is finished, as lines that `import_file` reads."""
    with StoreReader(db) as stored:
        units = stored.units()
        yield _line({"record": _START, "version": FORMAT_VERSION})
        for one in units.found:
            yield _line(stored.record(one))
        yield _line({"record": _END, "records": len(units.found)})


def write_lines(lines: Iterable[str], path: Path) -> None:
    """Write the file; an earlier one stays until the new one is complete."""
    with _replaced(path) as partial, partial.open("w", encoding="utf-8", newline="") as file:
        file.writelines(lines)


def write_parquet_file(flat: Flat, path: Path) -> None:
    """Write the table as Parquet; an earlier file stays until the new one is complete."""
    with _replaced(path) as partial:
        write_parquet(flat, partial)


def export_asv(
    results: Sequence[Result], folder: Path, repo: Path | None, names: Sequence[str]
) -> asv.Export:
    """Write the folder that asv reads, in place of an earlier export."""
    export = asv.export(results, _repository(repo), names)
    config = folder / asv.CONFIG
    if not (_is_ours(config) if config.exists() else not (folder / asv.RESULTS).exists()):
        raise UsageError(f"{folder}: holds another asv project; name another folder")
    folder.mkdir(parents=True, exist_ok=True)
    partial = folder / ".results.partial"
    shutil.rmtree(partial, ignore_errors=True)
    for name, content in export.files.items():
        if name != asv.CONFIG:
            _write_json(partial / name.removeprefix(f"{asv.RESULTS}/"), content)
    _write_json(config, export.files[asv.CONFIG])
    shutil.rmtree(folder / asv.RESULTS, ignore_errors=True)
    partial.rename(folder / asv.RESULTS)
    return export


def prune(db: Location, keep: timedelta, *, dry_run: bool) -> Pruned:
    """Delete the raw samples of old rounds; figures, rounds and facts stay."""
    before = datetime.now(UTC) - keep
    with StoreReader(db) as stored:
        found = stored.prunable(before)
    if dry_run or not found.rounds:
        return Pruned(found, before)
    with Store(db) as store:
        store.prune(found)
        try:
            return Pruned(found, before, store.reclaim())
        except StoreError as error:  # the rows are gone; later rows take their space
            return Pruned(found, before, 0, str(error))


def _check_other(db: Location, other: Location) -> None:
    """Raise UsageError if the other database does not exist, or is the database itself."""
    for file in files(other):
        if not file.exists():
            raise UsageError(f"{other}: there is no such database")
        if any(one.exists() and one.samefile(file) for one in files(db)):
            raise UsageError(f"{other}: is the database itself")


def _add(db: Location, records: Iterable[Record]) -> Counter[str]:
    added: Counter[str] = Counter()
    done = 0
    with Store(db) as store:
        try:
            for record in records:
                added += store.add(record)
                done += 1
        except StoreError as error:
            if not done:
                raise
            whole = f"{done} records before it were added, each whole; again adds only the rest"
            raise StoreError(f"{error}; the {whole}") from error
    return added


def _records(path: Path) -> Iterator[Record]:
    """The file's records, checked. Raises StoreError with the line of a bad one."""
    number = 0
    with path.open(encoding="utf-8", errors="surrogateescape") as lines:
        for number, line in enumerate(lines, start=1):
            where = f"{path}:{number}"
            content = _parsed(line, where)
            if number == 1:
                _check_start(content, where)
            elif content.get("record") == _END:
                if content.get("records") != number - 2:
                    raise StoreError(f"{where}: {content.get('records')} records were written")
                return
            else:
                yield checked(content, where)
    raise StoreError(f"{path}:{number + 1}: the file ends too early; export it again")


def _parsed(line: str, where: str) -> dict[str, Any]:
    try:
        content = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise StoreError(f"{where}: not JSON: {error}") from error
    if not isinstance(content, dict):
        raise StoreError(f"{where}: not an object")
    return content


def _check_start(content: Mapping[str, Any], where: str) -> None:
    if content.get("record") != _START:
        raise StoreError(
            f"{where}: cannot be imported: only `harness export jsonl --full` writes all that a "
            "database needs"
        )
    if content.get("version") != FORMAT_VERSION:
        raise StoreError(
            f"{where}: version {content.get('version')} of the format; this harness reads "
            f"{FORMAT_VERSION}"
        )


def _repository(repo: Path | None) -> asv.Repository:
    """The repository; by default the checkout that the harness runs from."""
    folder = HARNESS if repo is None else repo
    if not commit_of(folder).sha:
        raise UsageError(
            f"{folder}: there is no git repository with a commit, which asv needs; name the "
            "subject's with --repo"
        )
    top = top_of(folder)
    return asv.Repository(str(top), reachable(top), branches(top) or ("HEAD",))


def _is_ours(config: Path) -> bool:
    try:
        return bool(json.loads(config.read_text()).get("written_by") == asv.WRITTEN_BY)
    except (ValueError, AttributeError):
        return False


def _write_json(path: Path, content: Any) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(content, indent=1))


def _line(content: Any) -> str:
    return json.dumps(content, separators=(",", ":")) + "\n"


@contextmanager
def _replaced(path: Path) -> Iterator[Path]:
    """A file to write, which takes the path's place at the end; on an error it is deleted."""
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)
