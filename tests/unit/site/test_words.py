"""The titles, units and order of metrics on pages and in tables."""

from __future__ import annotations

from dataclasses import replace
from types import ModuleType

import pytest

from harness import metrics
from harness.cli.shown import Shown, as_table
from harness.domain.metric import Direction, Estimate
from harness.domain.result import Result, Round
from harness.metrics import Group, Metric
from harness.site import leaderboard, words
from harness.site.cell_history import cell_histories
from harness.site.cell_page import view

# The harness's own metrics in the order of a cell's page: name, title, unit to print in.
PAGE = (
    ("latency", "Latency", "s"),
    ("tokens_per_second", "Tokens/s", "tokens/s"),
    ("ttft", "TTFT", "s"),
    ("tpot", "TPOT", "s"),
    ("mfu", "MFU", "fraction"),
    ("mbu", "MBU", "fraction"),
    ("time_p90", "90th percentile", "s"),
    ("time_p99", "99th percentile", "s"),
    ("energy_per_token", "Energy per token", "J"),
    ("cost_per_million_tokens", "Cost per million tokens", "USD"),
    ("peak_memory", "Peak memory", "B"),
    ("working_memory", "Working memory", "B"),
    ("peak_allocated", "Peak allocated", "B"),
    ("peak_reserved", "Peak reserved", "B"),
    ("load_memory", "Load memory", "B"),
    ("model_bytes", "Model size", "B"),
    ("state_bytes", "KV cache", "B"),
    ("load_time", "Load time", "s"),
    ("parameters", "Parameters", "count"),
    ("flops", "FLOPs", "FLOP"),
    ("arithmetic_intensity", "Arithmetic intensity", "FLOP/B"),
    ("roofline_share", "Roofline share", "fraction"),
    ("quality_loss", "Quality loss", "bit/B"),
    ("kl_divergence", "KL divergence", "bit"),
    ("top1_agreement", "Top-1 agreement", "fraction"),
    ("logit_error", "Logit error", "fraction"),
    ("excess_bits_per_byte", "Excess bits/byte", "bit/B"),
    ("bits_per_byte", "Bits/byte", "bit/B"),
    ("file_bytes", "File size", "B"),
    ("bits_per_weight", "Bits per weight", "bit"),
    ("nonzero_parameters", "Non-zero parameters", "count"),
    ("sent_bytes", "Sent a step", "B"),
    ("collectives", "Collectives", "1"),
    ("rank_memory", "Peak memory a rank", "B"),
    ("rank_parameters", "Parameters a rank", "B"),
    ("rank_gradients", "Gradients a rank", "B"),
    ("rank_optimizer", "Optimizer a rank", "B"),
    ("rank_activations", "Activations a rank", "B"),
    ("bubble", "Bubble", "fraction"),
    ("bubble_in_theory", "Bubble in theory", "fraction"),
    ("load_imbalance", "Load imbalance", "fraction"),
    ("split_error", "Split error", "1"),
    ("launch_time", "Launch time", "s"),
    ("compression_time", "Compression time", "s"),
    ("compile_time", "Compile time", "s"),
    ("cached_compile_time", "Cached compile time", "s"),
    ("compiled_graphs", "Compiled graphs", "1"),
    ("graph_breaks", "Graph breaks", "1"),
    ("cold_load_time", "Cold load time", "s"),
    ("resident_memory", "Resident memory", "B"),
    ("page_faults", "Page faults", "1"),
)
LEADERBOARD = (
    *("latency", "tokens_per_second", "ttft", "tpot", "mfu", "mbu"),
    *("energy_per_token", "cost_per_million_tokens"),
    *("peak_memory", "model_bytes"),
    *("file_bytes", "bits_per_weight"),
    *("sent_bytes", "collectives"),
    *("rank_memory", "rank_parameters", "rank_gradients", "rank_optimizer", "rank_activations"),
    *("bubble", "split_error"),
    *("compression_time", "compile_time", "cached_compile_time", "resident_memory"),
)
QUALITY = ("quality_loss", "excess_bits_per_byte", "kl_divergence", "top1_agreement", "logit_error")
SHOW = (
    *("tokens_per_second", "latency", "ttft", "tpot", "mfu", "mbu", "peak_memory", "file_bytes"),
    *("quality_loss", "kl_divergence", "logit_error"),
)


def own() -> list[type[Metric]]:
    """The harness's own metrics, whatever else is installed."""
    return [one for one in metrics.registry.entries() if one.__module__.startswith("harness.")]


@pytest.fixture
def complete(sample: ModuleType) -> Result:
    """A result with a figure for every metric, and for one that no installed package registers."""
    found = {
        one.name: Estimate(1.0, 0.9, 1.1, one.unit, one.direction, 3, 60) for one in own()[::-1]
    }
    foreign = Estimate(1.0, 0.9, 1.1, "1", Direction.LOWER, 3, 60)
    result: Result = sample.make_result()
    return replace(result, metrics={"a_foreign_one": foreign, **found})


