"""Reports the progress of a run: a live bar on a terminal, plain lines in a pipe."""

from __future__ import annotations

import sys
import time
from typing import TYPE_CHECKING, Any

from harness.ceilings.messages import Missing
from harness.cli.output import drawing, printable, say
from harness.cli.plan import budget_line, expected, headline, span_text
from harness.cli.words import ceiling_line, duration, duration_range, estimate_text, part_of
from harness.dispatch.campaign import CellDone, RoundDone
from harness.dispatch.ceilings import Failed
from harness.domain.naming import shared_text, short_names
from harness.domain.result import Status
from harness.plan.plan import Action

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from rich.progress import Progress, TaskID

    from harness.dispatch import ceilings
    from harness.dispatch.artifacts import Step
    from harness.dispatch.budget import Budget
    from harness.dispatch.campaign import Event
    from harness.pipeline import Prepared, Watcher
    from harness.plan.plan import Planned


def watcher(*, quiet: bool, verbose: bool) -> Watcher:
    """The watcher that reports the run to the user."""
    if quiet:
        return Quiet()
    if sys.stderr.isatty():
        return Live(verbose=verbose)
    return Lines(verbose=verbose)


class Quiet:
    """Reports only failures."""

    def begin(self, prepared: Prepared) -> None:
        """Report the failures of earlier runs that are reused."""
        for line in failed_before(prepared, {one.cell.id: str(one.cell) for one in prepared.plan}):
            say(line)

    def ceiling(self, event: ceilings.Event) -> None:
        """Report a ceiling that could not be measured."""
        if isinstance(event, (Failed, Missing)):
            say(ceiling_line(event))

    def training(self, step: Step) -> None:
        """Report nothing."""

    def preparing(self, item: Planned) -> None:
        """Report nothing."""

    def start(self, item: Planned, index: int) -> None:
        """Report nothing."""

    def event(self, event: Event) -> None:
        """Report a cell that went wrong."""
        if isinstance(event, CellDone) and event.status.went_wrong:
            say(cell_line(event, str(event.item.cell)))

    def end(self) -> None:
        """Report nothing."""


class Lines:
    """Reports a line per cell and, if `verbose`, a line per round."""

    def __init__(self, *, verbose: bool) -> None:
        self._verbose = verbose
        self._cells = self._done = 0
        self._budget: Budget | None = None
        self._names: Mapping[str, str] = {}

    def begin(self, prepared: Prepared) -> None:
        """Report what the run will do."""
        cells = [item.cell for item in prepared.plan.items]
        self._names = short_names(cells)
        self._budget = prepared.budget
        self._say(headline(prepared))
        if told := budget_line(prepared):
            self._say(told)
        if shared := shared_text(cells):
            self._say(f"all: {shared}")
        names = self._names
        lines = (
            *prepared.assumptions,
            *untried(prepared, names),
            *failed_before(prepared, names),
        )
        for line in lines:
            self._say(line)
        self._cells = prepared.plan.counts().get(Action.MEASURE, 0)

    def ceiling(self, event: ceilings.Event) -> None:
        """Report a line per event."""
        self._say(ceiling_line(event, verbose=self._verbose))

    def training(self, step: Step) -> None:
        """Report a line after each tenth of the steps."""
        if step.done == 1 or step.done * 10 // step.steps > (step.done - 1) * 10 // step.steps:
            self._say(training_line(step))

    def preparing(self, item: Planned) -> None:
        """Report a line if verbose."""
        if self._verbose:
            self._say(f"  preparing the model of {self._name(item)}")

    def start(self, item: Planned, index: int) -> None:
        """Report nothing: the round is reported when it ends."""

    def event(self, event: Event) -> None:
        """Report the end of a cell and, if verbose, of a round."""
        if isinstance(event, CellDone):
            if event.status.final:  # the closing line names the cells that were not reached
                self._done += 1
                line = cell_line(event, self._name(event.item), self._verbose)
                self._say(f"[{self._done}/{self._cells}{self._time()}] {line}")
        elif self._verbose:
            self._say(round_line(event, self._name(event.item)))

    def end(self) -> None:
        """Report nothing."""

    def _time(self) -> str:
        """What is left of the budget, behind the count of cells."""
        left = self._budget and part_of(self._budget.left, self._budget.seconds)
        return f"; {left} left" if left else ""

    def _name(self, item: Planned) -> str:
        return self._names[item.cell.id]

    def _say(self, line: str) -> None:
        say(line)


