"""A small catalog of its own, so that what a message calls possible does not grow with the house."""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from pydantic import Field

from harness import metrics
from harness.backends import Backend
from harness.compression import Compression
from harness.domain.cell import Cell
from harness.domain.entry import Options as NoOptions
from harness.domain.precision import PRECISIONS
from harness.domain.run import Gpu, Host
from harness.errors import SpecError
from harness.hardware import Hardware
from harness.launchers import Launcher
from harness.model.shape import Shape
from harness.model.sizes import Size
from harness.operators import Operator
from harness.parallelism import Parallelism
from harness.scenarios import Scenario
from harness.spec.catalog import Catalog
from harness.spec.load import load, read_spec
from harness.spec.overrides import parse_overrides
from harness.spec.spec import Spec


class FakeOperator(Operator):
    """Dense projections, and nothing else that costs."""

    def mixer(self, shape: Shape, layer: int) -> Any:
        raise NotImplementedError

    def parameters(self, shape: Shape, layer: int) -> int:
        return 4 * shape.d_model**2

    def flops(self, shape: Shape, layer: int, batch: int, new: int, past: int) -> int:
        return 8 * batch * new * shape.d_model**2

    def state_bytes(
        self, shape: Shape, layer: int, batch: int, capacity: int, element: float
    ) -> float:
        return 0.0


class Sdpa(FakeOperator):
    """No options; for encoders too."""

    name, summary = "sdpa", "plain"

    def unmasked(self, shape: Shape, layer: int) -> Any:
        raise NotImplementedError


class Window(FakeOperator):
    """An operator with options of several kinds, and demands."""

    name, summary = "window", "sees some tokens"

    class Options(NoOptions):
        size: int = Field(128, ge=1, description="tokens to see")
        strides: tuple[int, ...] = Field((1,), description="one a layer")
        exact: bool = Field(False, description="or nearly")

    def unsupported(self, cell: Cell, host: Host) -> str | None:
        return "takes fp32 only" if cell.precision.name != "fp32" else None


class FakeCompression(Compression):
    def apply(self, model: Any, text: Any) -> Any:
        raise NotImplementedError


class Int8(FakeCompression):
    """No options, and no gradient."""

    name, summary = "int8", "small numbers"
    differentiable = False


class Prune(FakeCompression):
    """A required option, that YAML 1.1 would read as a time."""

    name, summary = "prune", "fewer numbers"

    class Options(NoOptions):
        pattern: str = Field(description="kept : of")


class FakeScenario(Scenario):
    headline = "latency"

    def tokens(self, workload: Mapping[str, int]) -> int:
        return self.capacity(workload)

    def capacity(self, workload: Mapping[str, int]) -> int:
        return workload["prompt"] + workload.get("generate", 0)

    def work(self, workload: Mapping[str, int]) -> Any:
        from harness.model.cost import Work

        return (Work(workload["batch"], workload["prompt"], backward=self.trains),)

    def prepare(self, session: Any, workload: Any) -> Any:
        raise NotImplementedError


class Prefill(FakeScenario):
    name, summary = "prefill", "read"
    workload = ("batch", "prompt")


class Decode(FakeScenario):
    name, summary = "decode", "write"
    workload = ("batch", "prompt", "generate")


class Train(FakeScenario):
    name, summary = "train", "learn"
    workload = ("batch", "prompt")
    trains = True


class Cpu(Hardware):
    name, summary = "cpu", "the processor"

    class Options(NoOptions):
        threads: int = Field(0, ge=0, description="0 means all")

    def prepare(self, ranks: int, rank: int = 0) -> Any:
        raise NotImplementedError

    def memory_bytes(self, host: Host) -> int:
        return host.memory_bytes


class Local(Cpu):
    name, summary = "local", "the processor as it comes"
    Options = NoOptions  # type: ignore[assignment]  # an entry may drop its base's options

    def threads_on(self, host: Host) -> int | None:
        return host.physical_cores


class Cuda(Cpu):
    name, summary = "cuda", "a GPU"
    Options = NoOptions  # type: ignore[assignment]  # an entry may drop its base's options

    @classmethod
    def unavailable(cls, host: Host) -> str | None:
        return None if host.gpus else "this host has no GPU"

    def memory_bytes(self, host: Host) -> int:
        return host.gpus[0].memory_bytes

    def devices(self, ranks: int) -> int:
        return ranks


class Split(Parallelism):
    class Options(NoOptions):
        degree: int = Field(ge=1, description="processes")

    @property
    def degree(self) -> int:
        degree: int = self.options.degree
        return degree


class Tensor(Split):
    name, summary = "tensor", "splits the weights"


class Data(Split):
    name, summary = "data", "splits the batch"
    decoders = False

    @property
    def shares(self) -> int:
        return self.degree


class FakeLauncher(Launcher):
    def assemble(self, whole: Any) -> Any:
        raise NotImplementedError


class Torch(FakeLauncher):
    """The default."""

    name, summary = "torch", "forked processes"


