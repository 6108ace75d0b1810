"""The pytest plugin of the contract: which entries are tested, and the fixtures."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from functools import cache
from importlib import import_module
from typing import TYPE_CHECKING, Any, TypeVar, get_args

import pytest
from annotated_types import Ge, Gt

from harness.domain.cell import Cell, Choice
from harness.domain.entry import Entry
from harness.domain.run import Host
from harness.model.shape import Shape
from harness.registry import ROOMS, Registry, outside_packages

if TYPE_CHECKING:
    import torch
    from pydantic.fields import FieldInfo

    from harness.timer import Timer

E = TypeVar("E", bound=Entry)

# The dimensions of the models that test operators.
SHAPE = Shape(layers=3, d_model=48, heads=4, vocab=97, context=64)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--package`, which selects the entries to test."""
    parser.addoption(
        "--package",
        action="append",
        default=[],
        help="Test only the entries that this outside package adds. Repeatable.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Register the marks of the contract's tests, wherever they run."""
    config.addinivalue_line("markers", "thorough: takes minutes")


def chosen(config: pytest.Config, entries: list[type[E]]) -> list[type[E]]:
    """The entries of the packages that `--package` names; all entries without it."""
    asked = config.getoption("--package")
    if not asked:
        return entries
    modules = _modules_of(frozenset(asked))
    return [one for one in entries if one.__module__.partition(".")[0] in modules]


@cache
def _modules_of(packages: frozenset[str]) -> frozenset[str]:
    """Top-level modules. Reading what is installed takes a while."""
    found = (one.modules for one in outside_packages() if one.name in packages)
    return frozenset(module for modules in found for module in modules)


def registries() -> list[Registry[Entry]]:
    """The registries of all rooms."""
    return [import_module(f"harness.{room}").registry for room in ROOMS]


def choice_of(entry: Entry) -> Choice:
    """A cell's choice of the entry with its options."""
    return Choice(entry.name, entry.options.canonical())


def example_of(kind: type[E]) -> E:
    """The entry with default options; an option without a default gets its example or least value."""
    fields = kind.Options.model_fields
    required = {name: _least(field) for name, field in fields.items() if field.is_required()}
    return kind(kind.Options(**required))


def _least(field: FieldInfo) -> Any:
    if field.examples:
        return field.examples[0]
    for bound in field.metadata:
        if isinstance(bound, Ge):
            return bound.ge
        if isinstance(bound, Gt):
            return bound.gt + 1  # type: ignore[operator]  # bounds are on numbers only
    choices = get_args(field.annotation)
    assert choices, f"no example for {field}: give it a lower bound or a Literal"
    return choices[0]


@pytest.fixture
def example() -> Callable[[type[Entry]], Entry]:
    """A function that makes an entry to test."""
    return example_of


class CountingTimer:
    """A timer whose marks are one second apart."""

    resolution = 1e-9

    def __init__(self) -> None:
        self.marks = 0

    def mark(self) -> int:
        """The number of marks so far."""
        self.marks += 1
        return self.marks

    def seconds(self, start: object, end: object) -> float:
        """The number of marks from start to end."""
        assert isinstance(start, int)
        assert isinstance(end, int)
        return float(end - start)


@pytest.fixture
def counting() -> Callable[[], Timer]:
    """A function that makes a new CountingTimer."""
    return CountingTimer


@pytest.fixture
def host() -> Host:
    """A machine with four cores and no accelerator."""
    return Host(
        cpu="Example 9000",
        architecture="x86_64",
        physical_cores=4,
        logical_cores=4,
        isa=("avx2", "avx512f"),
        memory_bytes=16 * 2**30,
        system="Linux",
    )


@pytest.fixture
def make_cell() -> Callable[..., Cell]:
    """A function that makes a cell: a prefill of nano on the CPU in fp32, with any changes."""

    def made(**changes: Any) -> Cell:
        plain: dict[str, Any] = {
            "model": Choice("shape", (("d_model", 64), ("heads", 2), ("layers", 2))),
            "hardware": Choice("local"),
            "scenario": Choice("prefill"),
            "parallelism": (),
            "compression": (),
            "operator": Choice("sdpa"),
            "precision": Choice("fp32"),
            "backend": Choice("eager"),
            "workload": (("batch", 1), ("prompt", 8)),
        }
        return Cell(**{**plain, **changes})

    return made


@pytest.fixture
def uncompiled() -> Iterator[None]:
    """Code that is otherwise compiled runs operation by operation, which needs no compiler."""
    import torch

    with torch.compiler.set_stance("force_eager"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "flex_attention called without torch.compile")
        yield


@pytest.fixture
def countable(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All attention runs as plain matrix products, which torch's FLOP counter sees.

    The counter does not see into the fused CPU kernel or flex_attention.
    """
    from torch.nn.attention import SDPBackend, sdpa_kernel

    from harness.model.attention import fused_attention
    from harness.operators.flex import attend

    def plain(*qkv: torch.Tensor, block_mask: Any) -> torch.Tensor:
        return fused_attention(*qkv)

    monkeypatch.setattr(attend, "_compiled", lambda: plain)
    with sdpa_kernel(SDPBackend.MATH):
        yield
