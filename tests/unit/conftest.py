"""What the rooms' tests share: examples of entries and cells, and a plain host."""

from __future__ import annotations

import sys
import warnings
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any, get_args

import pytest
from annotated_types import Ge, Gt
from hypothesis import settings

from harness.domain.cell import Cell, Choice
from harness.domain.entry import Entry
from harness.domain.run import Host

if TYPE_CHECKING:
    import torch
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
    """An entry by its defaults; an option without one is its example, or the least allowed."""

    def made(kind: type[Entry]) -> Entry:
        fields = kind.Options.model_fields
        required = {name: _least(field) for name, field in fields.items() if field.is_required()}
        return kind(kind.Options(**required))

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
    from harness.model.mixers import flex

    def plain(*qkv: torch.Tensor, block_mask: Any) -> torch.Tensor:
        return fused_attention(*qkv)

    monkeypatch.setattr(flex, "_compiled", lambda: plain)
    with sdpa_kernel(SDPBackend.MATH):
        yield


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