class Live(Lines):
    """Reports the same lines above a bar that shows the current round and the time left."""

    def __init__(self, *, verbose: bool) -> None:
        super().__init__(verbose=verbose)
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._expected = ""  # the plan's time for the whole run
        self._span = (0.0, 0.0)  # the same in seconds
        self._spent = 0.0  # seconds that rounds took so far
        self._left: dict[str, tuple[int, int]] = {}  # remaining rounds by cell: fewest and most
        self._begin = time.monotonic()

    def begin(self, prepared: Prepared) -> None:
        """Show the bar."""
        from rich.console import Console
        from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

        super().begin(prepared)
        span = expected(prepared)
        self._expected, self._span = span_text(span), (span.low, span.high)
        self._left = {
            item.key: fewer(item.expected.rounds, item.rounds_done)
            for item in prepared.plan.items
            if item.expected
        }
        self._bar = Progress(
            BarColumn(),
            TextColumn("{task.completed:.0f}/{task.total:.0f} rounds"),
            TimeElapsedColumn(),
            TextColumn("{task.fields[left]} left  {task.description}", markup=False),
            console=Console(file=drawing()),
            transient=True,
            redirect_stdout=False,  # both are Streams already
            redirect_stderr=False,
        )
        self._task = self._bar.add_task(
            "importing torch", total=self._rounds_left()[0], left=self._expected
        )
        self._describe("importing torch", self._eta())
        self._bar.start()

    def training(self, step: Step) -> None:
        """Show the step in the bar; report a line once the training is done."""
        if step.done == step.steps:
            self._say(training_line(step))
        self._describe(training_line(step))

    def preparing(self, item: Planned) -> None:
        """Show the cell in the bar."""
        super().preparing(item)
        self._describe(f"preparing the model of {self._name(item)}")

    def start(self, item: Planned, index: int) -> None:
        """Show the current round in the bar."""
        self._describe(f"{self._name(item)} (round {index + 1})", self._eta())

    def event(self, event: Event) -> None:
        """Advance the bar."""
        if isinstance(event, RoundDone):
            self._spent += event.round.seconds
            self._left[event.item.key] = fewer(self._left[event.item.key], 1)
        else:
            self._left.pop(event.item.key)
        if self._bar is not None and self._task is not None:
            done = self._bar.tasks[0].completed + isinstance(event, RoundDone)
            # A cell whose interval is still too wide takes more rounds than the fewest.
            self._bar.update(self._task, completed=done, total=done + self._rounds_left()[0])
        super().event(event)

    def end(self) -> None:
        """Remove the bar."""
        if self._bar is not None:
            self._bar.stop()

    def _describe(self, text: str, left: str | None = None) -> None:
        if self._bar is not None and self._task is not None:
            fields: dict[str, Any] = {} if left is None else {"left": left}
            self._bar.update(self._task, description=printable(text), **fields)

    def _eta(self) -> str:
        """The time left, from the rounds done so far; before the first, the plan's time.

        A budget ends it: what is left of the budget, and the time before that if it is less.
        """
        if self._bar is None:
            return ""
        done = self._bar.tasks[0].completed
        low, high = self._span
        if done:
            low, high = (self._spent / done * rounds for rounds in self._rounds_left())
        if self._budget is None:
            return duration_range(low, high) if done else self._expected
        left, whole = self._budget.left, self._budget.seconds
        if low >= left:
            return part_of(left, whole)
        return f"{duration_range(low, min(high, left))}, {part_of(left, whole)}"

    def _rounds_left(self) -> tuple[int, int]:
        """The remaining rounds of all cells: fewest and most."""
        few, many = zip(*self._left.values(), strict=True) if self._left else ((), ())
        return sum(few), sum(many)

    def _say(self, line: str) -> None:
        if self._bar is None:
            super()._say(line)
        else:
            # Without markup, because a reason may contain brackets.
            text = printable(line)
            self._bar.console.print(text, markup=False, highlight=False, soft_wrap=True)


def fewer(rounds: tuple[int, int], done: int) -> tuple[int, int]:
    """The fewest and the most remaining rounds after `done` more rounds."""
    return max(0, rounds[0] - done), max(0, rounds[1] - done)


def untried(prepared: Prepared, names: Mapping[str, str]) -> Iterable[str]:
    """A line for each cell that is not tried, with its reason."""
    return (
        f"{item.status}: {names[item.cell.id]}: {item.reason}"
        for item in prepared.plan.items
        if item.action is Action.SKIP
    )


def failed_before(prepared: Prepared, names: Mapping[str, str]) -> Iterable[str]:
    """A line for each failure of an earlier run that is reused, with its reason."""
    return (
        f"{names[item.cell.id]}: {item.reason}"
        for item in prepared.plan.of(Action.REUSE)
        if item.status is not None and item.status.went_wrong
    )


def training_line(step: Step) -> str:
    """A line on the progress of the reference model's training."""
    if step.done == step.steps:
        return f"trained {step.model}: {step.loss:.3f} bits per byte on its last batch"
    left = duration(step.seconds_left)
    progress = f"step {step.done} of {step.steps}, {step.loss:.3f} bits per byte, {left} left"
    return f"training {step.model}, once: {progress}"


def cell_line(end: CellDone, cell: str, verbose: bool = False) -> str:
    """A line on how a cell ended, with its headline figure or the reason."""
    from harness import scenarios
    from harness.site.format import no_interval

    if end.status is not Status.OK:
        detail = f"\n{end.detail}" if verbose and end.detail else ""
        return f"{end.status}: {cell}: {end.reason}{detail}"
    name = scenarios.registry[end.item.cell.scenario.name].headline
    headline = end.metrics[name]
    notes = (no_interval(headline), str(end.stop_rule), end.disturbed)
    why = "; ".join(note for note in notes if note)
    return f"{cell}: {name} {estimate_text(name, headline)} ({why})"


def round_line(done: RoundDone, cell: str) -> str:
    """A line on how a round ended, and what disturbed it."""
    from harness.analyse.interference import signs_of

    one = done.round
    what = f"{len(one.samples)} samples" if one.status is Status.OK else one.reason
    what = "; ".join([what, *signs_of(one)])
    return f"  round {one.index + 1} of {cell}: {one.status}, {one.seconds:.2f} s, {what}"
