"""The page of nights: what they found, the audit of their alarms, and people's decisions."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from harness.analyse.audit import Finding, audit
from harness.domain.cell import Cell
from harness.domain.metric import Direction, Estimate
from harness.domain.night import Confirmation, Night, Role, Triage, Verdict
from harness.site import words
from harness.site.cell_history import CellHistory
from harness.site.format import Figure, ratio

# Roles as the page names them.
_ROLES = {
    Role.SUSPECT: "suspect",
    Role.REQUESTED: "requested",
    Role.SAME: "control: same",
    Role.SLOWED: "control: slowed",
}


@dataclass(frozen=True)
class NightLine:
    """One night, and how many of its suspects were confirmed."""

    night: Night
    suspects: int
    confirmed: int


@dataclass(frozen=True)
class Look:
    """A metric of a cell that a night compared between two commits."""

    night: Night
    found: Confirmation
    page: str  # the cell's page, or empty if it has none
    metric: str  # its title
    role: str
    ratio: Figure | None
    effect: str  # "worse", "better" or empty


@dataclass(frozen=True)
class Decision:
    """A decision about a change that no later decision replaces."""

    made: Triage
    cell: str
    page: str
    metric: str


@dataclass(frozen=True)
class NightsView:
    """What the page shows, the newest first."""

    nights: tuple[NightLine, ...]
    looks: tuple[Look, ...]
    findings: tuple[Finding, ...]
    decisions: tuple[Decision, ...]


def nights_view(
    nights: Sequence[Night], triage: Sequence[Triage], histories: Sequence[CellHistory]
) -> NightsView:
    """The page's content, from nights in the order in which they began."""
    pages = {(one.cell.id, one.host.fingerprint): one.page for one in histories}
    names = {one.cell.id: one.cell for one in histories}
    names |= {found.cell.id: found.cell for night in nights for found in night.confirmations}
    newest = list(reversed(nights))
    return NightsView(
        nights=tuple(_line(one) for one in newest),
        looks=tuple(_look(one, found, pages) for one in newest for found in one.confirmations),
        findings=tuple(audit(nights)),
        decisions=tuple(_decisions(triage, names, pages)),
    )


def _line(night: Night) -> NightLine:
    suspects = [one for one in night.confirmations if one.role in {Role.SUSPECT, Role.REQUESTED}]
    confirmed = sum(one.verdict is Verdict.CONFIRMED for one in suspects)
    return NightLine(night, len(suspects), confirmed)


def _look(night: Night, found: Confirmation, pages: dict[tuple[str, str], str]) -> Look:
    counts = found.verdict is Verdict.CONFIRMED
    return Look(
        night=night,
        found=found,
        page=pages.get((found.cell.id, night.host.fingerprint), ""),
        metric=words.title(found.metric),
        role=_ROLES[found.role],
        ratio=_ratio(found),
        effect=("worse" if found.is_worse else "better") if counts else "",
    )


def _ratio(one: Confirmation) -> Figure | None:
    if one.ratio is None:
        return None
    pairs = len(one.pairs)
    return ratio(Estimate(one.ratio, one.low, one.high, "1", Direction.LOWER, pairs, pairs))


def _decisions(
    triage: Iterable[Triage], cells: dict[str, Cell], pages: dict[tuple[str, str], str]
) -> list[Decision]:
    newest = {(one.cell, one.metric, one.host, one.commit): one for one in triage}
    return [
        Decision(
            made=one,
            cell=str(cells.get(one.cell, one.cell)),
            page=pages.get((one.cell, one.host), ""),
            metric=words.title(one.metric),
        )
        for one in sorted(newest.values(), key=lambda one: one.when, reverse=True)
    ]
