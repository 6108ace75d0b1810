"""`harness expect`: hold results against what specs expect, and propose what to expect."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import click

from harness.cli.options import db_option, format_option, only_option, set_option
from harness.cli.output import say
from harness.domain.location import Location
from harness.domain.naming import short_names

if TYPE_CHECKING:
    from harness.analyse.expectations import Proposal
    from harness.plan.expectations import SpecProposals

EXIT_FAILED = 1

_specs = click.argument("specs", nargs=-1, required=True, metavar="SPECS...")


@click.group()
def expect() -> None:
    """Hold results against what specs expect of them."""


@expect.command()
@_specs
@set_option
@only_option
@db_option
@click.option(
    "--host",
    default="",
    metavar="NAME",
    help="Only hosts whose fingerprint begins with NAME, or with this word in their processor's "
    "name.  [default: every host with results]",
)
@format_option("table", "json", "markdown")
@click.pass_context
def check(
    ctx: click.Context,
    specs: tuple[str, ...],
    overrides: tuple[str, ...],
    only: tuple[str, ...],
    db: Location,
    host: str,
    style: str,
) -> None:
    """Judge the newest stored result of each cell by the `expect` block of SPECS.

    Exit code 1 if an expectation is missed, unexpectedly met, or missing although required.
    """
    from harness import stored
    from harness.cli.expectations import as_table, document, summary

    found = stored.judged_stored(specs, db, overrides, only, host)
    if style == "json":
        click.echo(json.dumps(document(found), indent=2))
    else:
        if found.judged:
            click.echo(as_table(found, style))
        say(summary(found))
    if found.failures:
        ctx.exit(EXIT_FAILED)


@expect.command()
@_specs
@only_option
@db_option
@click.option(
    "--metric",
    "metrics",
    multiple=True,
    metavar="NAME",
    help="Bound this metric. Repeatable.  [default: each scenario's headline metric]",
)
@click.option("--worse", is_flag=True, help="Write only the bounds that a regression would cross.")
@click.option(
    "--host",
    default="",
    metavar="NAME",
    help="The host whose history counts: how its fingerprint begins, or a word of its processor's "
    "name.  [default: this host]",
)
def propose(
    specs: tuple[str, ...],
    only: tuple[str, ...],
    db: Location,
    metrics: tuple[str, ...],
    worse: bool,
    host: str,
) -> None:
    """Print an `expect` block for each of SPECS, from the history of its cells on one host.

    A bound needs five results since the last change of environment and of level.
    """
    from harness import metrics as known
    from harness import stored

    names = list(dict.fromkeys(known.registry[name].name for name in metrics))
    found = stored.proposals(specs, db, only, names, host)
    for one in found:
        if len(found) > 1:
            click.echo(f"# {one.spec.file}")
        click.echo("\n".join(block(one, worse=worse)))


def block(found: SpecProposals, *, worse: bool = False) -> Iterator[str]:
    """The lines of an `expect` block: an entry or a comment for each metric of each cell."""
    names = short_names(found.spec.cells)
    yield f"# On {found.host} ({found.host.fingerprint}), from its history."
    yield "expect:"
    for cell in found.spec.cells:
        for one in found.cells[cell.id]:
            reason = one.reason
            if not reason and cell.id not in found.selectors:
                reason = "its values cannot be written as one entry"
            name = f"{names[cell.id]}: {one.metric}"
            if reason:
                yield f"  # {_on_one_line(name)}: no bound: {reason}"
                continue
            yield f"  # {_on_one_line(name)}, from {one.runs} results"
            entry = _entry(found.selectors[cell.id], one, found.host.fingerprint, worse=worse)
            yield f"  - {_flow(entry)}"


def _entry(selector: Mapping[str, Any], one: Proposal, host: str, *, worse: bool) -> dict[str, Any]:
    from harness import metrics
    from harness.domain.metric import Direction
    from harness.spec.bounds import proposed_bound

    metric = metrics.registry[one.metric]
    bounds = {
        "min": proposed_bound(one.low, metric, upper=False),
        "max": proposed_bound(one.high, metric, upper=True),
    }
    if worse:
        del bounds["min" if one.direction is Direction.LOWER else "max"]
    return {**selector, "host": host, "metric": one.metric, **bounds}


def _flow(entry: Mapping[str, Any]) -> str:
    """The entry as YAML on one line."""
    from ruamel.yaml import YAML

    yaml: Any = YAML(typ="safe", pure=True)  # its attributes are declared as None
    yaml.default_flow_style, yaml.width, yaml.sort_base_mapping_type_on_output = True, 2**20, False
    text = io.StringIO()
    yaml.dump(dict(entry), text)
    return text.getvalue().strip()


def _on_one_line(text: str) -> str:
    return " ".join(text.split())
