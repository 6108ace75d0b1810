"""What runs inside a round, on a real GPU: kernels beside the processor's, timer, memory, ceilings."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.nn.functional import cross_entropy

from harness import compression, hardware, operators
from harness.ceilings import gemm, memory
from harness.compression import Compression, layers_of
from harness.compression.two_four import TwoFour
from harness.contract.plugin import choice_of, example_of
from harness.domain.cell import Cell, Choice
from harness.domain.rank import Rank
from harness.domain.run import Gpu, Host
from harness.errors import Unsupported
from harness.hardware import nvidia_smi
from harness.host.machine import this_host
from harness.model.artifact import load, save
from harness.model.build import build
from harness.model.shape import Shape
from harness.model.transformer import Transformer
from harness.operators import Operator
from harness.operators.sdpa import Sdpa
from harness.quality.text import RandomText
from harness.scenarios.cold import flusher
from harness.worker.phase import Phase

pytestmark = pytest.mark.cuda

CPU = torch.device("cpu")
# Sides that every GPU kernel takes: multiples of 64.
SHAPE = Shape(layers=2, d_model=128, heads=4, vocab=256, context=128)
OPERATORS = operators.registry.entries()
COMPRESSIONS = compression.registry.entries()
# Sums of fp32 products, in another order.
NEAR = 1e-4


def tokens(length: int = 64) -> torch.Tensor:
    """[2, length] token ids."""
    generator = torch.Generator().manual_seed(3)
    return torch.randint(SHAPE.vocab, (2, length), generator=generator)


def lively(operator: Operator, device: torch.device = CPU) -> Transformer:
    """With weights far larger than a fresh model's, so that tokens do see each other."""
    made = build(SHAPE, operator.mixer, device=CPU, seed=1)
    generator = torch.Generator().manual_seed(2)
    with torch.no_grad():
        for parameter in made.parameters():
            parameter.add_(torch.randn(parameter.shape, generator=generator) * 0.1)
    made.to(device)
    return made


def apart(found: torch.Tensor, expected: torch.Tensor) -> float:
    """In parts of the expected one's norm."""
    return float((found.cpu().float() - expected.cpu().float()).norm() / expected.cpu().norm())


@pytest.fixture(params=OPERATORS, ids=lambda one: one.name)
def operator(request: pytest.FixtureRequest) -> Operator:
    """Each, by its defaults."""
    made = example_of(request.param)
    assert isinstance(made, Operator)
    return made


@pytest.fixture
def expected(operator: Operator) -> torch.Tensor:
    """What the processor computes, without a compiler's help."""
    with torch.inference_mode(), torch.compiler.set_stance("force_eager"):
        logits: torch.Tensor = lively(operator)(tokens())
        return logits


@pytest.mark.filterwarnings("ignore:flex_attention called without torch.compile")
class TestOperators:
    """Beside a processor's."""

    @torch.inference_mode()
    def test_logits_are_a_processors(
        self, operator: Operator, expected: torch.Tensor, gpu: torch.device
    ) -> None:
        assert apart(lively(operator, gpu)(tokens().to(gpu)), expected) < NEAR

    @torch.inference_mode()
    def test_steps_give_a_processors_logits(
        self, operator: Operator, expected: torch.Tensor, gpu: torch.device
    ) -> None:
        model = lively(operator, gpu)
        state = model.new_state(2, SHAPE.context)
        pieces = tokens().to(gpu).split([40, 1, 1, 22], dim=1)
        logits = torch.cat([model(one, state=state) for one in pieces], dim=1)
        assert apart(logits, expected) < NEAR

    @torch.inference_mode()
    def test_bfloat16_stays_near(
        self, operator: Operator, expected: torch.Tensor, gpu: torch.device
    ) -> None:
        logits = lively(operator, gpu).to(torch.bfloat16)(tokens().to(gpu))
        assert logits.dtype == torch.bfloat16
        assert apart(logits, expected) < 0.1

    @pytest.mark.filterwarnings("ignore:The .grad attribute of a Tensor that is not a leaf")
    def test_gradients_are_a_processors(self, operator: Operator, gpu: torch.device) -> None:
        """Those of exact attention, of an operator that has none on a processor."""
        twin = Sdpa() if operator.name == "flex" else operator
        here, there = lively(operator, gpu), lively(twin)
        for model in (here, there):
            batch = tokens().to(next(model.parameters()).device)
            cross_entropy(model(batch[:, :-1]).flatten(0, 1), batch[:, 1:].flatten()).backward()
        for (name, ours), theirs in zip(here.named_parameters(), there.parameters(), strict=True):
            assert ours.grad is not None, name
            assert theirs.grad is not None, name
            assert apart(ours.grad, theirs.grad) < 10 * NEAR, name


