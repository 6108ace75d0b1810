"""What an all-reduce moves."""

from harness.ceilings.collective import bus_bytes


def test_an_all_reduce_moves_two_times_all_parts_but_ones_own() -> None:
    """Each part of the tensor is sent to be summed, and comes back: 2 (n - 1) / n of it."""
    assert [bus_bytes(1000, processes) for processes in (2, 4, 8)] == [1000, 1500, 1750]
