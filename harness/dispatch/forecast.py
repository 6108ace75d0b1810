"""How far a budget reaches, before anything runs."""

from __future__ import annotations

from harness.dispatch import ceilings
from harness.dispatch.artifacts import expected_training
from harness.dispatch.budget import Budget
from harness.dispatch.campaign import first_pass
from harness.dispatch.priority import Priority
from harness.dispatch.run import Prepared
from harness.plan.expect import startup_time
from harness.plan.plan import Action, Planned


def reached(prepared: Prepared) -> tuple[Planned, ...]:
    """The cells that are expected to have a round by the end of the budget, in its order.

    Those with a round of an earlier run come first.
    """
    items = prepared.plan.of(Action.MEASURE)
    if prepared.budget is None or not items:
        return items
    begun = tuple(item for item in items if item.rounds_done)
    left, put_off = _left(prepared, prepared.budget)
    fresh = [item for item in items if not item.rounds_done and item.cell.model not in put_off]
    found: list[Planned] = []
    priority = Priority(Budget(left, lambda: 0.0), prepared.latest)
    nothing: dict[str, tuple[()]] = {item.key: () for item in fresh}
    for item in first_pass(fresh, priority):
        left -= priority.seconds(item, nothing)
        if left < 0:
            break
        found.append(item)
    return (*begun, *found)


def _left(prepared: Prepared, budget: Budget) -> tuple[float, set[object]]:
    """The seconds left for rounds, and the models that there is no time to train."""
    first, _ = ceilings.around(prepared.ceilings, budget)
    left = budget.seconds - startup_time().middle - ceilings.expected_time(first)
    put_off: set[object] = set()
    for model, recipe in prepared.trainings.items():
        seconds = expected_training(recipe).middle
        if Budget(left, lambda: 0.0).fits_training(seconds):
            left -= seconds
        else:
            put_off.add(model)
    return left, put_off
