"""The named sizes against the paper's table."""

from __future__ import annotations

import pytest

from harness.model import cost
from harness.model.shape import Shape
from harness.model.sizes import SIZES, size_name
from harness.operators.sdpa import Sdpa

# Brown et al. 2020 (arXiv 2005.14165), Table 2.1, as printed: name, parameters, layers, d_model,
# heads, d_head.
PRINTED = [
    ("gpt3-small", 125e6, 12, 768, 12, 64),
    ("gpt3-medium", 350e6, 24, 1024, 16, 64),
    ("gpt3-large", 760e6, 24, 1536, 16, 96),
    ("gpt3-xl", 1.3e9, 24, 2048, 24, 128),
    ("gpt3-2.7b", 2.7e9, 32, 2560, 32, 80),
    ("gpt3-6.7b", 6.7e9, 32, 4096, 32, 128),
    ("gpt3-13b", 13.0e9, 40, 5140, 40, 128),
    ("gpt3-175b", 175.0e9, 96, 12288, 96, 128),
]
# Two rows do not multiply out; what a runnable model of that size uses.
CORRECTED = {"gpt3-xl": {"heads": 16}, "gpt3-13b": {"d_model": 5120}}


def test_all_eight_sizes_of_the_paper_are_there() -> None:
    assert [row[0] for row in PRINTED] == [name for name in SIZES if name.startswith("gpt3-")]


@pytest.mark.parametrize(("name", "_", "layers", "d_model", "heads", "d_head"), PRINTED)
def test_a_size_has_the_papers_dimensions(
    name: str, _: float, layers: int, d_model: int, heads: int, d_head: int
) -> None:
    """But for the two rows whose heads x d_head is not d_model."""
    printed = {"layers": layers, "d_model": d_model, "heads": heads}
    assert SIZES[name].shape == Shape(**{**printed, **CORRECTED.get(name, {})})
    assert SIZES[name].shape.d_head == d_head


def test_only_rows_that_do_not_multiply_out_are_corrected() -> None:
    wrong = [name for name, _, _, d_model, heads, d_head in PRINTED if heads * d_head != d_model]
    assert sorted(CORRECTED) == sorted(wrong)


@pytest.mark.parametrize(("name", "printed"), [row[:2] for row in PRINTED])
def test_a_sizes_parameters_are_near_the_printed_number(name: str, printed: float) -> None:
    """The paper rounds, to as little as one digit and a half."""
    assert cost.parameters(SIZES[name].shape, Sdpa()) == pytest.approx(printed, rel=0.025)


def test_a_size_has_gpt2s_vocabulary_and_the_papers_context() -> None:
    shapes = [SIZES[name].shape for name, *_ in PRINTED]
    assert {(50257, 2048)} == {(shape.vocab, shape.context) for shape in shapes}


@pytest.mark.parametrize("name", SIZES)
def test_a_shape_is_known_by_its_name(name: str) -> None:
    assert size_name(SIZES[name].shape.model_copy()) == name


def test_a_shape_of_ones_own_has_no_name() -> None:
    assert size_name(Shape(layers=7, d_model=64, heads=2)) == ""
