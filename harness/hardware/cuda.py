"""An NVIDIA GPU, used through CUDA."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from pydantic import Field

from harness.domain.entry import Options
from harness.domain.run import Host
from harness.errors import Unsupported
from harness.hardware import EnergyCounter, Hardware, MemoryProbe, nvidia_smi, register
from harness.hardware.datasheets import data_sheet
from harness.hardware.energy_counters import gpu_counter
from harness.timer import Timer

if TYPE_CHECKING:
    import torch


@register("cuda", "an NVIDIA GPU")
class Cuda(Hardware):
    """A CUDA device. Several processes take one each, and communicate by NCCL."""

    kind = "cuda"
    groups = "cpu:gloo,cuda:nccl"

    class Options(Options):
        """Which device to use."""

        index: int = Field(
            0,
            ge=0,
            description="the GPU's number, as the driver counts; with several processes, the first",
        )

    @classmethod
    def unavailable(cls, host: Host) -> str | None:
        """Relies on the driver's list of GPUs, so that the check works without torch."""
        return None if host.gpus else "this host has no CUDA device"

    def obstacle(self, host: Host) -> str | None:
        """Refuses an index beyond the last GPU."""
        if host.gpus and self.options.index >= len(host.gpus):
            return f"asks for GPU {self.options.index}; this host has {len(host.gpus)}"
        return self.unavailable(host)

    def devices(self, ranks: int) -> int:
        """One each: ranks that share a GPU measure its time slicing, and NCCL refuses them."""
        return ranks

    def crowded(self, ranks: int, host: Host) -> str | None:
        """Refuses too few GPUs, and GPUs that differ: the ceilings are those of the first."""
        first, has = self.options.index, len(host.gpus)
        if first + ranks > has:
            return f"each takes a GPU, from GPU {first} on; this host has {has}"
        names = {gpu.name for gpu in host.gpus[first : first + ranks]}
        if len(names) > 1:
            return f"each takes a GPU, and these differ: {', '.join(sorted(names))}"
        return None

    def prepare(self, ranks: int, rank: int = 0) -> torch.device:
        """The rank's own GPU."""
        import torch

        if not torch.cuda.is_available():
            raise Unsupported(
                f"the driver shows a GPU, but torch {torch.__version__} cannot use it "
                "(is it a CPU build, or built for another CUDA?)"
            )
        device, there = torch.device("cuda", self.options.index + rank), torch.cuda.device_count()
        if device.index >= there:
            raise Unsupported(f"asks for GPU {device.index}; this process sees {there}")
        torch.cuda.set_device(device)
        return device

    def timer(self) -> Timer:
        """A timer by CUDA events."""
        return _EventTimer()

    def memory(self) -> MemoryProbe:
        """Asks torch's allocator, not the driver, which also counts other processes."""
        return _ReservedMemory()

    def cache_bytes(self) -> int:
        """Bytes of the L2 cache."""
        import torch

        return int(torch.cuda.get_device_properties(torch.cuda.current_device()).L2_cache_size)

    def free_bytes(self) -> int:
        """The driver's count."""
        import torch

        free, _ = torch.cuda.mem_get_info()
        return int(free)

    def resources(self, threads: int) -> str:
        """The GPU's name."""
        import torch

        return torch.cuda.get_device_name()

    def energy_counter(self, ranks: int) -> EnergyCounter:
        """The counter that NVML reads."""
        return gpu_counter(self._uuids(ranks))

    def clocks(self, ranks: int, when: str) -> Mapping[str, float]:
        """Waits for queued work first: the clocks fall as soon as the GPU is idle."""
        import torch

        torch.cuda.synchronize()
        return nvidia_smi.clocks(self._uuids(ranks), when)

    def neighbours(self, ranks: int) -> Mapping[str, float]:
        """The processes that the driver lists."""
        first = self.options.index
        devices = range(first, first + self.devices(ranks))
        return nvidia_smi.others([str(index) for index in devices])

    def connect(self, device: torch.device) -> None:
        """Runs an all-reduce: NCCL connects in its first collective."""
        import torch
        import torch.distributed as dist

        dist.all_reduce(torch.zeros(1, device=device))
        torch.cuda.synchronize(device)

    def _uuids(self, ranks: int) -> list[str]:
        """UUIDs of the ranks' GPUs. Torch and the driver may number GPUs in different orders."""
        import torch

        first = self.options.index
        indices = range(first, first + self.devices(ranks))
        return [f"GPU-{torch.cuda.get_device_properties(index).uuid}" for index in indices]

    def device(self, host: Host) -> str:
        """The GPU's name. "" if there is no such device."""
        gpus = host.gpus[self.options.index : self.options.index + 1]
        return gpus[0].name if gpus else ""

    def price_per_hour(self, host: Host) -> float | None:
        """The published median, if there is one: a range alone gives no price."""
        sheet = data_sheet(self.device(host))
        return sheet.price_median_usd_hr if sheet else None

    def memory_bytes(self, host: Host) -> int:
        """The device's memory in bytes. 0 if there is no such device."""
        gpus = host.gpus[self.options.index : self.options.index + 1]
        return gpus[0].memory_bytes if gpus else 0


class _ReservedMemory:
    """A MemoryProbe of the memory that torch's allocator has reserved."""

    def restart(self) -> None:
        """Resets the peak. Returns freed memory first, which would count as held."""
        import torch

        gc.collect()
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()

    def now(self) -> int:
        """Bytes reserved now."""
        import torch

        return torch.cuda.memory_reserved()

    def peak(self) -> int:
        """The most bytes reserved since the restart."""
        import torch

        return torch.cuda.max_memory_reserved()

    def facts(self) -> Mapping[str, float]:
        """The peak memory of tensors, and the peak that the allocator reserved."""
        import torch

        return {
            "peak_allocated": torch.cuda.max_memory_allocated(),
            "peak_reserved": torch.cuda.max_memory_reserved(),
        }


class _EventTimer:
    """A timer by CUDA events: measures the device's work, not the host's queueing of it."""

    resolution = 5e-7  # as documented for cudaEventElapsedTime

    def mark(self) -> torch.cuda.Event:
        """An event recorded behind all work queued so far."""
        import torch

        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def seconds(self, start: object, end: object) -> float:
        """Waits for the later event. CUDA reports milliseconds."""
        first, last = cast("torch.cuda.Event", start), cast("torch.cuda.Event", end)
        last.synchronize()
        return float(first.elapsed_time(last)) / 1e3
