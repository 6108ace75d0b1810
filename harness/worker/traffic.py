"""Bytes that one rank's iterations move, and what its decode state takes."""

from __future__ import annotations

from harness import operators, parallelism
from harness.domain.cell import Cell
from harness.domain.precision import PRECISIONS
from harness.model import cost
from harness.model.architectures import dimensions_of
from harness.model.cost import Weights
from harness.scenarios import Scenario
from harness.session import Session


def traffic(cell: Cell, scenario: Scenario, session: Session, weights: Weights) -> dict[str, float]:
    """`bytes_moved` in one iteration, and `state_bytes` if the session tells.

    To be called once the state is made. `weights` are those of the whole model, as it stood before
    it was split, compressed or not. Ranks that split its matrices or layers each read their part of
    them; ranks that split a sequence read all of them, and each its part of the state.
    """
    works = scenario.work({**cell.load, "batch": session.batch})
    held = session.state_bytes()
    facts = {} if held is None else {"state_bytes": held}
    if cell.factory:
        read = cost.weights_read(weights, works)
        return facts if read is None else {**facts, "bytes_moved": read}
    shape = dimensions_of(cell.model)
    degrees = parallelism.degrees(cell)
    operator = operators.registry.of(cell.operator)
    element = _element(cell, session, whole=not set(degrees) - {"data"})
    of_weights = cost.bytes_moved(shape, operator, works, weights, 0.0)
    both = cost.bytes_moved(shape, operator, works, weights, element)
    if both is None or of_weights is None:
        return facts
    of_states = (both - of_weights) / degrees.get("context", 1)
    parts = degrees.get("tensor", 1) * degrees.get("pipeline", 1)
    return {**facts, "bytes_moved": (of_weights + of_states) / parts}


def _element(cell: Cell, session: Session, *, whole: bool) -> float:
    """Bytes of a number of the state, whose format may differ from the model's."""
    number = PRECISIONS[cell.precision.name].bytes
    plain = cost.state_bytes(
        dimensions_of(cell.model),
        operators.registry.of(cell.operator),
        session.batch,
        session.capacity,
        number,
        session.further,
    )
    held = session.state_bytes()
    if not plain or held is None or not whole:
        return number if plain else 0.0
    return number * held / plain
