"""Random weights in a file give the model that drawing them gives."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from harness.model.build import build
from harness.model.drawn import copied, keep
from harness.model.sizes import SIZES
from harness.operators import registry as operators
from harness.operators.sdpa import Sdpa

NANO = SIZES["nano"].shape
CPU = torch.device("cpu")


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
@pytest.mark.parametrize("tied", [True, False])
def test_copied_weights_are_those_drawn_to_the_bit(
    tmp_path: Path, dtype: torch.dtype, tied: bool
) -> None:
    shape = NANO.model_copy(update={"tied": tied})
    keep(build(shape, Sdpa().mixer, device=CPU, seed=3), tmp_path / "w")
    drawn = build(shape, Sdpa().mixer, device=CPU, dtype=dtype, seed=3)
    again = copied(tmp_path / "w", shape, Sdpa().mixer, device=CPU, dtype=dtype)
    assert (again.head.weight is again.wte.weight) is tied
    assert not again.training
    assert again.state_dict().keys() == drawn.state_dict().keys()
    for name, tensor in drawn.state_dict().items():
        assert again.state_dict()[name].dtype == tensor.dtype
        assert torch.equal(again.state_dict()[name], tensor), name


@pytest.mark.parametrize("name", sorted(operators))
def test_every_operators_weights_are_in_the_file(tmp_path: Path, name: str) -> None:
    """Parameters that its constructor makes, too."""
    if name == "pattern":
        pytest.skip("it has no weights of its own")
    operator = operators[name]()
    drawn = build(NANO, operator.mixer, device=CPU)
    keep(drawn, tmp_path / "w")
    again = copied(tmp_path / "w", NANO, operator.mixer, device=CPU)
    for one, other in zip(drawn.parameters(), again.parameters(), strict=True):
        assert torch.equal(one, other)


def test_the_file_shares_no_memory_with_the_model(tmp_path: Path) -> None:
    """Training changes the model, and no file under another round."""
    keep(build(NANO, Sdpa().mixer, device=CPU), tmp_path / "w")
    before = (tmp_path / "w").read_bytes()
    model = copied(tmp_path / "w", NANO, Sdpa().mixer, device=CPU)
    with torch.no_grad():
        model.wte.weight.add_(1)
    assert (tmp_path / "w").read_bytes() == before
