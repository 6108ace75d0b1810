"""What the user compares: `main`, `3f2a91c`, `run:12`, `host:9c01`, `cell:4f0c`."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from harness.analyse.sides import Kind, Side
from harness.errors import UsageError, clipped, listed, unknown

if TYPE_CHECKING:
    from harness.domain.result import Result
    from harness.domain.run import Commit

_SHA = re.compile(r"[0-9a-f]{4,64}")
_WITH_CHANGES = re.compile(r"(.+)\+(dirty|[0-9a-f]{1,12})")
_NAMED = 10  # the newest commits that a message names
_SHORT = 10  # digits of a sha


@dataclass(frozen=True)
class Stored:
    """What the database holds."""

    results: Sequence[Result]  # the newest first
    commits: Sequence[Commit]  # measured, in results or in pairs; the newest first
    repo: Path | None  # where git resolves names; None if there is no checkout
    db: str


def two_sides(a: str, b: str, stored: Stored) -> tuple[Side, Side]:
    """Both sides; UsageError if one is unknown or ambiguous, or they cannot be compared."""
    base, head = _side(a, stored), _side(b, stored)
    kinds = {base.kind, head.kind}
    if len(kinds) > 1 and kinds != {Kind.COMMIT, Kind.RUN}:
        raise UsageError(
            f"{a} is a {base.kind} and {b} a {head.kind}: compare two commits or runs, two hosts, "
            "or two cells"
        )
    if (base.kind, base.id) == (head.kind, head.id):
        same = "" if a == b else f"{a} and {b} are both {base.name}: "
        raise UsageError(f"{same or f'{a}: '}there is nothing to compare with itself")
    return _without(base, head), _without(head, base)


def _without(side: Side, other: Side) -> Side:
    """A commit without the run that it is compared with."""
    if (side.kind, other.kind) != (Kind.COMMIT, Kind.RUN):
        return side
    left = tuple(one for one in side.results if str(one.run.id) != other.id)
    return replace(side, results=left)


def _side(text: str, stored: Stored) -> Side:
    kind, colon, name = text.partition(":")
    if not colon:
        return _commit(text, stored)
    sides: dict[str, Callable[[str, Stored], Side]] = {"run": _run, "host": _host, "cell": _cell}
    if kind not in sides:
        raise UsageError(f"{clipped(text)}: {unknown('kind', kind, sides)}")
    return replace(sides[kind](name, stored), asked=text)


def _run(name: str, stored: Stored) -> Side:
    known = {str(one.run.id): one.run for one in stored.results}
    if name not in known:
        raise UsageError(unknown("run", name, known))
    run = known[name]
    found = tuple(one for one in stored.results if str(one.run.id) == name)
    return Side(Kind.RUN, f"run {name} ({run.commit})", name, found, run.commit)


def _host(name: str, stored: Stored) -> Side:
    known = {one.run.host.fingerprint: str(one.run.host) for one in stored.results}
    found = _by_prefix("host", name, known)
    results = tuple(one for one in stored.results if one.run.host.fingerprint == found)
    return Side(Kind.HOST, f"{found} ({known[found]})", found, results)


def _cell(name: str, stored: Stored) -> Side:
    known = {one.cell.id: str(one.cell) for one in stored.results}
    found = _by_prefix("cell", name, known)
    results = tuple(one for one in stored.results if one.cell.id == found)
    return Side(Kind.CELL, known[found], found, results)


def _by_prefix(kind: str, prefix: str, known: Mapping[str, str]) -> str:
    """The only id with the prefix."""
    found = [one for one in known if one.startswith(prefix)] if prefix else []
    if len(found) == 1:
        return found[0]
    if not found:
        raise UsageError(unknown(kind, prefix, known))
    raise UsageError(_ambiguous(kind, prefix, [f"{one} ({known[one]})" for one in found]))


def _ambiguous(kind: str, name: str, possible: Sequence[str]) -> str:
    return f"{kind} {clipped(repr(name))} is ambiguous: it may be {'; '.join(possible[:_NAMED])}"


def _commit(text: str, stored: Stored) -> Side:
    """A commit that was measured, by its sha or by a name that git knows."""
    match = _WITH_CHANGES.fullmatch(text)
    name, changes = (match[1], match[2]) if match else (text, "")
    sha = _stored_sha(name, stored) or _sha_of_name(name, stored)
    commit = _variant(text, changes, [one for one in stored.commits if one.sha == sha])
    results = tuple(
        one
        for one in stored.results
        if (one.run.commit.sha, one.run.commit.dirty) == (commit.sha, commit.dirty)
    )
    full = commit.sha + (f"+{commit.dirty}" if commit.dirty else "")
    return Side(Kind.COMMIT, str(commit), full, results, commit, text)


def _stored_sha(name: str, stored: Stored) -> str:
    """The measured sha with that prefix; "" if there is none."""
    if not _SHA.fullmatch(name):
        return ""
    found = {one.sha: one for one in stored.commits if one.sha.startswith(name)}
    if len(found) > 1:
        raise UsageError(_ambiguous("commit", name, _described(found.values())))
    return next(iter(found), "")


def _sha_of_name(name: str, stored: Stored) -> str:
    """The sha that git knows by the name, if it was measured."""
    from harness.subject.commit import named

    sha = named(stored.repo, name) if stored.repo else ""
    known = {one.sha for one in stored.commits}
    if sha in known:
        return sha
    newest = _described(stored.commits)
    possible = f"the newest measured commits: {'; '.join(newest)}" if newest else "it has none"
    if sha:
        raise UsageError(
            f"{clipped(name)} is commit {sha[:_SHORT]}, which has no results in {stored.db}; "
            f"{possible}"
        )
    where = f"git in {stored.repo} does not know it" if stored.repo else "there is no repository"
    raise UsageError(
        f"unknown commit {clipped(repr(name))}: {where}, and {stored.db} has no results of it; "
        f"{possible}"
    )


def _variant(text: str, changes: str, found: Sequence[Commit]) -> Commit:
    """The commit with those uncommitted changes, or without any."""
    variants = {one.dirty: one for one in found}
    if not changes and "" in variants:
        return variants[""]
    possible = [
        one for one in variants if one and (changes in {"", "dirty"} or one.startswith(changes))
    ]
    written = [f"{found[0].sha[:_SHORT]}+{one}" for one in possible or filter(None, variants)]
    if changes and len(possible) == 1:
        return variants[possible[0]]
    if not changes:
        raise UsageError(
            f"{clipped(text)} was measured only with uncommitted changes; write {listed(written)}"
        )
    if possible:
        raise UsageError(_ambiguous("commit", text, written))
    why = f"; possible: {listed(written)}" if written else ""
    raise UsageError(f"{clipped(text)} was not measured with those uncommitted changes{why}")


def _described(commits: Iterable[Commit]) -> list[str]:
    """The newest commits with their subjects, each once."""
    found = {one.sha: f"{one.sha[:_SHORT]} ({clipped(one.subject)})" for one in commits if one.sha}
    return list(found.values())[:_NAMED]
