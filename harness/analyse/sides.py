"""What two sides of a comparison have in common: which results are held against which."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from harness.analyse.history import changes
from harness.domain.cell import Cell
from harness.domain.result import Result, Status
from harness.domain.run import Commit, Environment, Host

_MOST_CHANGES = 3  # differences of two environments that a note names


class Kind(StrEnum):
    """What a side of a comparison is."""

    COMMIT = "commit"
    RUN = "run"
    HOST = "host"
    CELL = "cell"


@dataclass(frozen=True)
class Side:
    """One side of a comparison, with all its results, the newest first."""

    kind: Kind
    name: str  # as people read it: `run 12`, a commit's short sha
    id: str  # in full: a sha (with `+` and the digest of uncommitted changes), a fingerprint, ...
    results: tuple[Result, ...] = ()
    commit: Commit | None = None  # of a commit
    asked: str = ""  # what the user wrote


@dataclass(frozen=True)
class Match:
    """The results of one cell that are compared. A side without any was not run."""

    base: tuple[Result, ...]  # the newest first
    head: tuple[Result, ...]
    note: str = ""  # what differs besides
    comparable: bool = True  # False: the note says why not
    # Where nothing but pairs of rounds were measured, neither side has results.
    cell: Cell | None = None
    host: Host | None = None
    environment: Environment | None = None

    @property
    def place(self) -> tuple[Cell, Host, Environment]:
        """The cell, host and environment: the head's, or the base's if the head was not run."""
        if self.cell and self.host and self.environment:
            return self.cell, self.host, self.environment
        one = (self.head or self.base)[0]
        return one.cell, one.run.host, one.run.environment


def matches(base: Side, head: Side) -> list[Match]:
    """The results to compare.

    Commits, and a commit with a run, are compared for each cell, host and environment; two runs
    and two hosts for each cell; two cells for each host and environment. Commits take all their
    runs. Hosts and cells take the newest run that both belong to, else the newest commit.
    """
    kinds = {base.kind, head.kind}
    if kinds == {Kind.RUN}:
        found = _grouped(base, head, _by_cell)
        return [Match(ours, theirs, _software(ours, theirs)) for ours, theirs in found]
    if kinds == {Kind.HOST}:
        return [_newest(*pair) for pair in _grouped(base, head, _by_cell)]
    if kinds == {Kind.CELL}:
        return [_newest(*pair) for pair in _grouped(base, head, _by_environment)]
    return list(_rejoined([Match(*pair) for pair in _grouped(base, head, _by_place)]))


def _by_cell(one: Result) -> Hashable:
    return one.cell.id


def _by_environment(one: Result) -> Hashable:
    return one.run.host.fingerprint, one.run.environment.digest


def _by_place(one: Result) -> Hashable:
    return one.cell.id, one.run.host.fingerprint, one.run.environment.digest


_Pair = tuple[tuple[Result, ...], tuple[Result, ...]]


def _grouped(base: Side, head: Side, key: Callable[[Result], Hashable]) -> list[_Pair]:
    groups: dict[Hashable, tuple[list[Result], list[Result]]] = {}
    for place, side in enumerate((base, head)):
        for one in side.results:
            groups.setdefault(key(one), ([], []))[place].append(one)
    return [(_final(ours), _final(theirs)) for ours, theirs in groups.values()]


def _final(results: Sequence[Result]) -> tuple[Result, ...]:
    """The results whose cells need no further round; all if there are no such results."""
    return tuple(one for one in results if one.status.final) or tuple(results)


def _newest(base: tuple[Result, ...], head: tuple[Result, ...]) -> Match:
    """The newest results of the same run; else of the same commit; else of each side."""
    for key in (_of_run, _of_commit):
        ours, theirs = _measured_by(base, key), _measured_by(head, key)
        for one in ours:
            if one in theirs:
                return Match(ours[one], theirs[one], _note(ours[one], theirs[one]))
    return Match(base[:1], head[:1], _note(base[:1], head[:1]))


def _measured_by(
    results: Iterable[Result], key: Callable[[Result], Hashable]
) -> Mapping[Hashable, tuple[Result, ...]]:
    """The newest measured result of each run or commit, in the order of the results."""
    found: dict[Hashable, tuple[Result, ...]] = {}
    for one in results:
        if one.status is Status.OK:
            found.setdefault(key(one), (one,))
    return found


def _of_run(one: Result) -> Hashable:
    return one.run.id


def _of_commit(one: Result) -> Hashable:
    return one.run.commit.sha or one.run.started, one.run.commit.dirty


def _note(base: Sequence[Result], head: Sequence[Result]) -> str:
    """How the two sides differ besides: in commit or software."""
    if not base or not head:
        return ""
    parts = (_commits(base[0].run.commit, head[0].run.commit), _software(base, head))
    return "; ".join(part for part in parts if part)


def _software(base: Sequence[Result], head: Sequence[Result]) -> str:
    """How the software differs; empty if it does not."""
    if not base or not head:
        return ""
    return difference_text(base[0].run.environment, head[0].run.environment)


def _commits(base: Commit, head: Commit) -> str:
    same = (base.sha, base.dirty) == (head.sha, head.dirty)
    return "" if same else f"commits {base} and {head}"


def difference_text(base: Environment, head: Environment) -> str:
    """What differs between two environments, e.g. `torch 2.12.0 → 2.13.0`."""
    found = changes(base, head)
    more = f" and {len(found) - _MOST_CHANGES} more" if len(found) > _MOST_CHANGES else ""
    return f"{', '.join(found[:_MOST_CHANGES])}{more}"


def _rejoined(found: Sequence[Match]) -> Iterator[Match]:
    """Two lone sides of the same cell and host in two environments are one match, not two.

    They are not compared: the software changed as well.
    """
    alone: dict[Hashable, list[Match]] = {}
    for one in found:
        if one.base and one.head:
            yield one
        else:
            cell, host, _ = one.place
            alone.setdefault((cell.id, host.fingerprint), []).append(one)
    for several in alone.values():
        ours = next((one.base for one in several if one.base), ())
        theirs = next((one.head for one in several if one.head), ())
        if ours and theirs:
            software = difference_text(ours[0].run.environment, theirs[0].run.environment)
            yield Match(ours, theirs, f"other software: {software}", comparable=False)
        else:
            yield from several
