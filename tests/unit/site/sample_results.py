"""Fake results as a database would hold them: several hosts, commits and failures."""

from __future__ import annotations

import math
import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any

from harness.domain.ceiling import CURVE, Ceiling, CeilingKind, Ceilings, memory_read
from harness.domain.cell import Cell, Choice
from harness.domain.metric import Direction, Estimate
from harness.domain.night import (
    Confirmation,
    Kind,
    Night,
    NightState,
    Pair,
    Role,
    Triage,
    TriageState,
    Verdict,
)
from harness.domain.result import Result, Round, Sample, Status, StopRule
from harness.domain.run import Asked, Commit, Environment, Gpu, Host, Run

LAPTOP = Host(
    cpu="AMD EPYC 9B14",
    architecture="x86_64",
    physical_cores=2,
    logical_cores=2,
    isa=("avx2", "avx512f", "avx512_vnni", "avx512_bf16"),
    memory_bytes=24 * 2**30,
    system="Linux",
)
SERVER = Host(
    cpu="Intel Xeon Platinum 8480+",
    architecture="x86_64",
    physical_cores=56,
    logical_cores=112,
    isa=("avx2", "avx512f", "amx_bf16"),
    memory_bytes=512 * 2**30,
    system="Linux",
    gpus=(Gpu("NVIDIA H100 80GB HBM3", 80 * 2**30, "550.54"),),
)
COMMITS = tuple(
    Commit(
        sha=f"{number:x}a5c{number}e9d" * 5,
        branch="main",
        date=datetime(2026, 1, 5, 9, 30, tzinfo=UTC) + timedelta(days=number),
        subject=subject,
    )
    for number, subject in enumerate(
        ("Add the KV cache", "Fuse the QKV projection", "Drop a copy in attention"), start=1
    )
)
WORKLOADS = {
    "prefill": (("batch", 1), ("prompt", 512)),
    "decode": (("batch", 1), ("generate", 64), ("prompt", 512)),
    "generate": (("batch", 1), ("generate", 64), ("prompt", 512)),
    "train": (("batch", 8), ("prompt", 128)),
}
SMALL = Choice("shape", (("d_model", 768), ("heads", 12), ("layers", 12)), label="gpt3-small")
_SECONDS = {"prefill": 0.212, "decode": 0.0184, "generate": 1.36, "train": 1.9}
_UNITS = {
    "latency": ("s", Direction.LOWER),
    "ttft": ("s", Direction.LOWER),
    "tpot": ("s", Direction.LOWER),
    "load_time": ("s", Direction.LOWER),
    "tokens_per_second": ("1/s", Direction.HIGHER),
    "peak_memory": ("B", Direction.LOWER),
    "model_bytes": ("B", Direction.LOWER),
    "parameters": ("1", Direction.LOWER),
    "flops": ("FLOP", Direction.LOWER),
    "logit_error": ("1", Direction.LOWER),
}
_CONSTANT = {"parameters", "flops", "model_bytes", "logit_error"}


def make_cell(
    scenario: str = "prefill",
    compression: tuple[str, ...] = (),
    precision: str = "fp32",
    operator: str = "sdpa",
    model: Choice = SMALL,
    hardware: str = "local",
) -> Cell:
    """A cell with the scenario's usual workload."""
    return Cell(
        model=model,
        hardware=Choice(hardware),
        scenario=Choice(scenario),
        parallelism=(),
        compression=tuple(Choice(name) for name in compression),
        operator=Choice(operator),
        precision=Choice(precision),
        backend=Choice("eager"),
        workload=WORKLOADS.get(scenario, (("batch", 1),)),
    )


def make_run(commit: Commit = COMMITS[0], host: Host = LAPTOP, torch: str = "2.13.0") -> Run:
    """A run of this commit, an hour after it was made."""
    started = (commit.date or datetime(2026, 1, 5, tzinfo=UTC)) + timedelta(hours=1)
    return Run(
        commit=commit,
        host=host,
        environment=Environment({"python": "3.11.9", "torch": torch, "harness": "0.1.0"}),
        started=started,
        seed=0,
        specs={"specs/quick.yaml": Asked("quick", "How fast is it?", "9f2c1e0b77aa")},
        command="harness run specs/quick.yaml",
        finished=started + timedelta(minutes=5),
    )


