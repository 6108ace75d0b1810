"""What holds of the harness's own compressions, beside the contract (harness/contract)."""

from __future__ import annotations

import re
import sys
from collections.abc import Callable

import pytest
import torch

from harness import compression
from harness.compression import Compression
from harness.domain.cell import Cell, Choice
from harness.domain.run import Host
from harness.errors import Unsupported
from harness.model.build import build
from harness.model.sizes import SIZES
from harness.operators.sdpa import Sdpa
from harness.quality.text import RandomText

ENTRIES = compression.registry.entries()


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda one: one.name)
def test_a_plain_cpu_cell_is_supported_or_told_why_not(
    entry: type[Compression], make_cell: Callable[..., Cell], host: Host
) -> None:
    told = {
        "fp8": "needs a GPU",
        "distill": "random weights know nothing",
        "recover": "random weights know nothing",
        "tie": "a separate head",
    }
    choice = Choice(entry.name)
    reason = entry().unsupported(make_cell(model=_decoder(), compression=(choice,)), host)
    assert (reason is None) == (entry.name not in told)
    assert told.get(entry.name, "") in (reason or "")


def _decoder() -> Choice:
    return Choice("decoder", (("d_model", 64), ("heads", 2), ("layers", 2)))


NANO = SIZES["nano"].shape


def test_fp8_refuses_a_device_without_units_for_it() -> None:
    dense = build(NANO, Sdpa().mixer, device=torch.device("cpu"))
    with pytest.raises(Unsupported, match=r"compute capability 8\.9"):
        compression.registry["fp8"]().apply(dense, RandomText(NANO.vocab))


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda one: one.name)
def test_what_it_keeps_and_its_source_are_told(entry: type[Compression]) -> None:
    """In the file's own words: newcomers look there first."""
    told = sys.modules[entry.__module__].__doc__ or ""
    assert told.startswith(f"{entry.name}: ")
    assert re.search(r"arXiv \d{4}\.\d{4,5}", told)


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda one: one.name)
def test_what_does_not_run_in_bfloat16_names_what_it_runs_in(
    entry: type[Compression], make_cell: Callable[..., Cell], host: Host
) -> None:
    """Half precision is refused for this reason alone."""
    model = Choice("decoder", (*_decoder().options, ("tied", False), ("weights", "w")))
    cells = [
        make_cell(model=model, compression=(Choice(entry.name),), precision=Choice(one))
        for one in ("fp32", "bf16")
    ]
    full, half = (entry().unsupported(cell, host) for cell in cells)
    assert half == full or "fp32 activations, not bf16" in (half or "")
