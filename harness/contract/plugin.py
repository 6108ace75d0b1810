"""The pytest plugin of the contract: whose entries are tested, and what the tests share."""

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
from harness.registry import ROOMS, Registry, outside_packages

if TYPE_CHECKING:
    import torch
    from pydantic.fields import FieldInfo

    from harness.timer import Timer

E = TypeVar("E", bound=Entry)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Whose entries."""
    parser.addoption(
        "--package",
        action="append",
        default=[],
        help="Test only the entries that this outside package adds. Repeatable.",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Marks that the contract's own tests bear, wherever they are run."""
    config.addinivalue_line("markers", "thorough: takes minutes")


def chosen(config: pytest.Config, entries: list[type[E]]) -> list[type[E]]:
    """Those of the packages that were asked for; all, if none was."""
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
    """Of all rooms."""
    return [import_module(f"harness.{room}").registry for room in ROOMS]


def choice_of(entry: Entry) -> Choice:
    """How a cell names the entry with its options."""
    return Choice(entry.name, entry.options.canonical())


def example_of(kind: type[E]) -> E:
    """By its defaults; an option without one is its example, or the least allowed."""
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
            return bound.gt + 1  # type: ignore[operator]  # numbers are all that bounds are on
    choices = get_args(field.annotation)
    assert choices, f"no example for {field}: give it a lower bound or a Literal"
    return choices[0]


@pytest.fixture
def example() -> Callable[[type[Entry]], Entry]:
    """Make an entry to test with."""
    return example_of


class CountingClock:
    """Each mark is a second after the one before."""

    resolution = 1e-9

    def __init__(self) -> None:
        self.marks = 0

    def mark(self) -> int:
        """How many there were."""
        self.marks += 1
        return self.marks

    def seconds(self, start: object, end: object) -> float:
        """How many lie between."""
        assert isinstance(start, int)
        assert isinstance(end, int)
        return float(end - start)


@pytest.fixture
def counting() -> Callable[[], Timer]:
    """Make a clock that starts anew."""
    return CountingClock


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
    """A prefill of nano on the CPU, in plain fp32, but for what is named."""

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
    """What is compiled in use is computed operation by operation, which asks for no compiler."""
    import torch

    with torch.compiler.set_stance("force_eager"), warnings.catch_warnings():
        warnings.filterwarnings("ignore", "flex_attention called without torch.compile")
        yield


@pytest.fixture
def countable(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """All attention is done by plain matrix products, all of which torch's counter sees.

    It looks neither into the fused kernel for processors nor into flex_attention.
    """
    from torch.nn.attention import SDPBackend, sdpa_kernel

    from harness.model.attention import fused_attention
    from harness.operators.flex import attend

    def plain(*qkv: torch.Tensor, block_mask: Any) -> torch.Tensor:
        return fused_attention(*qkv)

    monkeypatch.setattr(attend, "_compiled", lambda: plain)
    with sdpa_kernel(SDPBackend.MATH):
        yield