def make_estimate(metric: str, value: float, spread: float = 0.02) -> Estimate:
    """An estimate with an interval of ± `spread`; metrics that are constant have none."""
    unit, direction = _UNITS[metric]
    constant = metric in _CONSTANT
    return Estimate(
        value=value,
        low=None if constant else value * (1 - spread),
        high=None if constant else value * (1 + spread),
        unit=unit,
        direction=direction,
        rounds=3,
        samples=0 if constant else 60,
    )


def make_result(
    cell: Cell | None = None,
    run: Run | None = None,
    seconds: float = 0.2,
    error: float | None = 0.0,
    baseline: str | None = None,
) -> Result:
    """A measured result whose iteration takes this many seconds."""
    cell, run = cell or make_cell(), run or make_run()
    tokens = math.prod(n for key, n in cell.workload if key in {"batch", "prompt"})
    values = {
        "peak_memory": 1.31e9,
        "model_bytes": 497_759_232 * (0.25 if cell.compression else 1),
        "load_time": 0.84,
        "parameters": 124_439_808,
        "flops": 1.27e11,
    }
    sections = {"latency": seconds}
    if cell.scenario.name == "decode":
        sections = {"tpot": seconds}
    if cell.scenario.name == "generate":
        sections |= {"ttft": seconds * 0.16, "tpot": seconds * 0.84 / 63}
    per_second = 1 / seconds if cell.scenario.name == "decode" else tokens / seconds
    values |= {**sections, "tokens_per_second": per_second}
    if error is not None:
        values["logit_error"] = error
    return Result(
        run=run,
        cell=cell,
        status=Status.OK,
        stop_rule=StopRule.ROUNDS,
        baseline=baseline,
        metrics={name: make_estimate(name, value) for name, value in values.items()},
        rounds=tuple(_round(index, sections, run) for index in range(3)),
    )


def make_failure(
    cell: Cell,
    run: Run,
    status: Status = Status.FAILED,
    reason: str = "RuntimeError: expected a contiguous tensor",
    detail: str = "",
) -> Result:
    """A result without figures."""
    one = Round(0, status, reason, detail, started=run.started, seconds=1.2)
    return Result(run, cell, status, reason, detail, rounds=(one,))


def make_database() -> list[Result]:
    """Results of two hosts, three commits on the first, and every status; newest first."""
    older_first = []
    for age, commit in enumerate(COMMITS):
        older_first += _measured(make_run(commit), speed=0.93**age)
    older_first += _failed(make_run(COMMITS[-1]))
    older_first += _measured(make_run(COMMITS[-1], SERVER), speed=0.2)
    return [replace(result, id=key) for key, result in enumerate(older_first, start=1)][::-1]


def make_ceilings(hardware: str = "local", how: str = "torch.matmul, 2 threads") -> list[Ceilings]:
    """The laptop's ceilings."""
    found: tuple[Ceiling, ...] = (
        Ceiling("gemm_fp32", 324e9, "FLOP/s", CeilingKind.MEASURED, how),
        Ceiling("gemm_fp32", 360e9, "FLOP/s", CeilingKind.THEORETICAL, how),
        Ceiling("memory_read", 34e9, "B/s", CeilingKind.MEASURED, how, others=0.4),
    )
    found += tuple(
        Ceiling(memory_read(size), 120e9 / (1 + size / 2**25), "B/s", CeilingKind.MEASURED, how)
        for size in CURVE
    )
    environment = Environment({"torch": "2.13.0", "harness": "0.1.0"})
    saved = datetime(2026, 1, 8, 10, tzinfo=UTC)
    return [Ceilings(replace(LAPTOP, cpu=hardware), environment, hardware, found, saved)]


def make_nights(text: str = "interval excludes no change", host: Host = LAPTOP) -> list[Night]:
    """A night with every verdict, and a void one; the text is each reason."""
    cell, run = make_cell("decode"), make_run(host=host)
    no_figures: dict[str, Any] = {}
    figures: dict[str, Any] = {"ratio": 1.1, "low": 1.08, "high": 1.12}
    roles = (Role.SUSPECT, Role.SAME, Role.SLOWED, Role.REQUESTED)
    found = tuple(
        Confirmation(
            role=role,
            cell=cell,
            metric="tpot",
            unit="s",
            direction=Direction.LOWER,
            base=COMMITS[0],
            head=replace(COMMITS[1], subject=text),
            verdict=verdict,
            reason=text,
            pairs=(Pair(True, 0.0184, 0.0201), Pair(False, 0.0183, 0.0202)),
            accepted=role is Role.SUSPECT,
            **(no_figures if verdict is Verdict.FAILED else figures),
        )
        for role, verdict in zip(roles, Verdict, strict=True)
    )
    first = Night(
        Kind.NIGHTLY, host, run.environment, found[0].head, run.started, state=NightState.DONE
    )
    void = replace(first, state=NightState.VOID, reason=text)
    return [
        replace(first, confirmations=found),
        replace(void, started=run.started + timedelta(days=1)),
    ]


