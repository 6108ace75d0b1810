"""What is said about ceilings survives the way."""

import pytest

from harness.ceilings.messages import Answer, Found, Missing, Order, decode
from harness.domain.ceiling import Ceiling, CeilingKind
from harness.domain.cell import Choice


def test_an_order_survives_the_way() -> None:
    order = Order(Choice("cpu", (("threads", 2),)), ("gemm_fp32", "memory_read"), 0.5)
    assert Order.decode(order.encode()) == order


@pytest.mark.parametrize(
    "answer",
    [
        Found(
            Ceiling("gemm_fp32", 3.2e11, "FLOP/s", CeilingKind.MEASURED, "torch.matmul\nµ", 0.25),
            (("torch.matmul, 512", 3.2e11), ("torch linear, 512", 3.1e11)),
        ),
        Missing("gemm_fp8", "no such unit: \n«fp8»"),
    ],
)
def test_an_answer_survives_the_way_as_one_line(answer: Answer) -> None:
    line = answer.encode()
    assert line.count(b"\n") == 1
    assert decode(line) == answer


def test_a_line_that_was_cut_short_is_refused() -> None:
    with pytest.raises(ValueError, match=r"Unterminated|Expecting"):
        decode(Missing("gemm_fp8", "because").encode()[:-6])
