"""`harness init`: a commented starter spec."""

from __future__ import annotations

from pathlib import Path

import click

from harness.errors import UsageError


@click.command()
@click.argument(
    "path", type=click.Path(dir_okay=False, path_type=Path), default=Path("specs/starter.yaml")
)
def init(path: Path) -> None:
    """Write a commented starter spec to PATH (specs/starter.yaml)."""
    from harness.resources import templates

    if path.exists():
        raise UsageError(f"{path} exists already; name another file, or remove it first")
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text((templates() / "starter.yaml").read_text(encoding="utf-8"), encoding="utf-8")
    click.echo(f"wrote {path}; look at its plan with `harness plan {path}`")
