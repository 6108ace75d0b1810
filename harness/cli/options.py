"""Options that several commands share."""

from __future__ import annotations

import functools
import math
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from harness.domain.location import Location

F = TypeVar("F", bound=Callable[..., Any])

DEFAULT_DB = Location.file(Path("results") / "harness.sqlite")
DEFAULT_SITE = Path("results") / "site"


class Database(click.Path):
    """A URL, or a file, which the shell completes and which must not be a folder."""

    name = "file or URL"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The location of the results."""
        location = Location(str(value))
        if location.is_url:
            return location
        return Location.file(Path(os.fsdecode(super().convert(location.text, param, ctx))))


db_option = click.option(
    "--db",
    type=Database(dir_okay=False),
    metavar="FILE|URL",
    default=DEFAULT_DB,
    envvar="HARNESS_DB",
    show_envvar=True,
    show_default=True,
    help="The database of results: an SQLite file, or its URL, sqlite:///FILE.",
)


set_option = click.option(
    "--set",
    "overrides",
    multiple=True,
    metavar="PATH=VALUE",
    help="Override a key of the spec, e.g. workload.prompt=512,1024. Repeatable.",
)
only_option = click.option(
    "--only",
    multiple=True,
    metavar="AXIS=VALUE",
    help="Keep only these values of an axis, e.g. precision=bf16. Repeatable.",
)


def _seconds(ctx: click.Context, param: click.Parameter, value: str | None) -> float | None:
    """The seconds of a duration as specs write it, such as `30m`."""
    from harness.spec.units import duration

    try:
        return None if value is None else duration(value)
    except ValueError as error:
        raise click.BadParameter(str(error), ctx, param) from error


within_option = click.option(
    "--within",
    callback=_seconds,
    metavar="DURATION",
    help="A budget for the whole run, such as 30m: measure what matters most first, stop in time.",
)


_specs_argument = click.argument("specs", nargs=-1, required=True, metavar="SPECS...")
_repo_option = click.option(
    "--repo",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="The git repository whose commit is measured. [default: the specs' subject]",
)


def spec_options(command: F) -> F:
    """Add SPECS and the options that go with them; the command gets them as a Request."""
    return _as_request(
        command,
        _specs_argument,
        set_option,
        only_option,
        db_option,
        click.option("--fresh", is_flag=True, help="Measure every cell again, stored or not."),
        click.option("--retry-failed", is_flag=True, help="Try failed cells again."),
        _repo_option,
    )


def commit_options(command: F) -> F:
    """Add SPECS and the options of a command that installs commits; it gets a Request."""
    return _as_request(
        command, _specs_argument, set_option, only_option, db_option, within_option, _repo_option
    )


def recalled_commit_options(command: F) -> F:
    """The same, where SPECS may be left out: those of the newest stored run are meant."""
    return _as_request(
        command,
        click.argument("specs", nargs=-1, metavar="[SPECS]..."),
        set_option,
        only_option,
        db_option,
        within_option,
        _repo_option,
    )


def _as_request(command: F, *decorators: Callable[[Any], Any]) -> F:
    @functools.wraps(command)
    def with_request(
        specs: tuple[str, ...],
        overrides: tuple[str, ...],
        only: tuple[str, ...],
        db: Location,
        repo: Path | None,
        fresh: bool = False,
        retry_failed: bool = False,
        within: float | None = None,
        **others: Any,
    ) -> Any:
        from harness.pipeline import Request

        request = Request(
            paths=specs,
            db=db,
            overrides=overrides,
            only=only,
            fresh=fresh,
            retry_failed=retry_failed,
            within=within,
            repo=repo,
            site=DEFAULT_SITE,
            db_is_default=db == DEFAULT_DB,
            command=" ".join(["harness", *sys.argv[1:]]),
        )
        return command(request=request, **others)

    wrapped: Any = with_request
    for decorate in reversed(decorators):
        wrapped = decorate(wrapped)
    return wrapped  # type: ignore[no-any-return]  # click's decorators keep no signature


class Seconds(click.FloatRange):
    """A range of seconds that excludes `nan`."""

    name = "number of seconds"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """The number. No bound excludes nan, because every comparison with nan is false."""
        number = super().convert(value, param, ctx)
        if math.isnan(number):
            self.fail(f"nan is not in the range {self._describe_range()}.", param, ctx)
        return number


def format_option(*choices: str) -> Callable[[F], F]:
    """The option --format; the first choice is the default."""
    return click.option(
        "--format",
        "style",
        type=click.Choice(choices),
        default=choices[0],
        show_default=True,
        help="How to print it.",
    )
