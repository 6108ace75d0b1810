"""Bytes that one rank's iterations move, and what its decode states take."""

from __future__ import annotations

from harness import operators, parallelism
from harness.domain.cell import Cell
from harness.model import cost
from harness.model.cost import Weights
from harness.operators import Operator
from harness.scenarios import Scenario, Subject


def traffic(cell: Cell, scenario: Scenario, subject: Subject, weights: Weights) -> dict[str, float]:
    """`bytes_moved` in one iteration, and `state_bytes` where it keeps a state.

    Told once the states are made. `weights` are those of the whole model, as it stood before it was
    split, compressed or not. Ranks that split its matrices or layers read each its part of them;
    those that split a sequence read all, and each its part of the states.
    """
    shape = subject.core.shape
    degrees = parallelism.degrees(cell)
    operator = operators.registry.of(cell.operator)
    works = scenario.work({**cell.load, "batch": subject.batch})
    held = sum(state.bytes() for state in subject.states)
    element = _element(subject, operator, held, whole=not set(degrees) - {"data"})
    of_weights = cost.bytes_moved(shape, operator, works, weights, 0.0)
    both = cost.bytes_moved(shape, operator, works, weights, element)
    facts = {"state_bytes": float(held)} if subject.states else {}
    if both is None or of_weights is None:
        return facts
    of_states = (both - of_weights) / degrees.get("context", 1)
    parts = degrees.get("tensor", 1) * degrees.get("pipeline", 1)
    return {**facts, "bytes_moved": (of_weights + of_states) / parts}


def _element(subject: Subject, operator: Operator, held: int, *, whole: bool) -> float:
    """Bytes of a number of the states, whose format may be another than the model's."""
    number = subject.dtype.itemsize
    plain = sum(
        cost.state_bytes(
            subject.core.shape, operator, subject.batch, state.capacity, number, state.further
        )
        for state in subject.states
    )
    if not plain:
        return 0.0
    return number * held / plain if whole else float(number)
