"""`harness contract`: put what outside packages add to the tests that every entry must pass."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

import click

_BROKEN = 1  # pytest's own code for failed tests; all others mean that they did not run


@click.command()
@click.argument("packages", nargs=-1, metavar="[PACKAGE]...")
@click.option("-v", "--verbose", is_flag=True, help="Name each test.")
@click.pass_context
def contract(ctx: click.Context, packages: tuple[str, ...], verbose: bool) -> None:
    """Test the entries that installed outside PACKAGEs add; by default those of all.

    They are the tests that the harness's own entries pass: docs/extending.md tells what they
    cover. They need pytest. Exit code 1 says that an entry breaks a promise.
    """
    code = subprocess.run(_command(_tested(packages), verbose=verbose), check=False).returncode
    if code:
        ctx.exit(_BROKEN if code == _BROKEN else 2)


def _tested(packages: Sequence[str]) -> Sequence[str]:
    """The packages, whose entries all load; UsageError where there is none to test."""
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
    """Pytest, whatever the folder that it is started in says of its settings."""
    from harness.subject.code import HARNESS

    ours = ["-c", os.devnull, "--rootdir", str(Path(HARNESS).parent), "-p", "no:cacheprovider"]
    chosen = [f"--package={name}" for name in packages]
    tests = ["--pyargs", "harness.contract", "-p", "harness.contract.plugin", *chosen]
    how = ["--import-mode=importlib", "-v" if verbose else "-q"]
    return [sys.executable, "-m", "pytest", *ours, *tests, *how]
