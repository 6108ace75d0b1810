"""`harness contract`: run the tests that every entry must pass on outside packages' entries."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import click

_BROKEN = 1  # pytest's exit code for failed tests; all others mean that the tests did not run


@click.command()
@click.argument("packages", nargs=-1, metavar="[PACKAGE]...")
@click.option("-v", "--verbose", is_flag=True, help="Name each test.")
@click.pass_context
def contract(ctx: click.Context, packages: tuple[str, ...], verbose: bool) -> None:
    """Test the entries of installed outside PACKAGEs; by default of all.

    These are the tests that the harness's own entries pass: docs/extending.md says what they
    cover. They need pytest. Exit code 1 means that an entry breaks the contract.
    """
    code = subprocess.run(_command(_tested(packages), verbose=verbose), check=False).returncode
    if code:
        ctx.exit(_BROKEN if code == _BROKEN else 2)


def _tested(packages: Sequence[str]) -> Sequence[str]:
    """The packages to test, after loading all entries; UsageError if there is none."""
    from harness.errors import UnknownName, UsageError
    from harness.registry import ROOMS, outside_packages

    installed = [one.name for one in outside_packages()]
    for name in packages:
        if name not in installed:
            raise UnknownName("package with entries", name, installed)
    if not installed:
        raise UsageError("no installed package adds entries: see docs/extending.md")
    if find_spec("pytest") is None:
        raise UsageError("the contract's tests need pytest: pip install pytest")
    for room in ROOMS:
        import_module(f"harness.{room}").registry.entries()
    return packages or installed


def _command(packages: Sequence[str], *, verbose: bool) -> list[str]:
    """Pytest's command line, which ignores any settings in the current folder."""
    from harness.subject.code import HARNESS

    ours = ["-c", os.devnull, "--rootdir", str(Path(HARNESS).parent), "-p", "no:cacheprovider"]
    chosen = [f"--package={name}" for name in packages]
    tests = ["--pyargs", "harness.contract", "-p", "harness.contract.plugin", *chosen]
    how = ["--import-mode=importlib", "-v" if verbose else "-q"]
    return [sys.executable, "-m", "pytest", *ours, *tests, *how]
