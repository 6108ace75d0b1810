"""Which rows of a matrix go to which rank."""

from __future__ import annotations

from harness.parallelism.tensor.matrices import by_rank


def test_each_rank_has_the_rows_of_its_heads() -> None:
    """Queries, keys and values of a share of the heads, in that order."""
    assert by_rank([4, 2, 2], 2).tolist() == [0, 1, 4, 6, 2, 3, 5, 7]
