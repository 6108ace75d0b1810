"""What things are called on the pages: metrics, and how they are explained."""

from __future__ import annotations

from dataclasses import replace

from harness.domain.metric import Direction, Estimate
from harness.domain.result import Status
from harness.metrics import registry as metrics
from harness.metrics.documents import lacks_documents
from harness.site.format import Figure, Scale, figure, unit_of

_TITLES = {
    "latency": "Latency",
    "tokens_per_second": "Tokens/s",
    "ttft": "TTFT",
    "tpot": "TPOT",
    "mfu": "MFU",
    "mbu": "MBU",
    "time_p90": "90th percentile",
    "time_p99": "99th percentile",
    "energy_per_token": "Energy per token",
    "cost_per_million_tokens": "Cost per million tokens",
    "peak_memory": "Peak memory",
    "working_memory": "Working memory",
    "peak_allocated": "Peak allocated",
    "peak_reserved": "Peak reserved",
    "load_memory": "Load memory",
    "model_bytes": "Model size",
    "state_bytes": "KV cache",
    "load_time": "Load time",
    "parameters": "Parameters",
    "flops": "FLOPs",
    "arithmetic_intensity": "Arithmetic intensity",
    "roofline_share": "Roofline share",
    "quality_loss": "Quality loss",
    "kl_divergence": "KL divergence",
    "top1_agreement": "Top-1 agreement",
    "logit_error": "Logit error",
    "excess_bits_per_byte": "Excess bits/byte",
    "bits_per_byte": "Bits/byte",
    "file_bytes": "File size",
    "bits_per_weight": "Bits per weight",
    "nonzero_parameters": "Non-zero parameters",
    "sent_bytes": "Sent a step",
    "collectives": "Collectives",
    "rank_memory": "Peak memory a rank",
    "rank_parameters": "Parameters a rank",
    "rank_gradients": "Gradients a rank",
    "rank_optimizer": "Optimizer a rank",
    "rank_activations": "Activations a rank",
    "bubble": "Bubble",
    "bubble_in_theory": "Bubble in theory",
    "straggling": "Load imbalance",
    "split_error": "Split error",
    "launch_time": "Launch time",
    "compression_time": "Compression time",
    "cold_load_time": "Cold load time",
    "resident_memory": "Resident memory",
    "page_faults": "Page faults",
}

# In the order pages show them. Metrics not named here follow, by name.
_ORDER = tuple(_TITLES)

# Figures of how far the output moved: they stand beside speed, never instead of it.
QUALITY = (
    "quality_loss",
    "excess_bits_per_byte",
    "kl_divergence",
    "top1_agreement",
    "logit_error",
)

# Figures of the cell rather than of its run: told on its own page, no leaderboard's matter.
BACKGROUND = (
    "bits_per_byte",
    "cold_load_time",
    "nonzero_parameters",
    "working_memory",
    "load_time",
    "load_memory",
    "parameters",
    "flops",
    "state_bytes",
    "arithmetic_intensity",
    "roofline_share",
    "time_p90",
    "time_p99",
    "peak_allocated",
    "peak_reserved",
    "straggling",
    "launch_time",
    "bubble_in_theory",
    "page_faults",
)

# Figures of one process of several: where all cells are of one, others tell the same.
OF_RANKS = (
    "rank_memory",
    "rank_parameters",
    "rank_gradients",
    "rank_optimizer",
    "rank_activations",
)

STATUSES = {
    Status.OK: "Measured; it has a rank.",
    Status.FAILED: "An exception ended it; its traceback is on the cell's page.",
    Status.TIMED_OUT: "It did not end within the time limit.",
    Status.OUT_OF_MEMORY: "It needed more memory than the limit or the machine has.",
    Status.CRASHED: "Its process died by a signal, such as a segmentation fault.",
    Status.UNSUPPORTED: "This machine, or this combination of choices, cannot do it.",
    Status.SKIPPED: "It was not tried, for a reason known beforehand.",
    Status.MEASURING: "Rounds are still missing: the run goes on, or was cut short.",
}


def title(metric: str) -> str:
    """A metric's name as a column's or chart's title."""
    return _TITLES.get(metric) or metric.replace("_", " ").capitalize()


def meaning(metric: str) -> str:
    """One line on what a metric is; empty for one that no installed package declares."""
    return metrics[metric].summary if metric in metrics else ""


def figure_of(metric: str, estimate: Estimate, scale: Scale | None = None) -> Figure:
    """The metric in print; in the place of the interval why there is none, if documents lack."""
    told = figure(estimate, unit_of(metric, estimate.unit), scale)
    if not lacks_documents(metric, estimate):
        return told
    count = estimate.samples
    documents = f"{count} document{'' if count == 1 else 's'}"
    return replace(told, interval=f"{documents}: no interval")


def better(direction: Direction) -> str:
    """Which way is good, in words."""
    return f"{direction.value} is better"


def ordered(names: set[str]) -> list[str]:
    """Metrics in the order pages show them."""
    known = [name for name in _ORDER if name in names]
    return known + sorted(names.difference(_ORDER))
