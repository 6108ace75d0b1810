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


class _Database(click.Path):
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
    type=_Database(dir_okay=False),
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


def spec_options(command: F) -> F:
    """Add SPECS and the options that go with them; the command gets them as a Request."""
    decorators = (
        click.argument("specs", nargs=-1, required=True, metavar="SPECS..."),
        set_option,
        only_option,
        db_option,
        click.option("--fresh", is_flag=True, help="Measure every cell again, stored or not."),
        click.option("--retry-failed", is_flag=True, help="Try failed cells again."),
        click.option(
            "--repo",
            type=click.Path(exists=True, file_okay=False, path_type=Path),
            help="The git repository whose commit is measured. [default: the harness's own]",
        ),
    )

    @functools.wraps(command)
    def with_request(
        specs: tuple[str, ...],
        overrides: tuple[str, ...],
        only: tuple[str, ...],
        db: Location,
        fresh: bool,
        retry_failed: bool,
        repo: Path | None,
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
