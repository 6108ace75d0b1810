"""`harness schema`: the JSON Schema of a spec, for editors."""

from __future__ import annotations

import json

import click


@click.command()
def schema() -> None:
    """Print the JSON Schema of a spec, for editors.

    Save it to FILE and begin a spec with `# yaml-language-server: $schema=FILE`: editors then
    complete and check the spec.
    """
    from harness.spec.json_schema import json_schema

    click.echo(json.dumps(json_schema(), indent=2))
