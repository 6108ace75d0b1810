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
    """Write a starter spec to PATH (specs/starter.yaml)."""
    from harness.resources import templates

    text = (templates() / "starter.yaml").read_text(encoding="utf-8")
    try:
        if path.exists():
            raise UsageError(f"{path} already exists; name another file, or remove it first")
        _write(path, text)
    except OSError as error:
        raise UsageError(f"cannot write {path}: {error.strerror}") from error
    click.echo(f"wrote {path}; `harness plan {path}` shows its plan")


def _write(path: Path, text: str) -> None:
    """Write the whole file or none of it."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        try:
            file.write(text)
            file.flush()
        except OSError:
            path.unlink()
            raise
