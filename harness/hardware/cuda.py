"""An NVIDIA GPU through CUDA."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from pydantic import Field

from harness.domain.entry import Options
from harness.domain.run import Host
from harness.errors import Unsupported
from harness.hardware import Hardware, register
from harness.hardware.datasheets import data_sheet
from harness.timer import Timer

if TYPE_CHECKING:
    import torch


@register("cuda", "an NVIDIA GPU")
class Cuda(Hardware):
    """One CUDA device; several processes take one each, and NCCL carries what they exchange."""

    groups = "cpu:gloo,cuda:nccl"

    class Options(Options):
        """Which device."""

        index: int = Field(
            0,
            ge=0,
            description="which GPU, as the driver numbers them; of several processes the first's",
        )

    @classmethod
    def unavailable(cls, host: Host) -> str | None:
        """Told by the driver, so that a host without torch can tell too."""
        return None if host.gpus else "this host has no CUDA device"

    def obstacle(self, host: Host) -> str | None:
        """A device number beyond the last."""
        if host.gpus and self.options.index >= len(host.gpus):
            return f"asks for GPU {self.options.index}; this host has {len(host.gpus)}"
        return self.unavailable(host)

    def devices(self, ranks: int) -> int:
        """One each: ranks on one GPU would measure its time slicing, and NCCL refuses them."""
        return ranks

    def crowded(self, ranks: int, host: Host) -> str | None:
        """Fewer GPUs from that index on; or unlike ones, as limits are those of the first."""
        first, has = self.options.index, len(host.gpus)
        if first + ranks > has:
            return f"each takes a GPU, from GPU {first} on; this host has {has}"
        names = {gpu.name for gpu in host.gpus[first : first + ranks]}
        if len(names) > 1:
            return f"each takes a GPU, and these are not alike: {', '.join(sorted(names))}"
        return None

    def prepare(self, ranks: int, rank: int = 0) -> torch.device:
        """The rank's own."""
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
        """CUDA events."""
        return _EventTimer()

    def device(self, host: Host) -> str:
        """The GPU's; "" where there is no such device."""
        gpus = host.gpus[self.options.index : self.options.index + 1]
        return gpus[0].name if gpus else ""

    def price_per_hour(self, host: Host) -> float | None:
        """The published median, where there is one: of a range alone nobody knows the price."""
        sheet = data_sheet(self.device(host))
        return sheet.price_median_usd_hr if sheet else None

    def memory_bytes(self, host: Host) -> int:
        """The device's memory; 0 where there is no such device."""
        gpus = host.gpus[self.options.index : self.options.index + 1]
        return gpus[0].memory_bytes if gpus else 0


class _EventTimer:
    """CUDA events: times the device's own work, not the host's queueing of it."""

    resolution = 5e-7  # as documented for cudaEventElapsedTime

    def mark(self) -> torch.cuda.Event:
        """An event recorded behind all work queued so far."""
        import torch

        event = torch.cuda.Event(enable_timing=True)
        event.record()
        return event

    def seconds(self, start: object, end: object) -> float:
        """Waits for the later event; events tell milliseconds."""
        first, last = cast("torch.cuda.Event", start), cast("torch.cuda.Event", end)
        last.synchronize()
        return float(first.elapsed_time(last)) / 1e3
