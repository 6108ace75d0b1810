"""Which entries each file of the contract is run over: those of the room that it is named after."""

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
    """Models here are so small that threads would do nothing but wait for each other."""
    import torch

    torch.set_num_threads(1)


def pytest_ignore_collect(collection_path: Path, config: pytest.Config) -> bool | None:
    """A package that adds nothing to a room has nothing to promise there."""
    room = _room(collection_path)
    nothing = room is not None and not chosen(config, _registry(room).entries())
    return True if nothing else None


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for an `entry` is run with each of its room, or of all where it is of none.

    One that asks for an `operator` is run with each, as often as there are variants.
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
    """A backend that compiles takes minutes over the contract."""
    slow = bool(getattr(entry, "open_seconds", 0.0))
    return pytest.param(entry, id=entry.name, marks=[pytest.mark.thorough] if slow else [])


def _room(path: Path) -> str | None:
    name = path.stem.removeprefix("test_")
    return name if name in ROOMS else None


def _registry(room: str) -> Registry[Entry]:
    found: Registry[Entry] = import_module(f"harness.{room}").registry
    return found


def variants(entry: type[Operator]) -> Iterator[Operator]:
    """By its defaults; then with each option at its least, alone, and all of them together."""
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
    """The least number or the shortest list; of words, the last; None where no bound tells."""
    if get_origin(field.annotation) is Literal:
        return get_args(field.annotation)[-1]
    if get_origin(field.annotation) is tuple:
        shortest = (bound.min_length for bound in field.metadata if isinstance(bound, MinLen))
        return next((field.default[:length] for length in shortest), None)
    return next((bound.ge for bound in field.metadata if isinstance(bound, Ge)), None)


def label(operator: Operator) -> str:
    """As the cells name it, without spaces."""
    return str(choice_of(operator)).replace(" ", "")
