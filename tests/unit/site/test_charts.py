from __future__ import annotations

import json
import math
from types import ModuleType
from typing import Any

import pytest

from harness.domain.result import Round, Sample, Status
from harness.site import charts
from harness.site.charts import Bar, Dot, Moment


def values(spec: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = spec["data"]["values"]
    return found


def test_bars_keep_the_given_order_and_share_a_unit() -> None:
    spec = charts.bars([Bar("b", 0.012), Bar("a", 0.2)], "Latency", "s")
    assert [(v["name"], v["value"]) for v in values(spec)] == [("b", 12.0), ("a", 200.0)]
    assert spec["layer"][0]["encoding"]["x"]["title"] == "Latency (ms)"
    assert spec["encoding"]["y"]["sort"] is None


def test_bars_with_equal_names_stay_separate() -> None:
    spec = charts.bars([Bar("same", 1), Bar("same", 2)], "Tokens/s", "tokens/s")
    assert [v["name"] for v in values(spec)] == ["same", "same (2)"]


def test_error_bars_are_drawn_only_for_intervals() -> None:
    without = charts.bars([Bar("a", 1.0)], "Latency", "s")
    with_one = charts.bars([Bar("a", 1.0), Bar("b", 2.0, 1.9, 2.1)], "Latency", "s")
    assert len(without["layer"]) == 1
    assert [layer["mark"]["type"] for layer in with_one["layer"]] == ["bar", "rule", "tick", "tick"]


@pytest.mark.parametrize("bad", [math.nan, math.inf])
def test_values_that_json_cannot_hold_are_left_out(bad: float) -> None:
    spec = charts.bars([Bar("a", 1.0, bad, bad)], "Latency", "s")
    assert values(spec)[0]["low"] is None
    json.dumps(spec, allow_nan=False)


def test_only_the_pareto_front_is_labelled() -> None:
    """Labels are on the side towards the middle, where there is room."""
    dots = [
        Dot("exact", 10, 0.0, on_pareto_front=True),
        Dot("slower", 9, 0.0),
        Dot("fast", 20, 0.02, on_pareto_front=True),
    ]
    spec = charts.trade_off(dots, ("Tokens/s", "tokens/s"), ("Logit error", "fraction"))
    assert [v["label"] for v in values(spec)] == ["right", "", "left"]


def test_every_sample_of_a_section_is_drawn_and_warm_up_is_marked() -> None:
    rounds = [
        Round(0, Status.OK, samples=(Sample("latency", 0.3, warmup=True), Sample("latency", 0.2))),
        Round(1, Status.OK, samples=(Sample("latency", 0.21), Sample("ttft", 0.1))),
    ]
    drawn = values(charts.samples(rounds, "latency", "Latency"))
    assert [(v["round"], v["position"], v["kind"]) for v in drawn] == [
        (1, 1, "warm-up"),
        (1, 2, "measured"),
        (2, 1, "measured"),
    ]


def test_more_samples_than_a_browser_can_draw_are_thinned() -> None:
    many = tuple(Sample("latency", 0.2) for _ in range(charts.MOST_SAMPLES + 1))
    drawn = values(charts.samples([Round(0, Status.OK, samples=many)], "latency", "Latency"))
    assert charts.thinning(len(many)) == 2
    assert len(drawn) == math.ceil(len(many) / 2)


def test_history_keeps_commits_in_the_given_order() -> None:
    moments = [
        Moment("bbb", "second", "", 2.0, 1.9, 2.1),
        Moment("aaa", "third", "", 1.0, 0.9, 1.1),
    ]
    spec = charts.history(moments, "Latency", "s")
    assert [(v["commit"], v["subject"]) for v in values(spec)] == [
        ("bbb", "second"),
        ("aaa", "third"),
    ]
    assert spec["encoding"]["x"]["sort"] is None


def test_history_breaks_its_line_where_the_environment_changed() -> None:
    """Each environment has its own line; the rule before its first commit names the change."""
    moments = [
        Moment("a", "", "", 1.0),
        Moment("a", "", "", 2.0, change="torch 1 → 2"),
        Moment("b", "", "", 2.0),
    ]
    spec = charts.history(moments, "Latency", "s")
    # Compared as JSON, where false is not 0: Vega would draw a line for each.
    assert json.dumps([v["environment"] for v in values(spec)]) == "[0, 1, 1]"
    line, rule, name, _ = spec["layer"]
    assert line["encoding"]["detail"]["field"] == "environment"
    assert rule["mark"]["type"] == "rule"
    assert name["transform"] == [{"filter": {"field": "commit", "equal": "a (2)"}}]
    assert name["encoding"]["text"]["field"] == "change"


def test_history_shows_levels_and_the_steps_between_them() -> None:
    """A line for each level; a step's size stands above a step up, below a step down."""
    moments = [
        Moment("a", "", "", 1.0, level=1.0),
        Moment("b", "", "", 1.1, level=1.1, step="+10.0%", worse=True),
        Moment("c", "", "", 1.0, level=1.0, step="-9.1%"),
    ]
    spec = charts.history(moments, "Latency", "s")
    assert [value["part"] for value in values(spec)] == [0, 1, 2]
    texts = [layer for layer in spec["layer"] if layer["mark"]["type"] == "text"]
    assert [(text["mark"]["style"], text["mark"]["baseline"]) for text in texts] == [
        ("better", "top"),
        ("worse", "bottom"),
    ]
    levels = [one for one in spec["layer"] if one["encoding"].get("y", {}).get("field") == "level"]
    assert len(levels) == 1


def test_history_without_a_step_shows_no_level() -> None:
    """Nor a layer that would be empty, of which Vega warns."""
    spec = charts.history([Moment("a", "", "", 1.0), Moment("b", "", "", 1.0)], "Latency", "s")
    assert [layer["mark"]["type"] for layer in spec["layer"]] == ["line", "point"]


def test_history_names_only_the_newest_changes() -> None:
    """Each in its own row, on the side with more room."""
    moments = [Moment(str(n), "", "", 1.0, change=f"torch {n}" if n else "") for n in range(6)]
    layers = charts.history(moments, "Latency", "s")["layer"]
    texts = [layer for layer in layers if layer["mark"]["type"] == "text"]
    assert [text["transform"][0]["filter"]["equal"] for text in texts] == ["5", "4", "3"]
    assert [text["mark"]["align"] for text in texts] == ["right", "right", "left"]
    assert len({text["encoding"]["y"]["value"] for text in texts}) == 3


def test_every_chart_is_valid_vega_lite(sample: ModuleType) -> None:
    import vl_convert

    rounds = sample.make_result().rounds
    loss = ("Logit error", "fraction")
    for spec in (
        charts.bars([Bar("a", 1.0, 0.9, 1.1, baseline=True), Bar("b", 2.0)], "Latency", "s"),
        charts.trade_off([Dot("a", 1, 0.1), Dot("b", 2, 0.2)], ("TPOT", "s"), loss),
        charts.samples(rounds, "latency", "Latency"),
        charts.history([Moment("a", "", "", 1.0), Moment("b", "", "", 2.0)], "Latency", "s"),
        charts.bandwidth([(2**20, 9e10), (2**30, 3e10)], 2.9e10),
        charts.history([Moment("a", "", "", 1.0, change="torch 1 → 2")], "Latency", "s"),
    ):
        assert vl_convert.vegalite_to_vega(spec)["marks"]


def test_samples_that_are_all_warm_up_have_no_median() -> None:
    taken = (Sample("latency", 0.3, warmup=True),)
    spec = charts.samples([Round(0, Status.TIMED_OUT, samples=taken)], "latency", "Latency")
    assert [layer["mark"]["type"] for layer in spec["layer"]] == ["point"]


def test_lines_over_length_have_one_legend_of_colour_and_dash() -> None:
    """Colours repeat among a dozen lines, so separate legends could not identify a line."""
    lines = [charts.Curve(name, ((512, 1.0), (1024, 2.0))) for name in ("math", "linear")]
    spec = charts.growth(lines, "Latency", "s")
    assert spec["encoding"]["color"] == spec["encoding"]["strokeDash"]
    assert not any(
        {"color", "strokeDash"} & one.get("encoding", {}).keys() for one in spec["layer"]
    )
    assert not any(one["mark"].get("filled") for one in spec["layer"])
