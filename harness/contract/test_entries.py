"""What every entry of every registry promises; a new entry is tested by being registered."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable

from harness.domain.cell import Cell, Choice
from harness.domain.entry import Entry
from harness.domain.run import Host
from harness.registry import ROOMS, Registry


def test_an_entry_says_in_a_line_what_it_is(registry: Registry[Entry], entry: type[Entry]) -> None:
    """`harness list` shows it."""
    assert entry.summary.strip()
    assert "\n" not in entry.summary


def test_an_entry_and_its_file_are_explained(registry: Registry[Entry], entry: type[Entry]) -> None:
    module = inspect.getmodule(entry)
    assert module is not None
    assert (module.__doc__ or "").strip()
    assert (vars(entry).get("__doc__") or "").strip()


def test_an_entry_is_found_by_its_name(registry: Registry[Entry], entry: type[Entry]) -> None:
    assert registry[entry.name] is entry


def test_a_name_is_easily_typed(registry: Registry[Entry], entry: type[Entry]) -> None:
    """In YAML without quotes, on a command line, in an address."""
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789-_.:")
    assert set(entry.name) <= allowed


def test_an_entry_defines_all_it_must(registry: Registry[Entry], entry: type[Entry]) -> None:
    assert not inspect.isabstract(entry)


def test_every_option_is_described(registry: Registry[Entry], entry: type[Entry]) -> None:
    """The spec's errors, the JSON Schema and the docs are made from the descriptions."""
    for name, field in entry.Options.model_fields.items():
        assert (field.description or "").strip(), name


def test_an_entry_is_made_from_a_cells_choice(
    registry: Registry[Entry], entry: type[Entry], example: Callable[[type[Entry]], Entry]
) -> None:
    """Options that differ from their defaults are all that a cell keeps of it."""
    made = example(entry)
    again = entry.of(Choice(entry.name, made.options.canonical()))
    assert made.options == again.options
    if not any(field.is_required() for field in entry.Options.model_fields.values()):
        assert made.options.canonical() == ()


def test_an_entry_that_cannot_do_something_says_why(
    registry: Registry[Entry],
    entry: type[Entry],
    example: Callable[[type[Entry]], Entry],
    make_cell: Callable[..., Cell],
    host: Host,
) -> None:
    """In a sentence, on a host as on a cell: it is the reason that the result tells."""
    model = Choice("decoder", (("d_model", 64), ("heads", 2), ("layers", 2)))
    for reason in (
        entry.unavailable(host),
        example(entry).unsupported(make_cell(model=model), host),
    ):
        assert reason is None or reason.strip()


def test_looking_at_all_entries_needs_no_torch() -> None:
    """`harness list` and `harness plan` start in a blink, also where torch is missing."""
    code = (
        "import importlib, sys\n"
        f"for room in {ROOMS!r}:\n"
        "    for entry in importlib.import_module(f'harness.{room}').registry.entries():\n"
        "        if not any(one.is_required() for one in entry.Options.model_fields.values()):\n"
        "            entry()\n"
        "print('torch' in sys.modules)\n"
    )
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "False"
