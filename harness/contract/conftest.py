"""Selects the entries for each file of the contract: the entries of the room in its name."""

from __future__ import annotations

from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

import pytest
from annotated_types import Ge, MinLen

from harness.contract.plugin import choice_of, chosen, example_of, registries
from harness.domain.entry import Entry
from harness.registry import ROOMS, Registry

if TYPE_CHECKING:
    from _pytest.mark.structures import ParameterSet
    from pydantic.fields import FieldInfo

    from harness.operators import Operator


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """One thread: models here are so small that more threads would only wait for each other."""
    import torch

    torch.set_num_threads(1)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """Skip the file of a room to which the selected packages add nothing."""
    room = _room(collection_path)
    is_empty = room is not None and not chosen(config, _registry(room).entries())
    return True if is_empty else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test with each `entry` of its room, or with each entry of all rooms if it has none.

    A test with an `operator` runs with each variant of each operator.
    """
    room = _room(Path(metafunc.module.__file__))
    if "operator" in metafunc.fixturenames:
        entries: Any = chosen(metafunc.config, _registry("operators").entries())
        operators = [one for entry in entries for one in variants(entry)]
        metafunc.parametrize("operator", operators, ids=map(label, operators))
    elif "registry" in metafunc.fixturenames:
        every = [
            pytest.param(one, entry, id=f"{one.room}-{entry.name}")
            for one in registries()
            for entry in chosen(metafunc.config, one.entries())
        ]
        metafunc.parametrize(("registry", "entry"), every)
    elif room is not None and "entry" in metafunc.fixturenames:
        entries = chosen(metafunc.config, _registry(room).entries())
        metafunc.parametrize("entry", [_marked(one) for one in entries])


def _marked(entry: type[Entry]) -> ParameterSet:
    """Marks backends that compile as thorough: their tests take minutes."""
    slow = bool(getattr(entry, "open_seconds", 0.0))
    return pytest.param(entry, id=entry.name, marks=[pytest.mark.thorough] if slow else [])


def _room(path: Path) -> str | None:
    """`test_operators_cost.py` is in the room `operators`."""
    name = path.stem.removeprefix("test_").partition("_")[0]
    return name if name in ROOMS else None


def _registry(room: str) -> Registry[Entry]:
    found: Registry[Entry] = import_module(f"harness.{room}").registry
    return found


def variants(entry: type[Operator]) -> Iterator[Operator]:
    """The operator with default options, with each option alone at its least, and with all so."""
    fields = entry.Options.model_fields
    required = {
        name: getattr(example_of(entry).options, name)
        for name, field in fields.items()
        if field.examples or field.is_required()
    }
    least = {
        name: value
        for name, field in fields.items()
        if name not in required and (value := smallest(field)) is not None
    }
    sets = [{}, *({name: value} for name, value in least.items()), least]
    made = [entry(entry.Options(**required, **one)) for one in sets]
    yield from {one.options.canonical(): one for one in made}.values()


def smallest(field: FieldInfo) -> Any:
    """The least number, the shortest list, or the last word; None without a bound."""
    if get_origin(field.annotation) is Literal:
        return get_args(field.annotation)[-1]
    if get_origin(field.annotation) is tuple:
        shortest = (bound.min_length for bound in field.metadata if isinstance(bound, MinLen))
        return next((field.default[:length] for length in shortest), None)
    return next((bound.ge for bound in field.metadata if isinstance(bound, Ge)), None)


def label(operator: Operator) -> str:
    """The operator's name in a cell, without spaces."""
    return str(choice_of(operator)).replace(" ", "")