class TestCompression:
    """Applied, written and loaded on the GPU."""

    @pytest.fixture(params=COMPRESSIONS, ids=lambda one: one.name)
    def entry(
        self, request: pytest.FixtureRequest, make_cell: Callable[..., Cell], host: Host
    ) -> Compression:
        """Each that says it runs on CUDA."""
        kind: type[Compression] = request.param
        brief = {"steps": 2, "length": 16} if kind.trains else {}
        fields = {name: one for name, one in brief.items() if name in kind.Options.model_fields}
        entry = kind(kind.Options(**fields))
        reason = entry.unsupported(cell_of(entry, make_cell), host)
        if reason is not None:
            pytest.skip(reason)
        return entry

    @pytest.fixture
    def host(self, host: Host) -> Host:
        """With this machine's GPUs."""
        return this_host()

    @torch.inference_mode()
    def test_its_file_gives_the_same_logits(
        self, entry: Compression, gpu: torch.device, tmp_path: Path
    ) -> None:
        with torch.inference_mode(mode=False):
            model = entry.apply(build(shape_for(entry), Sdpa().mixer, device=gpu), text())
        logits = model(tokens().to(gpu))
        assert logits.isfinite().all()
        save(model, tmp_path / "file")
        layers = layers_of([type(entry)])
        again = load(tmp_path / "file", Sdpa().mixer, gpu, layers=layers)
        assert apart(again(tokens().to(gpu)), logits) < NEAR


def text() -> RandomText:
    return RandomText(SHAPE.vocab)


def shape_for(entry: Compression) -> Shape:
    """Tying takes a head of its own."""
    return SHAPE.model_copy(update={"tied": type(entry).name != "tie"})


def cell_of(entry: Compression, make_cell: Callable[..., Cell]) -> Cell:
    """Of a model that knows something, on CUDA."""
    options = {**shape_for(entry).model_dump(exclude_defaults=True), "weights": "w"}
    return make_cell(
        model=Choice("decoder", tuple(sorted(options.items()))),
        compression=(choice_of(entry),),
        hardware=Choice("cuda"),
    )


@torch.inference_mode()
@pytest.mark.parametrize("rows", [1, 3, 64])
def test_fp8_stays_near_the_dense_model(gpu: torch.device, rows: int) -> None:
    """Three bits of mantissa, in two layers: some percent. Whatever the number of rows."""
    dense = lively(Sdpa(), gpu)
    some = tokens(rows).to(gpu)
    before = dense(some)
    model = compression.registry["fp8"]().apply(copy.deepcopy(dense), text())
    for made, far in ((model, 0.15), (copy.deepcopy(model).to(torch.bfloat16), 0.2)):
        assert 1e-4 < apart(made(some), before) < far


@pytest.mark.filterwarnings("ignore:The PyTorch API of SparseSemiStructuredTensor")
@torch.inference_mode()
@pytest.mark.parametrize("rows", [1, 3, 64])
def test_the_sparse_kernel_computes_what_the_masked_weights_give(
    gpu: torch.device, rows: int
) -> None:
    masked, sparse = (
        TwoFour(TwoFour.Options(kernel=kernel))
        .apply(lively(Sdpa(), gpu), text())
        .to(torch.bfloat16)
        for kernel in (False, True)
    )
    kinds = {type(one).__name__ for one in sparse.modules()}
    assert "SemiSparseLinear" in kinds
    some = tokens(rows).to(gpu)
    assert apart(sparse(some), masked(some)) < 0.02


