"""Results as airspeed velocity (asv) reads them, so that its commands work on the history.

asv knows one direction: lower is better. A metric of which more is better is exported as 1 / value,
and its benchmark says so: tokens/s become seconds per token.

The layout is version 2 of asv's results (asv/results.py): `benchmarks.json`, and for each machine a
folder with `machine.json` and one file for each commit and environment. There is a benchmark for
each scenario and metric; its parameter `cell` names the cell by what sets it apart from the others.
"""

from __future__ import annotations

import hashlib
import math
import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, TypeAlias

from harness import metrics
from harness.analyse.interference import counted_rounds
from harness.domain.cell import Cell
from harness.domain.metric import Direction, Estimate
from harness.domain.naming import short_names
from harness.domain.result import Result, Status
from harness.domain.run import Host

RESULTS = "results"  # the folder with the results, beside asv.conf.json
CONFIG = "asv.conf.json"
WRITTEN_BY = "harness export asv"  # in the configuration, to recognise an earlier export

_RESULTS_VERSION, _BENCHMARKS_VERSION, _MACHINE_VERSION, _CONFIG_VERSION = 2, 2, 1, 1
_SHORT = 8  # digits of a commit in a file's name
_UNITS = {"s": "seconds", "B": "bytes"}  # asv's words for the units that it knows
_STATS = ("ci_99_a", "ci_99_b", "q_25", "q_75", "number", "repeat")
_COLUMNS = (
    *("result", "params", "version", "started_at", "duration"),
    *(f"stats_{name}" for name in _STATS),
    *("samples", "profile"),
)
_NOT_MEASURED = math.nan  # asv shows n/a, and "failed" for None

Files: TypeAlias = dict[str, Any]  # by path below the export's folder: plain data
Place: TypeAlias = tuple[str, str, str]  # host, environment, commit


@dataclass(frozen=True)
class Repository:
    """The git repository that the results' commits belong to."""

    path: str
    commits: Collection[str]  # all that a branch or a tag reaches
    branches: tuple[str, ...]  # asv shows the commits on their first-parent lines


@dataclass(frozen=True)
class Benchmark:
    """One metric of one scenario, over the scenario's cells."""

    scenario: str
    metric: str
    unit: str
    direction: Direction
    cells: tuple[Cell, ...]

    @property
    def is_inverted(self) -> bool:
        """True if asv gets 1 / value."""
        return self.direction is Direction.HIGHER

    @property
    def name(self) -> str:
        """For example decode.tpot, decode.inverse_tokens_per_second."""
        return f"{self.scenario}.{'inverse_' if self.is_inverted else ''}{self.metric}"

    @property
    def asv_unit(self) -> str:
        """The unit of the exported value."""
        if not self.is_inverted:
            return _UNITS.get(self.unit, self.unit)
        return {"1/s": "seconds", "1": "1"}.get(self.unit, f"1/({self.unit})")

    @cached_property
    def params(self) -> list[str]:
        """The cells' names as asv writes parameters, in the cells' order."""
        names = short_names(self.cells)
        times = Counter(names[one.id] for one in self.cells)
        return [
            repr(names[one.id] if times[names[one.id]] == 1 else f"{names[one.id]} {one.id}")
            for one in self.cells
        ]

    @property
    def version(self) -> str:
        """Changes if values of different exports cannot be compared."""
        return hashlib.sha256(f"{self.name} {self.asv_unit}".encode()).hexdigest()

    def exported(self, value: float) -> float:
        """The value as asv gets it: lower is better."""
        if not self.is_inverted:
            return value
        return 1 / value if value > 0 else _NOT_MEASURED

    def to_json(self) -> dict[str, Any]:
        """The benchmark's entry in benchmarks.json."""
        title, summary = _described(self.metric)
        what = f"1 / ({title})" if self.is_inverted else title
        lines = [summary]
        if self.is_inverted:
            lines.append(f"Exported as 1 / value, because more is better; in {self.asv_unit}.")
        lines.append("The result is the median over rounds; a sample is one round's value.")
        return {
            "code": "\n".join(lines),
            "name": self.name,
            "param_names": ["cell"],
            "params": [self.params],
            "pretty_name": f"{self.scenario}: {what}",
            "type": "track",
            "unit": self.asv_unit,
            "version": self.version,
        }


