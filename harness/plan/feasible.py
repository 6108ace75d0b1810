"""Finds the cells that this host cannot run, and why, before anything runs. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from typing import cast

from harness.backends import Backend
from harness.compression import Compression
from harness.domain.axis import AXES
from harness.domain.cell import Cell, Choice, default_of
from harness.domain.entry import Entry
from harness.domain.result import Status
from harness.domain.run import Host
from harness.hardware import Hardware
from harness.model import cost
from harness.model.architectures import SHAPES, dimensions_of
from harness.operators import Operator
from harness.parallelism import LAUNCHER, degrees_of, launcher_choice, oversubscribes
from harness.scenarios import Scenario
from harness.spec.catalog import Catalog
from harness.spec.settings import Limits
from harness.spec.units import size_text


@dataclass
class Feasibility:
    """Checks cells against a host and a catalog. Caches what depends on a choice alone."""

    host: Host
    catalog: Catalog
    _entries: dict[tuple[str, Choice], Entry] = field(default_factory=dict)
    _unavailable: dict[type[Entry], str | None] = field(default_factory=dict)
    _parameters: dict[tuple[Choice, Choice], int] = field(default_factory=dict)

    def obstacle(self, cell: Cell, limits: Limits) -> tuple[Status, str] | None:
        """The cell's status and the reason why it is not tried; None if it can be."""
        reason = self._model_obstacle(cell) or self._layer_obstacle(cell)
        if reason:
            return Status.UNSUPPORTED, reason
        for axis, choice in self._choices(cell):
            reason = self._unsupported(axis, choice, cell)
            if reason:
                message = reason if choice.name in reason else f"{choice}: {reason}"
                return Status.UNSUPPORTED, message
        if reason := self._crowded(cell):
            return Status.UNSUPPORTED, reason
        reason = self._untrainable(cell) if self.trains(cell) else self._training_only(cell)
        if reason:
            return Status.UNSUPPORTED, reason
        reason = self._too_large(cell, limits)
        return (Status.SKIPPED, reason) if reason else None

    def parameters(self, cell: Cell) -> int | None:
        """Parameters of the cell's model, before any compression; None if a factory builds it."""
        if cell.factory:
            return None
        key = (cell.model, cell.operator)
        if key not in self._parameters:
            shape = dimensions_of(cell.model)
            self._parameters[key] = cost.parameters(shape, self._operator(cell))
        return self._parameters[key]

    def devices(self, cell: Cell) -> int:
        """The number of devices that the cell uses."""
        return self._hardware(cell).devices(prod(self._degrees(cell).values()))

    def price_per_hour(self, cell: Cell) -> float | None:
        """US dollars per hour of one device; None without a price in a data sheet."""
        return self._hardware(cell).price_per_hour(self.host)

    def threads(self, cell: Cell) -> int | None:
        """Processor threads that the cell computes with; None on other devices."""
        return self._hardware(cell).threads_on(self.host)

    def scenario(self, cell: Cell) -> Scenario:
        """The cell's scenario, with its options."""
        return cast("Scenario", self._entry("scenario", cell.scenario))

    def backend(self, cell: Cell) -> Backend:
        """The cell's backend, with its options."""
        return cast("Backend", self._entry("backend", cell.backend))

    def compression(self, choice: Choice) -> Compression:
        """The entry of a compression, with its options."""
        return cast("Compression", self._entry("compression", choice))

    def trains(self, cell: Cell) -> bool:
        """True if the cell's scenario trains the model."""
        return self.catalog.scenario[cell.scenario.name].trains

    def weight_bytes(self, cell: Cell) -> float | None:
        """Bytes of the model's weights in the cell's precision; None if a factory builds it."""
        parameters = self.parameters(cell)
        if parameters is None:
            return None
        return parameters * self.catalog.precisions[cell.precision.name].bytes

    def _model_obstacle(self, cell: Cell) -> str | None:
        return self._factory_obstacle(cell) if cell.factory else self._architecture_obstacle(cell)

    def _factory_obstacle(self, cell: Cell) -> str | None:
        """The first choice that only works with the built-in Transformer, as a reason.

        The default operator stands for whatever the factory's model does.
        """
        needs_built_in = [
            *(one for one in (cell.operator,) if one != default_of(AXES["operator"])),
            *(one for one in cell.compression if not self.compression(one).any_module),
            *cell.parallelism,
            *(one for one in (cell.backend,) if not self.backend(cell).executes_modules),
        ]
        if not needs_built_in:
            return None
        return f"{needs_built_in[0]} needs the built-in Transformer; {cell.factory} builds its own"

    def _architecture_obstacle(self, cell: Cell) -> str | None:
        """A scenario that the architecture does not have, or a causal operator in an encoder."""
        kind, operators = SHAPES[cell.model.name], self.catalog.operator
        if "generate" in self.catalog.scenario[cell.scenario.name].workload and not kind.generates:
            name = kind.architecture
            return f"an {name} produces embeddings, not tokens: it has no {cell.scenario}"
        if kind.bidirectional and not operators[cell.operator.name].bidirectional:
            possible = ", ".join(name for name in operators if operators[name].bidirectional)
            return (
                f"{cell.operator} is causal; in an {kind.architecture}, the encoder's tokens see "
                f"all others (possible: {possible or 'none'})"
            )
        return None

    def _layer_obstacle(self, cell: Cell) -> str | None:
        """A compression that needs equal layers, with an operator whose layers differ."""
        needs = [one.name for one in cell.compression if self.catalog.compression[one.name].alike]
        if needs and self._operator(cell).cycle > 1:
            return f"{needs[0]} needs layers that are alike; those of {cell.operator} are not"
        return None

    def _unsupported(self, axis: str, choice: Choice, cell: Cell) -> str | None:
        entry = self._entry(axis, choice)
        kind = type(entry)
        if kind not in self._unavailable:
            self._unavailable[kind] = kind.unavailable(self.host)
        return self._unavailable[kind] or entry.unsupported(cell, self.host)

    def _untrainable(self, cell: Cell) -> str | None:
        for choice in cell.compression:
            if not self.catalog.compression[choice.name].differentiable:
                return f"a model compressed by {choice} cannot be trained"
        return self._operator(cell).untrainable(cell, self.host)

    def _training_only(self, cell: Cell) -> str | None:
        for choice in cell.parallelism:
            if self.catalog.parallelism_part(choice).only_trains:
                return f"{choice} applies to training only, not to {cell.scenario}"
        return None

    def _crowded(self, cell: Cell) -> str | None:
        """The reason if there are too many processes, with every factor of their number."""
        degrees, hardware = self._degrees(cell), self._hardware(cell)
        world = prod(degrees.values())
        shortage = hardware.crowded(world, self.host) if world > 1 else None
        shared = hardware.devices(world) == 1
        if shortage is None or (shared and oversubscribes(cell)):
            return None
        factors = " x ".join(f"{name} {degree}" for name, degree in degrees.items())
        hint = " (oversubscribe: true runs them anyway)" if shared else ""
        return f"asks for {world} processes ({factors}); {shortage}{hint}"

    def _degrees(self, cell: Cell) -> dict[str, int]:
        """Degrees above 1, by strategy."""
        return degrees_of(self.catalog.strategies(cell.parallelism))

    def _parts(self, cell: Cell) -> int:
        """The number of processes that share the parameters."""
        known = self.catalog.parallelism
        return prod(
            degree for name, degree in self._degrees(cell).items() if not known[name].replicates
        )

    def _hardware(self, cell: Cell) -> Hardware:
        return cast("Hardware", self._entry("hardware", cell.hardware))

    def _operator(self, cell: Cell) -> Operator:
        return cast("Operator", self._entry("operator", cell.operator))

    def _entry(self, axis: str, choice: Choice) -> Entry:
        key = (axis, choice)
        if key not in self._entries:
            self._entries[key] = self.catalog.entries(axis)[choice.name].of(choice)
        return self._entries[key]

    def _too_large(self, cell: Cell, limits: Limits) -> str | None:
        """The reason if the weights alone exceed the memory. Activations and caches come on top.

        Every compression starts from the dense model, so none lowers this bound.
        """
        weights, devices = self.weight_bytes(cell), self.devices(cell)
        if weights is None:
            return None
        parts = self._parts(cell) if devices > 1 else 1
        # AdamW keeps two moments per gradient (Loshchilov and Hutter 2019). Each of several devices
        # loads the whole model before it keeps its part.
        need = max(weights, (4 if self.trains(cell) else 1) * weights / parts)
        what = "weights, gradients and AdamW's moments" if need > weights else "weights"
        where = " on each of them" if devices > 1 else ""
        available = self._hardware(cell).memory_bytes(self.host)
        on_host = available == self.host.memory_bytes
        needs = f"needs at least {size_text(need)} for its {what}{where}"
        if need > available:
            device = "this host" if on_host else cell.hardware
            return f"{needs}; {device} has {size_text(available)}"
        if on_host and limits.memory is not None and need > limits.memory:
            return f"{needs}; the limit is {size_text(limits.memory)}"
        return None

    def _choices(self, cell: Cell) -> Iterator[tuple[str, Choice]]:
        """The axes and choices of the cell's entries, in the order of the axes."""
        for axis in AXES:
            if self.catalog.has_entries(axis):
                value = cell[axis]
                for choice in (value,) if isinstance(value, Choice) else value:
                    is_launcher = axis == "parallelism" and choice.name == LAUNCHER
                    yield (LAUNCHER, launcher_choice([choice])) if is_launcher else (axis, choice)