def group_of(result: Result) -> leaderboard.CellGroup:
    histories = cell_histories([result])
    [board] = leaderboard.boards(histories, {}, lambda _: "latency")
    [group] = board.groups
    return group


def test_metrics_have_their_titles_units_and_order() -> None:
    found = [
        (name, words.title(name), words.unit_of(name, metrics.registry[name].unit))
        for name in words.ordered({one.name for one in own()})
    ]
    assert found == list(PAGE)


def test_a_metric_that_no_package_registers_comes_last_by_name() -> None:
    """Results outlive the packages that measured them."""
    names = {"ttft", "zeal", "page_faults", "able_bodied"}
    assert words.ordered(names) == ["ttft", "page_faults", "able_bodied", "zeal"]
    assert words.title("able_bodied") == "Able bodied"
    assert words.meaning("able_bodied") == ""
    assert words.unit_of("able_bodied", "furlong") == "furlong"


class Plain(Metric):
    """A metric with only the required attributes."""

    name, summary = "able_bodied", "how able"
    unit = "1"
    direction = Direction.HIGHER

    def value(self, one: Round) -> float | None:
        return None


class Fraction(Plain):
    """A metric that declares where it is shown."""

    name = "zeal"
    title = "Zeal!"
    printed_unit = "fraction"
    group = Group.SPEED
    show_column = 12
    quality_column = 6


@pytest.fixture
def outside(monkeypatch: pytest.MonkeyPatch) -> None:
    """Registers both, as an outside package would."""
    list(metrics.registry)
    for entry in (Plain, Fraction):
        monkeypatch.setitem(metrics.registry._entries, entry.name, entry)


@pytest.mark.usefixtures("outside")
def test_an_outside_metric_without_a_title_is_shown_last_under_its_name() -> None:
    names = {"page_faults", "able_bodied", "latency", "peak_memory"}
    assert words.ordered(names) == ["latency", "peak_memory", "page_faults", "able_bodied"]
    assert (words.title("able_bodied"), words.unit_of("able_bodied", "1")) == ("Able bodied", "1")
    assert words.columns(names) == ["latency", "peak_memory", "able_bodied"]


@pytest.mark.usefixtures("outside")
def test_an_outside_metric_declares_how_it_is_shown(complete: Result) -> None:
    """No file of the harness needs to name it."""
    assert words.ordered({"time_p99", "zeal", "peak_memory"}) == ["time_p99", "zeal", "peak_memory"]
    assert (words.title("zeal"), words.unit_of("zeal", "1")) == ("Zeal!", "fraction")
    assert words.quality() == [*QUALITY, "zeal"]
    one = replace(complete, metrics={**complete.metrics, "zeal": complete.metrics["mfu"]})
    header = as_table([Shown(one, None)], "csv").splitlines()[0].split(",")
    assert tuple(name for name in header if name in one.metrics) == (*SHOW, "zeal")


def test_a_leaderboard_shows_its_metrics_in_order(complete: Result) -> None:
    group = group_of(complete)
    assert tuple(one.metric for one in group.columns) == (*LEADERBOARD, "a_foreign_one")
    assert tuple(one.metric for one in group.quality) == QUALITY


def test_figures_a_rank_are_only_shown_for_several_processes(complete: Result) -> None:
    """For one process they repeat other columns."""
    alone = {name: one for name, one in complete.metrics.items() if name != "sent_bytes"}
    group = group_of(replace(complete, metrics=alone))
    kept = [name for name in LEADERBOARD if not name.startswith(("rank_", "sent_"))]
    assert [one.metric for one in group.columns] == [*kept, "a_foreign_one"]


def test_a_leaderboard_without_quality_has_a_logit_error_column(complete: Result) -> None:
    group = group_of(replace(complete, metrics={"latency": complete.metrics["latency"]}))
    assert [one.metric for one in group.quality] == ["logit_error"]


def test_a_cells_page_shows_all_metrics_and_a_few_on_top(complete: Result) -> None:
    [one] = cell_histories([complete])
    page = view(one, {}, "tpot", "0.1.0")
    assert [row.metric for row in page.metrics] == [*(name for name, *_ in PAGE), "a_foreign_one"]
    tiles = ["tpot", *QUALITY, "peak_memory", "model_bytes"]
    assert [row.metric for row in page.tiles] == tiles


def test_a_table_in_the_terminal_shows_some_metrics(complete: Result) -> None:
    header = as_table([Shown(complete, None)], "csv").splitlines()[0].split(",")
    assert tuple(name for name in header if name in complete.metrics) == SHOW