class Spark(FakeLauncher):
    """An option of its own; splits the batch only, and only trains."""

    name, summary = "spark", "a cluster's processes"
    strategies = ("data",)
    only_trains = True

    class Options(NoOptions):
        master: str = Field("", description="where the cluster is")


class Eager(Backend):
    name, summary = "eager", "as it comes"
    splits = True

    def open(self, opening: Any) -> Any:
        raise NotImplementedError


def entries(*kinds: type[Any]) -> Any:
    return {kind.name: kind for kind in kinds}


CATALOG = Catalog(
    hardware=entries(Local, Cpu, Cuda),
    scenario=entries(Prefill, Decode, Train),
    parallelism=entries(Data, Tensor),
    launcher=entries(Torch, Spark),
    compression=entries(Int8, Prune),
    operator=entries(Sdpa, Window),
    backend=entries(Eager),
    sizes={
        "nano": Size(Shape(layers=2, d_model=64, heads=2, vocab=512, context=256), "tiny"),
        "small": Size(Shape(layers=12, d_model=768, heads=12), "125M"),
        "huge": Size(Shape(layers=96, d_model=12288, heads=96), "175B"),
    },
    precisions=PRECISIONS,
    metrics={name: metrics.registry[name] for name in ("latency", "mfu", "peak_memory", "tpot")},
)


@pytest.fixture(scope="session")
def catalog() -> Catalog:
    """What the specs of these tests can name."""
    return CATALOG


@pytest.fixture(scope="session")
def host() -> Host:
    """A small machine without an accelerator."""
    return Host("a CPU", "x86_64", 2, 2, (), 24 * 2**30, "Linux")


@pytest.fixture(scope="session")
def gpu_host() -> Host:
    """A machine whose accelerator has less memory than itself."""
    return Host("a CPU", "x86_64", 8, 8, (), 64 * 2**30, "Linux", (Gpu("a GPU", 16 * 2**30),))


@pytest.fixture(scope="session")
def read() -> Callable[..., Spec]:
    """The spec that a text makes, as the file `s.yaml`."""

    def made(text: str, *overrides: str) -> Spec:
        return read_spec("s.yaml", text, parse_overrides(overrides), CATALOG)

    return made


@pytest.fixture(scope="session")
def faults(read: Callable[..., Spec]) -> Callable[..., list[str]]:
    """What is wrong with a text, as lines `s.yaml:line:column: message`."""

    def found(text: str, *overrides: str) -> list[str]:
        with pytest.raises(SpecError) as caught:
            read(text, *overrides)
        return str(caught.value).splitlines()

    return found


@pytest.fixture(scope="session")
def gpt2_bytes() -> Callable[..., bytes]:
    """A weights file of a shape, `nano` if none is given: all zeros behind a true header.

    `fill` makes files of different content; `tensors` replaces some by name, as (format, shape in
    the file); None leaves one out.
    """

    def made(
        shape: Shape = CATALOG.sizes["nano"].shape,
        *,
        fill: int = 0,
        **tensors: tuple[str, tuple[int, ...]] | None,
    ) -> bytes:
        named = {f"transformer.{name}": ("F32", sizes) for name, sizes in gpt2_tensors(shape)}
        header, end = {}, 0
        for name, one in {**named, **tensors}.items():
            if one is not None:
                begin, end = end, end + math.prod(one[1]) * _BYTES.get(one[0], 4)
                header[name] = {"dtype": one[0], "shape": one[1], "data_offsets": [begin, end]}
        text = json.dumps(header).encode()
        return len(text).to_bytes(8, "little") + text + bytes([fill]) * end

    return made


def gpt2_tensors(shape: Shape) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Names and shapes as GPT2LMHeadModel's file has them: Conv1D's weights as [in, out]."""
    width, hidden = shape.d_model, shape.width
    yield "wte.weight", (shape.vocab, width)
    yield "wpe.weight", (shape.context, width)
    affine = {
        "attn.c_attn": (width, 3 * width),
        "attn.c_proj": (width, width),
        "mlp.c_fc": (width, hidden),
        "mlp.c_proj": (hidden, width),
        "ln_1": (width,),
        "ln_2": (width,),
    }
    for layer in range(shape.layers):
        for name, sizes in affine.items():
            yield f"h.{layer}.{name}.weight", sizes
            yield f"h.{layer}.{name}.bias", sizes[-1:]
    yield "ln_f.weight", (width,)
    yield "ln_f.bias", (width,)


_BYTES = {"F64": 8, "C64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "BOOL": 1}


@pytest.fixture
def load_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Spec]]:
    """Writes files into an empty folder, goes there, and loads what it is told to."""
    monkeypatch.chdir(tmp_path)

    def loaded(files: Mapping[str, str | bytes], *paths: str, **options: Any) -> list[Spec]:
        for name, content in files.items():
            data = content.encode() if isinstance(content, str) else content
            Path(name).write_bytes(data)
        return load(paths or tuple(files), catalog=CATALOG, **options)

    return loaded
