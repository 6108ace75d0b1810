"""Reads `--hardware cpu:threads=1`: a hardware choice in one word."""

from __future__ import annotations

from harness.domain.cell import Choice
from harness.errors import Problem, SpecError, clipped
from harness.spec.catalog import Catalog, registered
from harness.spec.choices import Context, read_entry
from harness.spec.faults import Source
from harness.spec.reader import read_value


def parse_hardware(text: str, catalog: Catalog | None = None) -> Choice:
    """Parses a device's name and, after a colon, its options; SpecError lists its faults."""
    where = f"--hardware {clipped(text)}"
    name, _, given = text.partition(":")
    found = {"device": name.strip(), **_options(given, where)}
    source = Source(where, {}, {}, {(): where})
    choices = read_entry("hardware", found, (), Context(catalog or registered(), source))
    source.raise_faults()
    (choice,) = choices  # a value has no comma, so it cannot be a list that multiplies
    return choice


def _options(given: str, where: str) -> dict[str, object]:
    options = {}
    for part in filter(None, given.split(",")):
        key, equals, value = part.partition("=")
        if not equals:
            hint = "write options as name:option=value, e.g. cpu:threads=2"
            raise SpecError([Problem(where, hint)])
        try:
            options[key.strip()] = read_value(value)
        except ValueError as error:
            raise SpecError([Problem(where, str(error))]) from None
    return options
