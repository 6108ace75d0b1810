"""What a strategy cannot do with a cell, refused before anything runs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.domain.cell import Cell, Choice
from harness.domain.run import Host
from harness.parallelism import registry

SMALL = (("d_model", 64), ("heads", 2), ("layers", 2))
# Of 2 layers, width 64 and 2 heads; 8 tokens.
CASES: list[tuple[str, dict[str, Any], dict[str, Any], str]] = [
    ("tensor", {"degree": 4}, {}, "tensor 4 does not divide the model's 2 heads"),
    (
        "tensor",
        {"degree": 2, "sequence": True},
        {"workload": (("batch", 1), ("prompt", 7))},
        "sequence: true cuts a prompt into 2 equal pieces: 2 does not divide 7",
    ),
    (
        "context",
        {"degree": 3},
        {},
        "context 3 cuts a prompt into 6 equal chunks: 6 does not divide 8",
    ),
    (
        "context",
        {"degree": 2},
        {"operator": Choice("math")},
        "context takes exact attention only (gqa, mqa, sdpa), not math",
    ),
    (
        "context",
        {"degree": 2},
        {"hardware": Choice("cuda")},
        "context runs on CPU only: its ring uses torch's attention kernel for CPU",
    ),
    (
        "pipeline",
        {"degree": 4},
        {},
        "1f1b over 4 processes has 4 stages; the model has 2 layers",
    ),
    (
        "pipeline",
        {"degree": 2, "schedule": "interleaved"},
        {},
        "interleaved over 2 processes has 4 stages; the model has 2 layers",
    ),
    (
        "pipeline",
        {"degree": 2, "microbatches": 1},
        {},
        "2 processes take at least as many microbatches, not 1",
    ),
    (
        "pipeline",
        {"degree": 2},
        {"parallelism": (Choice("accumulate", (("times", 2),)),)},
        "a pipeline accumulates over its microbatches: leave out accumulate",
    ),
    (
        "pipeline",
        {"degree": 1, "schedule": "zero-bubble"},
        {"parallelism": (Choice("recompute", (("mode", "full"),)),)},
        "zero-bubble has two backward passes, and recomputation serves only one",
    ),
    (
        "shard",
        {"degree": 2},
        {"compression": (Choice("magnitude"),)},
        "shard takes dense models only; magnitude compresses this one",
    ),
    (
        "shard",
        {"degree": 2},
        {"model": Choice("encoder", SMALL)},
        "shard takes decoders only, not encoder",
    ),
]


@pytest.mark.parametrize(("name", "options", "changes", "reason"), CASES)
def test_what_it_cannot_do_is_refused(
    make_cell: Callable[..., Cell],
    host: Host,
    name: str,
    options: dict[str, Any],
    changes: dict[str, Any],
    reason: str,
) -> None:
    entry, decoder = registry[name], Choice("decoder", SMALL)
    cell = make_cell(**{"model": decoder, **changes})
    assert entry(entry.Options(**options)).unsupported(cell, host) == reason
