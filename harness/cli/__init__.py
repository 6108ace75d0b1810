"""The command line: parses and prints, and leaves the work to pipeline.py.

Exit codes: 0 all went as planned; 1 some cell failed; 2 the request or a spec was wrong, or
the results database cannot be used; 130 stopped by Ctrl-C, with all that was measured kept.
"""

from __future__ import annotations

import signal
import sys
from typing import Any, NoReturn

import click

from harness import __version__
from harness.cli.ceiling import ceiling
from harness.cli.completion import completion
from harness.cli.contract import contract
from harness.cli.doctor import doctor
from harness.cli.init import init
from harness.cli.listing import list_entries
from harness.cli.plan import plan
from harness.cli.run import run
from harness.cli.schema import schema
from harness.cli.selfcheck import selfcheck
from harness.cli.show import show
from harness.cli.site import site
from harness.errors import HarnessError

EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


class _Group(click.Group):
    """A group whose commands tell a HarnessError in its own words, without a traceback."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except HarnessError as error:
            click.echo(f"error: {error}", err=True)
            ctx.exit(EXIT_USAGE)

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # in the order of a user's day, not of the alphabet


@click.group(cls=_Group, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="harness")
def cli() -> None:
    """Measure ways to run a GPT-style Transformer, and see which is fastest and at what cost.

    Declare what to compare in a YAML spec; `harness run SPEC` measures every cell of its
    matrix in isolated processes; `harness site` shows the leaderboard.

    \b
    Exit codes: 0 all as planned, 1 some cell failed, 2 wrong request or spec, 130 interrupted.
    """


for command in (
    init,
    plan,
    run,
    show,
    site,
    ceiling,
    list_entries,
    schema,
    doctor,
    selfcheck,
    contract,
    completion,
):
    cli.add_command(command)


def _stop(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def main() -> None:
    """The `harness` command. A polite kill stops it as Ctrl-C does."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = error.exit_code
    except (KeyboardInterrupt, click.Abort):
        click.echo("\nstopped; what is measured is kept, and the same command goes on", err=True)
        code = EXIT_INTERRUPTED
    except BrokenPipeError:  # the reader of a pipe, `head` say, has had enough
        sys.stderr.close()
        code = 0
    sys.exit(code if isinstance(code, int) else 0)
