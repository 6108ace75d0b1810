"""Bytes that one rank's iterations move, and what its decode states take."""

from __future__ import annotations

from harness import operators
from harness.domain.cell import Cell
from harness.model import cost
from harness.model.measure import weights_of
from harness.scenarios import Scenario, Subject


def traffic(cell: Cell, scenario: Scenario, subject: Subject) -> dict[str, float]:
    """`bytes_moved` in one iteration, and `state_bytes` where it keeps a state.

    Told once the states are made. Weights count as the model holds them now, compressed or
    split; so do the numbers of the states.
    """
    shape = subject.core.shape
    operator = operators.registry[cell.operator.name].of(cell.operator)
    works = scenario.work({**cell.load, "batch": subject.batch})
    held = sum(state.bytes() for state in subject.states)
    # What the same states would take uncompressed: the rest is the format's doing.
    number = subject.dtype.itemsize
    plain = sum(
        cost.state_bytes(shape, operator, subject.batch, state.capacity, number, state.further)
        for state in subject.states
    )
    element = number * held / plain if plain else 0.0
    moved = cost.bytes_moved(shape, operator, works, weights_of(subject.core), element)
    facts = {"bytes_moved": moved, "state_bytes": float(held) if subject.states else None}
    return {name: value for name, value in facts.items() if value is not None}
