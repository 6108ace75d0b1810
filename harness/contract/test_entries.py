"""What every entry of every registry promises; a new entry is tested by being registered."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, get_args

from pydantic import ValidationError

from harness.domain.cell import Cell, Choice
from harness.domain.entry import Entry, Options
from harness.domain.run import Host
from harness.registry import ROOMS, Registry

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

PLAIN = (True, False, 1, 2, 3, 0.5, "other")  # values of options
_SHAPE = (("d_model", 64), ("heads", 2), ("layers", 2))
# Cells with different demands. Each entry supports a cell or gives a reason.
CELLS: tuple[dict[str, Any], ...] = (
    {"model": Choice("decoder", _SHAPE)},
    {"model": Choice("encoder", _SHAPE)},
    {"model": Choice("decoder", (*_SHAPE, ("weights", "w")))},
    {"model": Choice("decoder", _SHAPE), "hardware": Choice("cuda"), "precision": Choice("bf16")},
    {"model": Choice("decoder", _SHAPE), "precision": Choice("bf16")},
    {"model": Choice("decoder", _SHAPE), "scenario": Choice("train")},
    {"model": Choice("decoder", _SHAPE), "compression": (Choice("int8-dynamic"),)},
)


def test_an_entry_has_a_summary_of_one_line(registry: Registry[Entry], entry: type[Entry]) -> None:
    """`harness list` shows it."""
    assert entry.summary.strip()
    assert "\n" not in entry.summary


def test_entries_and_files_have_docstrings(registry: Registry[Entry], entry: type[Entry]) -> None:
    module = inspect.getmodule(entry)
    assert module is not None
    assert (module.__doc__ or "").strip()
    assert (vars(entry).get("__doc__") or "").strip()


def test_an_entry_is_found_by_its_name(registry: Registry[Entry], entry: type[Entry]) -> None:
    assert registry[entry.name] is entry


def test_a_name_is_easy_to_type(registry: Registry[Entry], entry: type[Entry]) -> None:
    """In YAML without quotes, on a command line, in a URL."""
    allowed = set("abcdefghijklmnopqrstuvwxyz0123456789-_.:")
    assert set(entry.name) <= allowed


def test_an_entry_is_not_abstract(registry: Registry[Entry], entry: type[Entry]) -> None:
    assert not inspect.isabstract(entry)


def test_every_option_is_described(registry: Registry[Entry], entry: type[Entry]) -> None:
    """The spec's errors, the JSON Schema and the docs are made from the descriptions."""
    for name, field in entry.Options.model_fields.items():
        assert (field.description or "").strip(), name


def test_an_entry_can_be_made_from_a_cells_choice(
    registry: Registry[Entry], entry: type[Entry], example: Callable[[type[Entry]], Entry]
) -> None:
    """A cell keeps only the options that differ from their defaults."""
    fields = entry.Options.model_fields
    required = {
        name: getattr(example(entry).options, name)
        for name, field in fields.items()
        if field.is_required()
    }
    for name, field in fields.items():
        options = other_than_default(entry.Options, name, field, required)
        choice = Choice(entry.name, options.canonical())
        expected = {**required, name: getattr(options, name)}
        assert dict(choice.options) == expected
        assert entry.of(choice).options == options
        assert hash(choice) == hash(Choice(entry.name, tuple(sorted(expected.items()))))


def other_than_default(
    kind: type[Options], name: str, field: FieldInfo, required: Mapping[str, Any]
) -> Options:
    """Options in which `name` has the first valid value that is not its default.

    Tries its examples, the words of a Literal, a part of its default, and a few plain values.
    """
    part = field.default[:1] if isinstance(field.default, tuple) else field.default
    for value in (*(field.examples or ()), *get_args(field.annotation), part, *PLAIN):
        try:
            options = kind(**{**required, name: value})
        except ValidationError:
            continue
        if getattr(options, name) != field.get_default(call_default_factory=True):
            return options
    raise AssertionError(f"no other value found for {name}: give it an example")


def test_an_entry_gives_a_reason_for_what_it_cannot_do(
    registry: Registry[Entry],
    entry: type[Entry],
    example: Callable[[type[Entry]], Entry],
    make_cell: Callable[..., Cell],
    host: Host,
) -> None:
    """In one line, which results show. What the host lacks is a reason in every cell."""
    lacking = entry.unavailable(host)
    reasons = [example(entry).unsupported(make_cell(**one), host) for one in CELLS]
    for reason in (lacking, *reasons):
        assert reason is None or (len(reason.split()) > 2 and reason == " ".join(reason.split()))
    assert lacking is None or None not in reasons


def test_listing_all_entries_needs_no_torch() -> None:
    """`harness list` and `harness plan` start in a blink, even without torch."""
    code = (
        "import importlib, sys\n"
        f"for room in {ROOMS!r}:\n"
        "    for entry in importlib.import_module(f'harness.{room}').registry.entries():\n"
        "        if not any(one.is_required() for one in entry.Options.model_fields.values()):\n"
        "            entry()\n"
        "print('torch' in sys.modules)\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
