"""Comparisons as tables, Markdown and JSON, and the reasons to fail."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from harness.analyse.outcomes import Outcome
from harness.cli.comparison import (
    LONGEST,
    Row,
    as_markdown,
    as_objects,
    as_table,
    row_of,
    summary,
)
from harness.cli.fail_on import failures, parse_fail_on
from harness.domain.cell import Cell
from harness.domain.metric import Direction
from harness.domain.night import Confirmation, Pair, Role, Verdict
from harness.domain.run import Commit
from harness.errors import UsageError

SLOWER = Row("decode", "tpot", Outcome.SLOWER, 1.05, 1.04, 1.06, 1e-9)
SAME = Row("prefill", "latency", Outcome.SAME, 1.0, 0.99, 1.01, 0.8)
GONE = Row("train", "latency", Outcome.NOT_RUN, note="B was not run", head_fault=True)
BROKEN = Row("generate", "latency", Outcome.FAILED, note="B: crashed", head_fault=True)


def test_the_summary_names_the_largest_change() -> None:
    larger = replace(SLOWER, name="decode int8", ratio=1.5)
    assert summary([SLOWER, SAME, larger, GONE]) == (
        "2 slower (most: decode int8, +50.0% TPOT), 1 the same, 1 not run"
    )
    assert summary([]) == "nothing to compare"


def test_a_rate_that_falls_is_as_large_as_one_that_rises() -> None:
    """Half as many tokens per second is more than a third more time."""
    halved = replace(SLOWER, name="halved", metric="tokens_per_second", ratio=0.5)
    assert "most: halved, -50.0%" in summary([replace(SLOWER, ratio=1.35), halved])


def test_a_table_has_the_columns_in_which_something_stands() -> None:
    lines = as_table([SLOWER, SAME], "A: a; B: b").splitlines()
    assert lines[1] == "A: a; B: b"
    assert lines[3].split() == ["verdict", "change", "95", "%", "interval", "p", "metric", "cell"]
    assert lines[5].split()[:4] == ["SLOWER", "+5.0%", "[+4.0%,", "+6.0%]"]


def test_nothing_is_folded_where_all_differs() -> None:
    text = as_markdown([SLOWER, BROKEN], "A: a; B: b")
    assert "<details>" not in text
    assert "| SLOWER" in text


@pytest.mark.parametrize(
    "odd", ["@everyone", "<img src=x>", "[a](http://b)", "a `b` c", "__a__", "</details>", "#12"]
)
def test_names_and_reasons_stay_text_in_markdown(odd: str) -> None:
    text = as_markdown([replace(BROKEN, note=odd, name=odd)], odd)
    outside = "".join(text.replace("``", "`").split("`")[::2]) if "`" not in odd else ""
    assert odd not in outside
    assert odd in text


@pytest.mark.parametrize("count", [1, 300, 5000])
def test_markdown_never_exceeds_a_comment(count: int) -> None:
    long = "x" * 1000
    rows = [replace(SLOWER, note=long), *[replace(SAME, note=long)] * count]
    for several in (rows, [replace(one, verdict=Outcome.FAILED) for one in rows]):
        text = as_markdown(several, "A: a; B: b")
        assert len(text) <= LONGEST
        assert text.count("<details>") == text.count("</details>")


def test_objects_hold_the_figures_and_what_the_caller_adds() -> None:
    (one,) = as_objects([replace(SLOWER, data={"cell": "4f0c"})])
    assert one["verdict"] == "slower"
    assert one["worse"]
    assert (one["ratio"], one["low"], one["high"], one["p"]) == (1.05, 1.04, 1.06, 1e-9)
    assert one["cell"] == "4f0c"


@pytest.mark.parametrize(
    ("verdict", "low", "high", "expected"),
    [
        (Verdict.CONFIRMED, 1.01, 1.02, Outcome.SLOWER),
        (Verdict.REJECTED, 0.99, 1.01, Outcome.SAME),
        (Verdict.REJECTED, 0.9, 1.1, Outcome.INCONCLUSIVE),
        (Verdict.INCONCLUSIVE, None, None, Outcome.INCONCLUSIVE),
        (Verdict.FAILED, None, None, Outcome.FAILED),
    ],
)
def test_what_pairs_of_rounds_say_is_a_row_too(
    make_cell: Callable[..., Cell],
    verdict: Verdict,
    low: float | None,
    high: float | None,
    expected: Outcome,
) -> None:
    one = Confirmation(
        Role.REQUESTED,
        make_cell(),
        *("latency", "s", Direction.LOWER),
        Commit("a" * 40),
        Commit("b" * 40),
        verdict,
        pairs=(Pair(True, 1.0, 1.015),) * 6,
        ratio=1.015,
        low=low,
        high=high,
    )
    row = row_of(one, "prefill", 0.03)
    assert row.verdict is expected
    assert "6 pairs" in row.note
    assert row.head_fault == (verdict is Verdict.FAILED)


def test_a_regression_outweighs_a_failure() -> None:
    rows = [SLOWER, SAME, GONE, BROKEN]
    assert failures(rows, parse_fail_on(["failed", "not-run"])) == (1, ["1 failed", "1 not run"])
    assert failures(rows, parse_fail_on(["failed", "worse:4%"])) == (
        3,
        ["1 failed", "1 worse by 4 % or more"],
    )
    assert failures(rows, parse_fail_on(["slower:6%"])) == (0, [])
    assert failures(rows, []) == (0, [])


def test_what_only_the_base_lacks_is_no_reason_to_fail() -> None:
    rows = [replace(one, head_fault=False) for one in (GONE, BROKEN)]
    assert failures(rows, parse_fail_on(["failed", "not-run"])) == (0, [])


@pytest.mark.parametrize("text", ["", "same", "slower:", "slower:0%", "slower:nan", "not-run:1%"])
def test_a_reason_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(UsageError, match="--fail-on"):
        parse_fail_on([text])
