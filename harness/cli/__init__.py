"""The command line: parses and prints, and leaves the work to pipeline.py.

Exit codes: 0 all went as planned; 1 some cell failed; 2 the request or a spec was wrong, or
the system refused access to a file, the results database or standard output; 3 a regression is
confirmed; 4 a fault in the harness; 130 stopped by Ctrl-C, with all measurements kept; 141 the
reader of a pipe left.
"""

from __future__ import annotations

import signal
import sys
import traceback
from pathlib import Path
from typing import Any, NoReturn

import click

from harness import __version__
from harness.cli.backfill import backfill
from harness.cli.bisect import bisect
from harness.cli.ceiling import ceiling
from harness.cli.change_audit import audit
from harness.cli.change_decide import ack, fix
from harness.cli.change_decide import expect as expect_change
from harness.cli.change_show import show_change
from harness.cli.changes import changes
from harness.cli.compare import compare
from harness.cli.completion import completion
from harness.cli.contract import contract
from harness.cli.doctor import doctor
from harness.cli.expect import expect
from harness.cli.export import export
from harness.cli.gate import gate
from harness.cli.init import init
from harness.cli.listing import list_entries
from harness.cli.merge import import_file, merge
from harness.cli.nightly import nightly
from harness.cli.output import ReaderGone, install, refuse, say
from harness.cli.plan import plan
from harness.cli.prune import prune
from harness.cli.run import run
from harness.cli.schema import schema
from harness.cli.selfcheck import selfcheck
from harness.cli.show import show
from harness.cli.site import site
from harness.errors import HarnessError

EXIT_USAGE = 2
EXIT_FAULT = 4
EXIT_INTERRUPTED = 130
EXIT_READER_GONE = 128 + signal.SIGPIPE


class _Group(click.Group):
    """A group whose commands report system errors as a HarnessError."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except OSError as error:  # caught here because click exits with 1 on a broken pipe
            raise HarnessError(f"{ctx.invoked_subcommand}: {_message(error)}") from error

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(self.commands)  # in the order of use, not of the alphabet


def _message(error: OSError) -> str:
    """The file and the system's message."""
    why = error.strerror or str(error) or type(error).__name__
    if error.filename is not None:
        return f"{error.filename}: {why}"
    if _has_working_directory():
        return why
    return "the working directory no longer exists: change to another"


def _has_working_directory() -> bool:
    try:
        Path.cwd()
    except FileNotFoundError:
        return False
    return True


# With color, click leaves escape sequences in; otherwise it would remove them silently. Stream
# prints them as text.
_SETTINGS = {"help_option_names": ["-h", "--help"], "color": True}


@click.group(cls=_Group, context_settings=_SETTINGS, invoke_without_command=True)
@click.version_option(__version__, prog_name="harness")
@click.pass_context
def cli(ctx: click.Context) -> None:
    """Compare ways to run a GPT-style Transformer: how fast each is, and at what cost.

    A YAML spec declares what to compare. `harness run SPEC` measures every cell of its matrix in
    isolated processes; `harness site` builds the leaderboard.

    \b
    Exit codes: 0 all as planned, 1 some cell failed, 2 wrong request or spec, or a file that
    cannot be used, 3 a confirmed regression, 4 a fault in the harness, 130 interrupted.
    """
    if ctx.invoked_subcommand is None:
        say(ctx.get_help())
        ctx.exit(EXIT_USAGE)


for command in (
    init,
    plan,
    run,
    nightly,
    backfill,
    gate,
    bisect,
    show,
    site,
    changes,
    expect,
    compare,
    export,
    import_file,
    merge,
    prune,
    ceiling,
    list_entries,
    schema,
    doctor,
    selfcheck,
    contract,
    completion,
):
    cli.add_command(command)

for command in (show_change, ack, expect_change, fix, audit):
    changes.add_command(command)


def _stop(*_: object) -> NoReturn:
    raise KeyboardInterrupt


def main() -> None:
    """Run the `harness` command. SIGTERM stops it as Ctrl-C does."""
    signal.signal(signal.SIGTERM, _stop)
    install()
    sys.exit(_code())


def _code() -> int:
    """Run the command; return its exit code."""
    try:
        code = cli.main(standalone_mode=False)
    except click.ClickException as error:
        _usage(error)
        refuse(error.format_message())
        return EXIT_USAGE
    except HarnessError as error:
        refuse(str(error))
        return EXIT_USAGE
    except (KeyboardInterrupt, click.Abort):
        say("\nstopped; all measurements are kept, and the same command continues")
        return EXIT_INTERRUPTED
    except ReaderGone:
        return EXIT_READER_GONE
    except Exception:  # noqa: BLE001 - Python would exit with 1, which means that a cell failed
        traceback.print_exc()
        say("this is a fault in the harness or in a plug-in; no measurement is lost")
        return EXIT_FAULT
    return code if isinstance(code, int) else 0


def _usage(error: click.ClickException) -> None:
    """Print how to call the command, if it was called wrongly."""
    if isinstance(error, click.UsageError) and error.ctx is not None:
        say(f"{error.ctx.get_usage()}\nTry '{error.ctx.command_path} --help' for help.\n")
