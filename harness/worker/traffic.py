"""Bytes that an iteration moves on one rank, and bytes of the rank's decode state."""

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
    """`bytes_moved` in an iteration, and `state_bytes` if the session reports it.

    Call it once the session has its decode state. `weights` are the whole model's before the
    split, compressed or not. Ranks of a tensor or pipeline split each read a part of the weights
    and the state. Ranks of a context split read all of the weights and a part of the state.
    """
    works = scenario.work({**cell.load, "batch": session.batch})
    allocated = session.state_bytes()
    facts = {} if allocated is None else {"state_bytes": allocated}
    if cell.factory:
        read = cost.weights_read(weights, works)
        return facts if read is None else {**facts, "bytes_moved": read}
    shape = dimensions_of(cell.model)
    degrees = parallelism.degrees(cell)
    operator = operators.registry.of(cell.operator)
    element = _element_bytes(cell, session, holds_all=not set(degrees) - {"data"})
    without_state = cost.bytes_moved(shape, operator, works, weights, 0.0)
    total = cost.bytes_moved(shape, operator, works, weights, element)
    if total is None or without_state is None:
        return facts
    state = (total - without_state) / degrees.get("context", 1)
    parts = degrees.get("tensor", 1) * degrees.get("pipeline", 1)
    return {**facts, "bytes_moved": (without_state + state) / parts}


def _element_bytes(cell: Cell, session: Session, *, holds_all: bool) -> float:
    """Bytes of one element of the decode state, whose format may differ from the model's.

    `holds_all` is true if this rank holds the state of all layers, heads and positions.
    """
    element = PRECISIONS[cell.precision.name].bytes
    in_model_format = cost.state_bytes(
        dimensions_of(cell.model),
        operators.registry.of(cell.operator),
        session.batch,
        session.capacity,
        element,
        session.further,
    )
    allocated = session.state_bytes()
    if not in_model_format:
        return 0.0
    if allocated is None or not holds_all:
        return element
    return element * allocated / in_model_format
