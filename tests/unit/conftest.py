"""What the rooms' tests share: examples of entries and cells, and a plain host."""

from __future__ import annotations

import sys
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, get_args

import pytest
from annotated_types import Ge, Gt
from hypothesis import settings

from harness.domain.cell import Cell, Choice
from harness.domain.entry import Entry
from harness.domain.run import Host

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo


# How long an example takes tells of the machine, and of what it does beside.
settings.register_profile("untimed", deadline=None)
settings.load_profile("untimed")


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    """Models here are so small that threads would do nothing but wait for each other."""
    if "torch" in sys.modules:  # collected tests have imported it by now, if any needs it
        import torch

        torch.set_num_threads(1)


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
def example() -> Callable[[type[Entry]], Entry]:
    """An entry by its defaults, with the least value allowed for each option that has none."""

    def made(kind: type[Entry]) -> Entry:
        fields = kind.Options.model_fields
        required = {name: _least(field) for name, field in fields.items() if field.is_required()}
        return kind(kind.Options(**required))

    return made


def _least(field: FieldInfo) -> Any:
    for bound in field.metadata:
        if isinstance(bound, Ge):
            return bound.ge
        if isinstance(bound, Gt):
            return bound.gt + 1  # type: ignore[operator]  # numbers are all that bounds are on
    choices = get_args(field.annotation)
    assert choices, f"no example for {field}: give it a lower bound or a Literal"
    return choices[0]