def _described(metric: str) -> tuple[str, str]:
    """The metric's title and summary; its name in words if no installed package declares it."""
    words = metric.replace("_", " ")
    if metric not in metrics.registry:
        return words, words
    declared = metrics.registry[metric]
    return declared.title or words, declared.summary


@dataclass(frozen=True)
class Export:
    """The files, and why some results are not in them."""

    files: Files
    results: int  # exported
    benchmarks: int
    left_out: Mapping[str, int]  # how many results, by reason


def export(
    results: Sequence[Result], repository: Repository, names: Collection[str] = ()
) -> Export:
    """Everything that asv can show: the metrics named, by default all that leaderboards show."""
    left_out: Counter[str] = Counter()
    placed = dict(_placed(results, repository, left_out))
    kept = [one for found in placed.values() for one in found.values()]
    benchmarks = list(_benchmarks(kept, names))
    files: Files = {CONFIG: _config(repository)}
    files[f"{RESULTS}/benchmarks.json"] = {
        **{one.name: one.to_json() for one in benchmarks},
        "version": _BENCHMARKS_VERSION,
    }
    for found in placed.values():
        host = next(iter(found.values())).run.host
        files[f"{RESULTS}/{_machine(host)}/machine.json"] = _machine_json(host)
        path, content = _result_file(found, benchmarks)
        files[path] = content
    return Export(files, len(kept), len(benchmarks), left_out)


def _placed(
    results: Sequence[Result], repository: Repository, left_out: Counter[str]
) -> Iterator[tuple[Place, dict[str, Result]]]:
    """By place, the result of each cell that counts: the newest that was measured, else the newest.

    asv finds a file by the first digits of its commit, and each file holds one commit.
    """
    places: dict[Place, dict[str, Result]] = {}
    full: dict[str, str] = {}
    for one in sorted(results, key=lambda one: (one.status is Status.OK, one.run.started)):
        commit = one.run.commit
        if not commit.sha:
            left_out["no commit"] += 1
        elif commit.dirty:
            left_out["uncommitted changes"] += 1
        elif commit.sha not in repository.commits:
            left_out["a commit that no branch or tag of the repository reaches"] += 1
        elif full.setdefault(commit.sha[:_SHORT], commit.sha) != commit.sha:
            left_out[f"a commit that shares its first {_SHORT} digits with another"] += 1
        else:
            place = (one.run.host.fingerprint, one.run.environment.digest, commit.sha)
            found = places.setdefault(place, {})
            left_out["an older result of the same commit"] += one.cell.id in found
            found[one.cell.id] = one
    yield from places.items()


def _benchmarks(results: Sequence[Result], names: Collection[str]) -> Iterator[Benchmark]:
    """One for each scenario and metric that some result has."""
    shown = names or [one.name for one in metrics.in_page_order() if one.leaderboard]
    scenarios: dict[str, list[Result]] = {}
    for one in results:
        scenarios.setdefault(one.cell.scenario.name, []).append(one)
    for scenario, found in sorted(scenarios.items()):
        every = {one.cell.id: one.cell for one in sorted(found, key=lambda one: one.cell.id)}
        for name in shown:
            estimates = {one.cell.id: one.metrics[name] for one in found if name in one.metrics}
            if estimates:
                like = next(iter(estimates.values()))
                cells = tuple(cell for key, cell in every.items() if key in estimates)
                yield Benchmark(scenario, name, like.unit, like.direction, cells)


def _result_file(found: Mapping[str, Result], benchmarks: Iterable[Benchmark]) -> tuple[str, Any]:
    """The path and content of the file of one host, environment and commit."""
    run = next(iter(found.values())).run
    versions = run.environment.versions
    parts = (f"py{versions.get('python', '')}", f"torch{versions.get('torch', '')}")
    environment = "-".join(_plain(part) for part in (*parts, run.environment.digest))
    machine = _machine_json(run.host)
    content = {
        "commit_hash": run.commit.sha,
        "env_name": environment,
        "date": _milliseconds(run.commit.date or run.started),
        "params": {
            **{name: machine[name] for name in ("arch", "cpu", "machine", "num_cpu", "os", "ram")},
            "python": versions.get("python", ""),
            "torch": versions.get("torch", ""),
            "environment": run.environment.digest,
        },
        "python": versions.get("python", ""),
        "requirements": {"torch": versions.get("torch", "")},
        "env_vars": {},
        "result_columns": list(_COLUMNS),
        "results": {
            one.name: _row(one, found)
            for one in benchmarks
            if any(cell.id in found for cell in one.cells)
        },
        "durations": {},
        "version": _RESULTS_VERSION,
    }
    return f"{RESULTS}/{_machine(run.host)}/{run.commit.sha[:_SHORT]}-{environment}.json", content


