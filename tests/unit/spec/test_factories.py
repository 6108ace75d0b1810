"""A factory's slips show when the spec is read, without importing the user's code."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from harness.domain.cell import Cell
from harness.errors import SpecError
from harness.spec.load import load
from harness.spec.spec import Spec

Load = Callable[..., list[Spec]]

MODULE = """\
import torch
raise RuntimeError("this module must not be imported to read a spec")

def tiny(*, vocab: int, context: int, width: int = 8):
    ...

def needy(vocab, context, depth):
    ...

def free(**options):
    ...

@torch.compile
def wrapped():
    ...

alias = tiny
if torch:
    conditional = tiny
class Net:
    ...
"""


@pytest.fixture
def read_model(load_here: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """The cells of a spec with this model; `zoo` and `zoo.inner` can be found."""
    package = tmp_path / "lib" / "zoo"
    package.mkdir(parents=True)
    (package / "__init__.py").write_text(MODULE)
    (package / "inner.py").write_text(MODULE)
    (package / "hidden.py").write_text("from zoo.inner import *\n")
    (package / "broken.py").write_text("def (\n")
    monkeypatch.syspath_prepend(tmp_path / "lib")

    def made(model: str) -> tuple[Cell, ...]:
        text = f"matrix:\n  model: {{{model}}}\n  scenario: prefill\nworkload: {{prompt: 8}}\n"
        (spec,) = load_here({"s.yaml": text}, "s.yaml")
        return spec.cells

    yield made
    assert "zoo" not in sys.modules


@pytest.mark.parametrize(
    "reference",
    [
        *("zoo:tiny", "zoo.inner:tiny", "zoo:free", "zoo:wrapped", "zoo:alias"),
        *("zoo:conditional", "zoo:Net", "zoo.hidden:anything", "zoo.broken:anything"),
    ],
)
def test_what_may_be_callable_is_taken(read_model: Any, reference: str) -> None:
    """What the source alone does not tell is left to the round."""
    (cell,) = read_model(f'factory: "{reference}", vocab: 64')
    assert cell.factory == reference


@pytest.mark.parametrize(
    ("model", "fault"),
    [
        ('factory: "zo:tiny"', "there is no module zo here"),
        ('factory: "zoo.outer:tiny"', "there is no module zoo.outer here"),
        ('factory: "zoo:tny"', "zoo: unknown function 'tny'; did you mean 'tiny'?"),
        ('factory: "zoo:tiny", widht: 3', "zoo:tiny: unknown option 'widht'; did you mean 'width'"),
        ('factory: "zoo:needy"', "zoo:needy: the option 'depth' is missing"),
        ('factory: "zoo"', "factory should be 'package.module:function', found 'zoo'"),
        ('factory: "zoo:tiny", width: {a: 1}', "should be a number, a text, true or false"),
        ('factory: "zoo:tiny", vocab: 1', "vocab should be greater than or equal to 2"),
        ('factory: "zoo:tiny", context: 4', "needs a context of 8 tokens"),
        ('factory: "zoo:tiny", tokenizer: bytes', "a tokenizer needs a corpus: name a corpus too"),
    ],
)
def test_a_slip_is_a_fault_at_its_place(read_model: Any, model: str, fault: str) -> None:
    with pytest.raises(SpecError) as caught:
        read_model(model)
    (line,) = str(caught.value).splitlines()
    assert line.startswith("s.yaml:")
    assert fault in line


def test_lists_multiply_and_options_are_the_cells_identity(read_model: Any) -> None:
    one, two = read_model('factory: "zoo:tiny", vocab: 64, width: [8, 16]')
    assert one.id != two.id
    assert str(one.model) == "zoo:tiny(vocab=64, width=8)"
    assert one.labels["operator"] == "own"
    assert Cell.from_json(one.to_json()) == one


def test_a_default_written_out_is_the_same_cell(read_model: Any) -> None:
    (bare,) = read_model('factory: "zoo:tiny"')
    (written,) = read_model('factory: "zoo:tiny", vocab: 50257, context: 2048')
    assert bare.id == written.id


def test_the_specs_corpus_judges_a_factorys_model(
    load_here: Load, read_model: Any, tmp_path: Path
) -> None:
    """Whether its weights are random nobody knows here."""
    text = (
        'matrix: {model: {factory: "zoo:tiny", vocab: 256}, scenario: prefill}\n'
        "workload: {prompt: 8}\nquality: {corpus: text}\n"
    )
    (spec,) = load_here({"s.yaml": text, "text": b"some text"}, "s.yaml")
    (cell,) = spec.cells
    assert cell.is_prepared
    assert dict(cell.model.options)["corpus"] in spec.weights


def test_a_path_is_the_only_way_in(tmp_path: Path) -> None:
    """The message says how to make a module importable."""
    (tmp_path / "s.yaml").write_text(
        'matrix: {model: {factory: "nowhere_at_all:f"}, scenario: prefill}\n'
    )
    with pytest.raises(
        SpecError, match="install its package, or add the folder that contains it to PYTHONPATH"
    ):
        load([tmp_path / "s.yaml"])
