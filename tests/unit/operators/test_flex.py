"""flex_attention as it is used: compiled. Elsewhere tests compute it uncompiled."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import torch
from torch._inductor.exc import InductorError
from torch.utils.flop_counter import flop_registry

from harness.domain.cell import Cell, Choice
from harness.domain.run import Host
from harness.errors import Unsupported
from harness.model.build import build
from harness.model.shape import Shape
from harness.model.transformer import Transformer
from harness.operators.flex import Flex, attend
from harness.operators.math import Math

CPU = torch.device("cpu")
SHAPE = Shape(layers=1, d_model=32, heads=2, vocab=31, context=200)
PROMPT = 140  # more than a block of queries
TOKENS = torch.randint(SHAPE.vocab, (1, PROMPT + 3), generator=torch.Generator().manual_seed(0))


def decoded(model: Transformer) -> torch.Tensor:
    """Logits of a prompt and of three steps after it."""
    state = model.new_state(1, SHAPE.context)
    pieces = TOKENS.split([PROMPT, 1, 1, 1], dim=1)
    with torch.inference_mode():
        return torch.cat([model(piece, state=state) for piece in pieces], dim=1)


@pytest.fixture(scope="module")
def model() -> Iterator[Transformer]:
    """Compiled by its first pass, which takes some twenty seconds where nothing is cached."""
    made = build(SHAPE, Flex().mixer, device=CPU)
    decoded(made)
    yield made
    torch._dynamo.reset()


def test_the_compiled_kernel_is_full_attention(model: Transformer) -> None:
    full = build(SHAPE, Math().mixer, device=CPU)
    full.load_state_dict(model.state_dict())
    torch.testing.assert_close(decoded(model), decoded(full), atol=1e-4, rtol=1e-4)


def test_only_the_first_pass_compiles(model: Transformer) -> None:
    """Which is a round's first sample, or what is read before its clock runs: never counted."""
    with torch.compiler.set_stance("fail_on_recompile"):
        decoded(model)


@pytest.mark.parametrize(("new", "total"), [(5, 5), (128, 128), (300, 300), (9, 300), (200, 456)])
def test_a_block_is_skipped_only_where_no_query_sees_it(new: int, total: int) -> None:
    """The closed form against torch's own mask, written out."""
    mask, past = attend._causal(new, total, CPU), total - new
    rows, columns = torch.arange(-(-new // 128) * 128), torch.arange(-(-total // 128) * 128)
    sees = (rows.unsqueeze(-1) + past >= columns) & (columns < total)
    blocks = sees[:new].float()
    blocks = torch.nn.functional.pad(blocks, (0, 0, 0, len(rows) - new))
    seen = blocks.unflatten(1, (-1, 128)).unflatten(0, (-1, 128)).amax(dim=(1, 3)) > 0
    assert torch.equal(mask.to_dense()[0, 0].bool(), seen)


def test_where_torch_cannot_compile_the_cell_is_unsupported(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """With torch's reason, in one line."""

    def failing(*_: torch.Tensor, block_mask: object) -> torch.Tensor:
        raise InductorError(RuntimeError("no C++ compiler\nand more"), None)

    monkeypatch.setattr(attend, "_compiled", lambda: failing)
    with pytest.raises(Unsupported, match=r"cannot compile flex_attention here: .*no C\+\+ comp"):
        build(SHAPE, Flex().mixer, device=CPU)(TOKENS)


def test_it_cannot_be_trained_on_a_processor(make_cell: Callable[..., Cell], host: Host) -> None:
    """torch has no backward pass there."""
    on_cpu, on_gpu = make_cell(), make_cell(hardware=Choice("cuda"))
    assert "no backward pass" in (Flex().untrainable(on_cpu, host) or "")
    assert Flex().untrainable(on_gpu, host) is None


def test_its_pairs_count_as_torchs_counter_counts_them() -> None:
    """Which cannot be run over it on a processor, but knows its formula."""
    count = flop_registry.get(torch.ops.higher_order.flex_attention)
    if count is None:
        pytest.skip("torch before 2.12 knows no formula of it")
    query, key = torch.empty(2, 2, 9, 16), torch.empty(2, 2, 30, 16)
    projections = 2 * 9 * 8 * SHAPE.d_model**2
    assert Flex().flops(SHAPE, 0, 2, 9, 21) == projections + count(query, key, key)