def _row(benchmark: Benchmark, found: Mapping[str, Result]) -> list[Any]:
    """A benchmark's values in the order of asv's columns; one for each cell."""
    here = [found.get(cell.id) for cell in benchmark.cells]
    samples = [_samples(benchmark, one) for one in here]
    stats = [_stats(several) for several in samples]
    started = max(one.run.started for one in here if one is not None)
    columns: dict[str, Any] = {
        "result": [_value(benchmark, one) for one in here],
        "params": [benchmark.params],
        "version": benchmark.version,
        "started_at": _milliseconds(started),
        "samples": samples if any(samples) else None,
    }
    for name in _STATS:
        values = [one.get(name) if one else None for one in stats]
        columns[f"stats_{name}"] = values if any(one is not None for one in values) else None
    return [columns.get(name) for name in _COLUMNS]


def _value(benchmark: Benchmark, one: Result | None) -> float | None:
    """None for a cell that failed, as asv has it; NaN for one that was not measured."""
    if one is None:
        return _NOT_MEASURED
    if one.status.went_wrong:
        return None
    estimate = one.metrics.get(benchmark.metric)
    return benchmark.exported(estimate.value) if estimate else _NOT_MEASURED


def _samples(benchmark: Benchmark, one: Result | None) -> list[float] | None:
    """Each round's value: only rounds vary independently, and asv's tests assume that."""
    if one is None or benchmark.metric not in one.metrics or one.status.went_wrong:
        return None
    rounds = counted_rounds(one.rounds)
    values = [each.values[benchmark.metric] for each in rounds if benchmark.metric in each.values]
    exported = [benchmark.exported(value) for value in values]
    finite = [value for value in exported if math.isfinite(value)]
    return finite if finite and not _is_constant(one.metrics[benchmark.metric]) else None


def _is_constant(estimate: Estimate) -> bool:
    """True for an exact figure, such as a parameter count: there is nothing to estimate."""
    return estimate.low is not None and estimate.low == estimate.high


def _stats(samples: list[float] | None) -> Mapping[str, float] | None:
    """The statistics that asv itself computes: quartiles, and a 99% interval of the median."""
    if samples is None:
        return None
    from asv_runner.statistics import compute_stats

    found: Mapping[str, float] = compute_stats(samples, 1)[1]
    return found


def _machine(host: Host) -> str:
    """The machine's name, and its folder: `amd-epyc-9b14-0123456789ab`."""
    words = re.sub(r"[^a-z0-9]+", "-", host.cpu.lower()).strip("-")
    return f"{words[:40].strip('-')}-{host.fingerprint}".lstrip("-")


def _machine_json(host: Host) -> dict[str, Any]:
    gpus = ", ".join(gpu.name for gpu in host.gpus)
    return {
        "machine": _machine(host),
        "os": host.system,
        "arch": host.architecture,
        "cpu": f"{host.cpu}{f', {gpus}' if gpus else ''}",
        "num_cpu": str(host.logical_cores),
        "ram": str(host.memory_bytes),
        "version": _MACHINE_VERSION,
    }


def _config(repository: Repository) -> dict[str, Any]:
    return {
        "version": _CONFIG_VERSION,
        "written_by": WRITTEN_BY,
        "project": repository.path.rstrip("/").rpartition("/")[2],
        "project_url": "#",
        "repo": repository.path,
        "dvcs": "git",
        "branches": list(repository.branches),
        "results_dir": RESULTS,
        "html_dir": "html",
        "show_commit_url": "#",
        # asv need not build anything: the results are complete.
        "environment_type": "existing",
        "benchmark_dir": RESULTS,
    }


def _plain(text: str) -> str:
    """The text as a part of a file's name."""
    return re.sub(r"[^A-Za-z0-9.+_]+", "_", text)


def _milliseconds(when: datetime) -> int:
    return int(when.timestamp() * 1000)
