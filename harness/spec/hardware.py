"""`--hardware cpu:threads=1`: a hardware choice in one word."""

from __future__ import annotations

from harness.domain.cell import Choice
from harness.errors import Problem, SpecError, clipped
from harness.spec.catalog import Catalog, registered
from harness.spec.choices import Context, named
from harness.spec.faults import Source
from harness.spec.reader import read_value


def parse_hardware(text: str, catalog: Catalog | None = None) -> Choice:
    """A device's name, and after a colon its options; SpecError tells what is wrong with it."""
    where = f"--hardware {clipped(text)}"
    name, _, given = text.partition(":")
    found = {"device": name.strip(), **_options(given, where)}
    source = Source(where, {}, {}, {(): where})
    choices = named("hardware", found, (), Context(catalog or registered(), source))
    source.refuse()
    (choice,) = choices  # no value has a comma, so none is a list that multiplies
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