def test_the_clock_times_the_gpus_work_not_its_queueing(gpu: torch.device) -> None:
    """Of work that sleeps on the GPU, the call returns long before."""
    timer = hardware.registry["cuda"]().timer()
    torch.cuda._sleep(1000)
    torch.cuda.synchronize()
    begin = time.perf_counter()
    start = timer.mark()
    torch.cuda._sleep(200_000_000)
    end = timer.mark()
    queued = time.perf_counter() - begin
    worked = timer.seconds(start, end)
    assert queued < worked <= time.perf_counter() - begin


def test_peaks_are_the_gpus(gpu: torch.device) -> None:
    """What was freed counts for the peak, and no longer for what is held."""
    peak = hardware.registry["cuda"]().memory()
    peak.restart()
    before = peak.now()
    size = 256 * 2**20
    block = torch.empty(size, dtype=torch.uint8, device=gpu)
    del block
    assert peak.peak() >= before + size
    assert peak.facts()["peak_allocated"] >= size
    peak.restart()
    assert peak.now() < before + size


def test_the_caches_are_filled_twice_over(gpu: torch.device) -> None:
    torch.cuda.reset_peak_memory_stats()
    before = torch.cuda.memory_allocated()
    flush = flusher(gpu, hardware.registry["cuda"]().cache_bytes())
    flush()
    torch.cuda.synchronize()
    cache = torch.cuda.get_device_properties(gpu).L2_cache_size
    assert torch.cuda.max_memory_allocated() - before >= 2 * cache > 0


def test_the_driver_tells_clocks_and_neighbours(gpu: torch.device) -> None:
    """Of the GPU that torch computes on, found by its UUID."""
    with Phase(hardware.registry["cuda"](), Rank(0, 1), energy=False) as phase:
        torch.cuda._sleep(1000)
    facts = phase.facts(tokens=1.0)
    for name in ("clock", "memory_clock", "temperature"):
        for when in ("before", "after"):
            assert facts[f"host_gpu_{name}_{when}"] > 0
    assert {facts["host_gpu_hot"], facts["host_gpu_capped"]} <= {0.0, 1.0}
    uuid = f"GPU-{torch.cuda.get_device_properties(gpu).uuid}"
    assert nvidia_smi.others([uuid])["host_gpu_others"] >= 0


def test_energy_is_counted(gpu: torch.device) -> None:
    """Over fifty updates of the counter; NVML's binding is what is asked."""
    pytest.importorskip("pynvml")
    product = torch.randn(4096, 4096, device=gpu)
    with Phase(hardware.registry["cuda"](), Rank(0, 1), energy=True) as phase:
        until = time.perf_counter() + 5.5
        while time.perf_counter() < until:
            product @ product
            torch.cuda.synchronize()
    facts = phase.facts(tokens=1.0)
    watts = facts["energy"] / 5.5
    assert phase.notes == {}
    assert 20 < watts < 2000


@pytest.mark.parametrize("number_format", sorted(gemm.DTYPES))
def test_every_ceilings_kernel_multiplies(gpu: torch.device, number_format: str) -> None:
    """Beside the same product in double precision."""
    data = gemm.operands(number_format, (256, 256, 256), gpu)
    exact = data.a.double() @ data.w.double().t()
    kernels = gemm.kernels_for(number_format, "cuda")
    assert kernels
    for kernel in kernels:
        assert apart(kernel.make(data)().double(), exact) < 0.01, kernel.name


def test_memory_is_read_and_copied(gpu: torch.device) -> None:
    size = memory.WorkingSet(64 * 2**20, "")
    for trials in (memory.read_trials, memory.copy_trials):
        for trial in trials(size, gpu):
            trial.prepare()()
    torch.cuda.synchronize()
    assert memory.working_set(hardware.registry["cuda"]()).bytes >= 2**30


def test_the_host_tells_its_gpus_as_torch_does(gpu: torch.device) -> None:
    told = this_host().gpus
    assert len(told) == torch.cuda.device_count()
    first = told[0]
    assert isinstance(first, Gpu)
    assert first.name == torch.cuda.get_device_name(gpu)
    held = torch.cuda.get_device_properties(gpu).total_memory
    assert held <= first.memory_bytes <= 1.1 * held


def test_a_device_beyond_the_last_is_unsupported(gpu: torch.device) -> None:
    from harness.hardware.cuda import Cuda

    with pytest.raises(Unsupported, match="this process sees"):
        Cuda(Cuda.Options(index=torch.cuda.device_count())).prepare(1)
