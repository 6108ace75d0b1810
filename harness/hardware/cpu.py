"""This host's processor, with a given number of threads."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pydantic import Field

from harness.domain.entry import Options
from harness.domain.run import Host
from harness.hardware import Hardware, register

if TYPE_CHECKING:
    import torch


@register("cpu", "this host's processor, with `threads` threads")
class Cpu(Hardware):
    """The CPU. Several ranks share its threads evenly."""

    class Options(Options):
        """How much of the processor to use."""

        threads: int = Field(0, ge=0, description="threads in all; 0 means one per physical core")

    @property
    def threads(self) -> int:
        """Threads in all; 0 means one per physical core."""
        threads: int = self.options.threads
        return threads

    def obstacle(self, host: Host) -> str | None:
        """Refuses more threads than the host has: that would measure the scheduler."""
        if self.threads > host.logical_cores:
            return f"asks for {self.threads} threads; this host has {host.logical_cores}"
        return None

    def crowded(self, ranks: int, host: Host) -> str | None:
        """Requires a core for each process. Otherwise processes wait for one another's cores."""
        if ranks <= host.logical_cores:
            return None
        return f"this host has {host.logical_cores} cores"

    def prepare(self, ranks: int, rank: int = 0) -> torch.device:
        """Splits the threads among the ranks, with at least one for each."""
        import psutil
        import torch

        threads = self.threads or psutil.cpu_count(logical=False) or 1
        torch.set_num_threads(max(1, threads // ranks))
        return torch.device("cpu")

    def device(self, host: Host) -> str:
        """The processor's name."""
        return host.cpu

    def threads_on(self, host: Host) -> int | None:
        """The given number of threads, else one per physical core."""
        return self.threads or host.physical_cores

    def memory_bytes(self, host: Host) -> int:
        """The host's memory."""
        return host.memory_bytes
