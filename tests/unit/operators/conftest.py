"""Every operator that there is to test: each entry by its defaults, and at its options' bounds."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from annotated_types import Ge, MinLen

from harness import operators
from harness.domain.cell import Choice
from harness.operators import Operator

if TYPE_CHECKING:
    import pytest
    from pydantic.fields import FieldInfo


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """A test that asks for an `operator` is run with each."""
    if "operator" in metafunc.fixturenames:
        chosen = [one for entry in operators.registry.entries() for one in variants(entry)]
        metafunc.parametrize("operator", chosen, ids=map(label, chosen))


def variants(entry: type[Operator]) -> Iterator[Operator]:
    """By its defaults; then with each option at its least, alone, and all of them together."""
    fields = entry.Options.model_fields
    required = {name: field.examples[0] for name, field in fields.items() if field.examples}
    least = {name: smallest(field) for name, field in fields.items() if name not in required}
    sets = [{}, *({name: value} for name, value in least.items()), least]
    made = [entry(entry.Options(**required, **one)) for one in sets]
    yield from {one.options.canonical(): one for one in made}.values()


def smallest(field: FieldInfo) -> Any:
    """The least number or the shortest list; of words, the last."""
    if get_origin(field.annotation) is Literal:
        return get_args(field.annotation)[-1]
    if get_origin(field.annotation) is tuple:
        shortest = next(bound.min_length for bound in field.metadata if isinstance(bound, MinLen))
        return field.default[:shortest]
    return next(bound.ge for bound in field.metadata if isinstance(bound, Ge))


def label(operator: Operator) -> str:
    """As the cells name it, without spaces."""
    return str(Choice(operator.name, operator.options.canonical())).replace(" ", "")