def make_triage(text: str = "doubles the batch") -> list[Triage]:
    """A decision, and the one that replaces it."""
    place = (make_cell("decode").id, "tpot", LAPTOP.fingerprint, COMMITS[1].sha)
    first = Triage(*place, TriageState.ACKNOWLEDGED, "", text, make_run().started)
    return [first, replace(first, state=TriageState.EXPECTED, note=text)]


def make_hostile() -> list[Result]:
    """Results with texts in which a spec, a commit or a worker tries to break a page."""
    script = "<script>document.title='broken'</script>"
    closing = "</script><img src=x onerror=\"document.title='broken'\">"
    cells = [
        make_cell(model=Choice("shape", (("layers", 1),), label=script), precision=precision)
        for precision in (
            closing,
            "\u202efp32 \u0645\u0631\u062d\u0628\u0627",
            "x" * 400,
            "'\"&amp;{{ 7*7 }}",
        )
    ]
    results = []
    for age, commit in enumerate(COMMITS):
        run = make_run(replace(commit, subject=f"{closing} {script}", branch=script))
        run = replace(run, command=script, specs={closing: Asked(script, script, script)})
        results += [
            make_result(cell, run, 0.2 * 0.9**age + i / 50, 0.01 * i, baseline=cells[0].id)
            for i, cell in enumerate(cells)
        ]
    broken = make_cell(model=cells[0].model, operator=script)
    results.append(
        make_failure(broken, run, Status.FAILED, closing, f"Traceback\n{closing}\n{script}")
    )
    return results[::-1]


def make_many(count: int) -> list[Result]:
    """This many measured results, all of different cells."""
    return [
        make_result(make_cell(operator=f"operator-{number % 20}", model=_sized(number // 20)))
        for number in range(count)
    ]


def _sized(number: int) -> Choice:
    return Choice("shape", (("layers", number + 1),), label=f"model-{number}")


def _measured(run: Run, speed: float) -> list[Result]:
    results = []
    losses = {(): 0.0, ("int8-dynamic",): 0.0134}
    for scenario, (compression, loss), precision, operator in product(
        _SECONDS, losses.items(), ("fp32", "bf16"), ("sdpa", "math")
    ):
        if compression and (scenario == "train" or precision == "bf16"):
            continue
        factor = (0.52 if compression else 1) * (0.71 if precision == "bf16" else 1)
        factor *= 1.012 if operator == "math" else 1
        cell = make_cell(scenario, compression, precision, operator)
        error = None if scenario == "train" else loss + (0.0021 if precision == "bf16" else 0)
        seconds = _SECONDS[scenario] * factor * speed
        results.append(make_result(cell, run, seconds, error, make_cell(scenario).id))
    return results


def _failed(run: Run) -> list[Result]:
    trace = 'Traceback (most recent call last):\n  File "worker.py", line 88, in measure\n'
    reasons = {
        Status.FAILED: ("triton", "RuntimeError: expected a contiguous tensor"),
        Status.TIMED_OUT: ("slow", "no result within 10 min"),
        Status.OUT_OF_MEMORY: ("quadratic", "used 17.2 GiB of the 16.0 GiB limit"),
        Status.CRASHED: ("native", "died by SIGSEGV"),
        Status.UNSUPPORTED: ("flash", "needs a CUDA device; this host has none"),
        Status.SKIPPED: ("huge", "needs 652 GiB; this host has 24 GiB"),
        Status.MEASURING: ("late", ""),
    }
    return [
        make_failure(
            make_cell(operator=operator),
            run,
            status,
            reason,
            trace + reason if status is Status.FAILED else "",
        )
        for status, (operator, reason) in reasons.items()
    ]


def _round(index: int, sections: dict[str, float], run: Run) -> Round:
    noise = random.Random(index)
    samples = [
        Sample(
            section,
            seconds * (1 + 0.01 * index + noise.gauss(0, 0.008) + (0.3 / (n + 1) if n < 3 else 0)),
            warmup=n < 3,
        )
        for section, seconds in sections.items()
        for n in range(23)
    ]
    started = run.started + timedelta(seconds=20 * index)
    return Round(index, Status.OK, samples=tuple(samples), started=started, seconds=6.4)
