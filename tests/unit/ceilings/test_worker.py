"""What is measured together, and measured again where other work was in the way."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.ceilings import worker
from harness.ceilings.messages import Found, Missing
from harness.ceilings.worker import _answers, _groups, _Measured

if TYPE_CHECKING:
    import pytest


def test_the_sizes_of_the_curve_are_measured_in_one_go() -> None:
    names = ["gemm_fp32", "memory_read", "memory_read@1MiB", "memory_read@2MiB", "memory_copy"]
    assert list(_groups(names)) == [
        ["gemm_fp32"],
        ["memory_read"],
        ["memory_read@1MiB", "memory_read@2MiB"],
        ["memory_copy"],
    ]


def test_where_other_work_was_in_the_way_all_are_measured_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Each keeps its best figure, and the least that others took."""
    others = iter([0.5, 0.0])
    monkeypatch.setattr(worker, "_others", lambda *_: next(others))
    values = iter([1.0, 8.0, 2.0, 4.0])
    found = list(_answers(["a", "b"], lambda _: _Measured(next(values), "so"), 60.0))
    assert [one.ceiling.value for one in found if isinstance(one, Found)] == [2.0, 8.0]
    assert [one.ceiling.others for one in found if isinstance(one, Found)] == [0.0, 0.0]


def test_what_had_its_processors_to_itself_is_good_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_others", lambda *_: 0.9)
    tries = []

    def measure(name: str) -> _Measured:
        tries.append(name)
        return _Measured(1.0, "so", had_processors=True)

    assert len(list(_answers(["a", "b"], measure, 60.0))) == 2
    assert tries == ["a", "b"]


def test_what_cannot_be_measured_is_told_with_its_reason() -> None:
    def measure(name: str) -> _Measured:
        raise MemoryError("no room\nat all")

    assert list(_answers(["a", "b"], measure, 1.0)) == [
        Missing("a", "MemoryError: no room"),
        Missing("b", "MemoryError: no room"),
    ]
