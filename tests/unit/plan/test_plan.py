"""What is done with each cell, and why."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from harness.domain.result import Known, Status, StopRule, Took
from harness.domain.run import Host
from harness.plan.expect import Expected, Span
from harness.plan.plan import Action, Plan, Planned, make_plan, shared, stricter, wider
from harness.spec.catalog import Catalog
from harness.spec.settings import Limits, Measure
from harness.spec.spec import Spec

Read = Callable[..., Spec]
Planner = Callable[..., Plan]

FACTORY = '{factory: "json:JSONDecoder"}'
SMALL = "matrix: {model: small, scenario: prefill}\n"


@pytest.fixture
def plan(read: Read, catalog: Catalog, host: Host) -> Planner:
    """The plan of one text on the small host."""

    def made(text: str, known: Any = None, durations: Any = None, **options: Any) -> Plan:
        machine = options.pop("host", host)
        return make_plan(
            [read(text)], machine, known or {}, durations or {}, catalog=catalog, **options
        )

    return made


def only(plan: Plan) -> Planned:
    (item,) = plan
    return item


def expected(item: Planned) -> Expected:
    assert item.expected is not None
    return item.expected


def cell_id(read: Read, text: str = SMALL) -> str:
    (cell,) = read(text).cells
    return cell.id


class TestWhatIsKnown:
    def test_a_new_cell_is_measured(self, plan: Planner) -> None:
        item = only(plan(SMALL))
        assert (
            item.action,
            item.reason,
            item.status,
            item.rounds_done,
        ) == (Action.MEASURE, "not measured yet", None, 0)

    def test_a_measured_cell_is_reused(self, plan: Planner, read: Read) -> None:
        item = only(plan(SMALL, {cell_id(read): Known(Status.OK, rounds=6, result=7)}))
        assert (
            item.action,
            item.status,
            item.rounds_done,
            item.expected,
        ) == (Action.REUSE, Status.OK, 6, None)
        assert item.reason == "measured already at this commit, host and environment"

    def test_a_cell_measured_less_than_is_asked_is_measured_anew(
        self, plan: Planner, read: Read
    ) -> None:
        known = {cell_id(read): Known(Status.OK, rounds=3)}
        item = only(plan(SMALL, known))
        assert (item.action, item.rounds_done, item.adopt) == (Action.MEASURE, 0, None)
        assert item.reason == "measured with only 3 rounds; at least 6 are asked for"

    def test_a_cell_cut_short_goes_on(self, plan: Planner, read: Read) -> None:
        """Its rounds count, and the result that holds them is taken over."""
        known = {cell_id(read): Known(Status.MEASURING, rounds=2, result=7)}
        item = only(plan(SMALL, known, {cell_id(read): Took(4.0, rounds=6)}))
        assert (item.action, item.rounds_done, item.adopt) == (Action.MEASURE, 2, 7)
        assert item.span.middle == pytest.approx(4 * 4.0)
        assert item.reason == "an earlier run did 2 of at least 6 rounds"

    @pytest.mark.parametrize(
        ("done", "reason"),
        [
            (2, "an earlier run did 2 of at least 6 rounds"),
            (7, "the budget of an earlier run ended after 7 rounds"),
        ],
    )
    def test_a_cell_whose_budget_ended_goes_on(
        self, plan: Planner, read: Read, done: int, reason: str
    ) -> None:
        """It has figures already; they become more exact."""
        earlier = Known(Status.OK, rounds=done, result=7, stop_rule=StopRule.BUDGET)
        item = only(plan(SMALL, {cell_id(read): earlier}))
        assert (item.action, item.rounds_done, item.adopt) == (Action.MEASURE, done, 7)
        assert item.reason == reason

    @pytest.mark.parametrize(
        "status",
        [
            Status.FAILED,
            Status.TIMED_OUT,
            Status.OUT_OF_MEMORY,
            Status.CRASHED,
            Status.UNSUPPORTED,
        ],
    )
    def test_a_failure_is_a_result_until_asked_to_try_again(
        self, plan: Planner, read: Read, status: Status
    ) -> None:
        known = {cell_id(read): Known(status, "it broke", rounds=1, result=7)}
        item = only(plan(SMALL, known))
        assert (Action.REUSE, status) == (item.action, item.status)
        assert f"failed before: {status}: it broke; --retry-failed tries again" == item.reason
        again = only(plan(SMALL, known, retry_failed=True))
        assert (
            again.action,
            again.status,
            again.rounds_done,
            again.adopt,
        ) == (Action.MEASURE, None, 0, None)
        assert f"tried again; before: {status}: it broke" == again.reason

    def test_trying_failures_again_leaves_successes_alone(self, plan: Planner, read: Read) -> None:
        known = {cell_id(read): Known(Status.OK, rounds=6)}
        assert Action.REUSE is only(plan(SMALL, known, retry_failed=True)).action

    def test_a_skip_that_no_longer_holds_is_measured(self, plan: Planner, read: Read) -> None:
        """A limit was raised, say."""
        known = {cell_id(read): Known(Status.SKIPPED, "too large")}
        item = only(plan(SMALL, known))
        assert (
            item.action,
            item.reason,
        ) == (Action.MEASURE, "no longer skipped; before: too large")

    @pytest.mark.parametrize("status", [Status.OK, Status.FAILED, Status.MEASURING])
    def test_fresh_forgets_all(self, plan: Planner, read: Read, status: Status) -> None:
        known = {cell_id(read): Known(status, rounds=2, result=7)}
        item = only(plan(SMALL, known, fresh=True))
        assert (
            item.action,
            item.reason,
            item.rounds_done,
            item.adopt,
        ) == (Action.MEASURE, "asked to measure again", 0, None)


class TestWhatTheHostCannotDo:
    def test_hardware_that_is_not_there(self, plan: Planner) -> None:
        item = only(plan("matrix: {model: small, scenario: prefill, hardware: cuda}"))
        assert (item.action, item.status, item.expected) == (Action.SKIP, Status.UNSUPPORTED, None)
        assert item.reason == "cuda: this host has no GPU"

    def test_what_an_entry_cannot_do_in_this_cell(self, plan: Planner) -> None:
        text = (
            "matrix: {model: small, scenario: prefill, operator: window, precision: [fp32, bf16]}"
        )
        reasons = [(item.action, item.reason) for item in plan(text)]
        assert reasons == [
            (Action.MEASURE, "not measured yet"),
            (Action.SKIP, "window: takes fp32 only"),
        ]

    @pytest.mark.parametrize(
        ("axes", "needs"),
        [
            ("operator: window", "window"),
            ("compression: int8", "int8"),
            ("parallelism: {data: 2}", "data=2"),
        ],
    )
    def test_what_changes_the_built_in_model_on_a_factorys(
        self, plan: Planner, axes: str, needs: str
    ) -> None:
        """Said before any entry asks for dimensions that such a model does not tell."""
        text = f"matrix: {{model: {FACTORY}, scenario: prefill, {axes}}}\nworkload: {{batch: 2}}"
        item = only(plan(text))
        assert item.status is Status.UNSUPPORTED
        assert item.reason == (
            f"{needs} needs the built-in Transformer; json:JSONDecoder builds its own"
        )

    def test_training_what_has_no_gradient(self, plan: Planner) -> None:
        text = "matrix: {model: small, scenario: [prefill, train], compression: int8}"
        prefill, train = plan(text)
        assert Action.MEASURE is prefill.action
        assert (
            train.status,
            train.reason,
        ) == (Status.UNSUPPORTED, "a model compressed by int8 cannot be trained")

    def test_tokens_from_a_model_that_produces_none(self, plan: Planner) -> None:
        """Told before anything else that the cell could not do either."""
        text = (
            "matrix: {model: {name: small, architecture: encoder}, hardware: cuda, "
            "scenario: [prefill, decode]}"
        )
        prefill, decode = plan(text)
        assert prefill.reason == "cuda: this host has no GPU"
        assert (
            decode.status,
            decode.reason,
        ) == (Status.UNSUPPORTED, "an encoder produces embeddings, not tokens: it has no decode")

    @pytest.mark.parametrize("architecture", ["encoder", "encoder-decoder"])
    def test_an_operator_that_cannot_see_both_ways(self, plan: Planner, architecture: str) -> None:
        """Those that can are named."""
        text = (
            f"matrix: {{model: {{name: small, architecture: {architecture}}}, "
            "scenario: prefill, operator: [sdpa, window]}"
        )
        sdpa, window = plan(text)
        assert Action.MEASURE is sdpa.action
        assert (
            window.status,
            window.reason,
        ) == (
            Status.UNSUPPORTED,
            (
                f"window is causal; in an {architecture}, the encoder's tokens see all others "
                "(possible: sdpa)"
            ),
        )

    def test_weights_beyond_the_hosts_memory(self, plan: Planner) -> None:
        """With the figures; in half the bytes, half as many."""
        text = "matrix: {model: huge, scenario: [prefill, train], precision: [fp32, bf16]}"
        expected = [
            "needs at least 650 GiB for its weights; this host has 24 GiB",
            "needs at least 325 GiB for its weights; this host has 24 GiB",
            (
                "needs at least 2.54 TiB for its weights, gradients and AdamW's moments; "
                "this host has 24 GiB"
            ),
            (
                "needs at least 1.27 TiB for its weights, gradients and AdamW's moments; "
                "this host has 24 GiB"
            ),
        ]
        assert expected == [item.reason for item in plan(text)]
        assert {Status.SKIPPED} == {item.status for item in plan(text)}

    def test_weights_beyond_the_limit(self, plan: Planner) -> None:
        text = SMALL + "limits: {memory: 256MiB}"
        item = only(plan(text))
        assert (
            item.status,
            item.reason,
        ) == (Status.SKIPPED, "needs at least 478 MiB for its weights; the limit is 256 MiB")

    def test_weights_beyond_the_devices_memory(self, plan: Planner, gpu_host: Host) -> None:
        """The device's counts, not the host's; the limit is on the host's."""
        big = "{layers: 40, d_model: 5120, heads: 40}"
        text = f"matrix: {{model: {big}, scenario: prefill, hardware: [local, cuda]}}"
        local, cuda = plan(text, host=gpu_host)
        assert Action.MEASURE is local.action
        assert cuda.reason == "needs at least 47.9 GiB for its weights; cuda has 16 GiB"
        text = "matrix: {model: small, scenario: prefill, hardware: cuda}\nlimits: {memory: 1MiB}"
        assert Action.MEASURE is only(plan(text, host=gpu_host)).action

    def test_what_cannot_be_done_is_skipped_whatever_is_known(
        self, plan: Planner, read: Read
    ) -> None:
        text = "matrix: {model: small, scenario: prefill, hardware: cuda}"
        known = {cell_id(read, text): Known(Status.OK, rounds=6)}
        assert Action.SKIP is only(plan(text, known)).action


class TestCellsThatSpecsShare:
    def test_they_stand_once_where_they_came_first(self, read: Read) -> None:
        one = read(
            "name: one\nmatrix: {model: [small, nano], scenario: prefill}\nworkload: {prompt: 8}"
        )
        two = read(
            "name: two\nmatrix: {model: nano, scenario: [decode, prefill]}\nworkload: {prompt: 8}"
        )
        wanted = shared([one, two])
        assert [item.specs for item in wanted] == [("one",), ("one", "two"), ("two",)]
        assert [*one.cells, two.cells[0]] == [item.cell for item in wanted]

    def test_they_get_the_strictest_measure_and_the_widest_limits(self, read: Read) -> None:
        one = read(
            SMALL + "measure: {rounds: 7, target_ci: 1%, quality: false, seed: 1}\n"
            "limits: {timeout: 1m, memory: 1GiB}"
        )
        two = read(
            SMALL + "measure: {max_time: 5m, samples: 9}\nlimits: {timeout: 2m, memory: 2GiB}"
        )
        (item,) = shared([one, two])
        assert (
            Measure.model_validate(
                {"rounds": 7, "target_ci": 0.01, "max_time": "5m", "samples": 9, "seed": 1}
            )
            == item.measure
        )
        assert (item.limits.timeout, item.limits.memory) == (120.0, 2 * 2**30)

    def test_they_are_compared_with_the_first_baseline_named(self, read: Read) -> None:
        plain, two = read(SMALL), read("baseline: {precision: fp32}\n" + SMALL)
        (item,) = shared([plain, two])
        assert item.cell.id == item.baseline

    def test_they_cost_what_the_first_spec_with_a_price_says(self, read: Read) -> None:
        specs = [read(SMALL), *(read(f"prices: {{local: {price}}}\n{SMALL}") for price in (2, 3))]
        (item,) = shared(specs)
        assert item.price == 2

    def test_energy_is_measured_if_any_asks_for_it(self, read: Read) -> None:
        (item,) = shared([read(SMALL), read(SMALL + "measure: {energy: true}")])
        assert item.measure.energy

    def test_they_keep_only_their_own_weights(
        self, load_here: Callable[..., list[Spec]], gpt2_bytes: Callable[..., bytes]
    ) -> None:
        text = (
            "matrix: {scenario: prefill, model: "
            "[nano, {name: nano, weights: [a.safetensors, b.safetensors]}]}\n"
            "workload: {prompt: 8}"
        )
        weights = {"a.safetensors": gpt2_bytes(), "b.safetensors": gpt2_bytes(fill=1)}
        files = {**weights, "s.yaml": text}
        wanted = shared(load_here(files, "s.yaml"))
        assert [[file.rpartition("/")[2] for file in item.weights.values()] for item in wanted] == [
            [],
            ["a.safetensors"],
            ["b.safetensors"],
        ]

    def test_the_same_settings_stay_the_same(self) -> None:
        assert stricter(Measure(), Measure()) == Measure()
        assert wider(Limits(), Limits()) == Limits()

    @pytest.mark.parametrize("key", ["quality", "ceiling"])
    def test_what_one_asks_for_is_measured(self, key: str) -> None:
        asked, refused = (Measure.model_validate({key: value}) for value in (True, False))
        assert getattr(stricter(asked, refused), key)
        assert getattr(stricter(refused, asked), key)
        assert not getattr(stricter(refused, refused), key)

    @pytest.mark.parametrize(("first", "second"), [("1GiB", None), (None, "1GiB")])
    def test_no_limit_is_the_widest(self, first: Any, second: Any) -> None:
        assert wider(Limits(memory=first), Limits(memory=second)).memory is None


class TestPrices:
    MATRIX = (
        "matrix: {model: small, scenario: prefill, "
        "hardware: [local, cpu, {device: cpu, threads: 2}]}"
    )

    def test_a_price_is_of_the_hardware_as_the_plan_prints_it_or_of_its_name(
        self, plan: Planner
    ) -> None:
        """The former first."""
        text = f"{self.MATRIX}\nprices: {{cpu: 0.5, cpu(threads=2): 0.25}}"
        assert [item.price for item in plan(text)] == [None, 0.5, 0.25]

    def test_without_one_the_data_sheets_counts(
        self, plan: Planner, catalog: Catalog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(catalog.hardware["cpu"], "price_per_hour", lambda *_: 0.75)
        monkeypatch.setattr(catalog.hardware["local"], "price_per_hour", lambda *_: None)
        text = f"{self.MATRIX}\nprices: {{cpu(threads=2): 0.25}}"
        assert [item.price for item in plan(text)] == [None, 0.75, 0.25]

    def test_a_cell_costs_as_many_devices_as_it_takes(self, plan: Planner, gpu_host: Host) -> None:
        """Processes share the processor, and have a GPU each."""
        text = (
            "matrix: {model: small, scenario: prefill, hardware: [local, cuda], "
            "parallelism: [none, {data: 2}]}\nworkload: {batch: 2}\nprices: {local: 1, cuda: 3}"
        )
        two = replace(gpu_host, gpus=gpu_host.gpus * 2)
        assert [item.price for item in plan(text, host=two)] == [1, 1, 3, 6]

    def test_a_price_of_hardware_that_is_not_in_the_matrix_is_no_fault(self, read: Read) -> None:
        """One list of prices serves many specs."""
        assert read(f"{SMALL}prices: {{cuda: 2.95}}").prices == {"cuda": 2.95}

    def test_a_price_changes_no_cell(self, read: Read) -> None:
        assert cell_id(read) == cell_id(read, f"{SMALL}prices: {{local: 1}}")


class TestExpectedTime:
    def test_only_the_time_limit_bounds_a_factorys_model(self, plan: Planner) -> None:
        """It may be of any size."""
        text = f"matrix: {{model: {FACTORY}, scenario: prefill}}\nlimits: {{timeout: 90s}}"
        found = expected(only(plan(text)))
        assert found.round.high == 90
        assert found.round.low < 2

    def test_it_is_what_rounds_took_before(self, plan: Planner, read: Read) -> None:
        span = only(plan(SMALL, durations={cell_id(read): Took(2.5, rounds=6)})).span
        assert span.low < 6 * 2.5 < span.high
        assert span.middle == pytest.approx(6 * 2.5)

    def test_a_guess_grows_with_the_work(self, plan: Planner) -> None:
        def guess(text: str) -> Span:
            return only(plan(text)).span

        small = guess(SMALL)
        assert guess(SMALL + "workload: {prompt: 1024}").high > small.high
        assert guess(SMALL.replace("prefill", "train")).high > small.high
        assert guess(SMALL + "measure: {rounds: 12}").low == pytest.approx(2 * small.low)
        assert guess(SMALL + "measure: {round_time: 60s}").low > 6 * 60

    def test_a_round_takes_at_least_its_time(self, plan: Planner) -> None:
        nano = "matrix: {model: nano, scenario: prefill}\nworkload: {prompt: 8}\nmeasure: {round_time: 2s}"
        assert 6 * 2 < only(plan(nano)).span.low < 6 * 3

    def test_a_baseline_takes_as_many_rounds_as_the_cells_compared_with_it(
        self, plan: Planner, read: Read
    ) -> None:
        """It would be done after six, which a cell beside it was not before."""
        text = (
            "baseline: {precision: fp32}\n"
            "matrix: {model: small, scenario: prefill, precision: [fp32, bf16]}\n"
            "measure: {max_rounds: 20}"
        )
        base, cell = read(text).cells
        took = {base.id: Took(1.0, rounds=6), cell.id: Took(1.0, rounds=30)}
        assert [expected(item).rounds for item in plan(text, durations=took)] == [(6, 20)] * 2

    def test_a_model_that_cells_share_is_prepared_once(self, plan: Planner) -> None:
        text = "matrix: {model: small, scenario: [prefill, decode], compression: int8}"
        first, second = plan(text)
        assert expected(first).once.low > expected(second).once.low == 0

    def test_what_is_not_measured_takes_no_time(self, plan: Planner, read: Read) -> None:
        assert only(plan(SMALL, {cell_id(read): Known(Status.OK, rounds=6)})).span == Span()

    def test_a_plan_sums_up(self, plan: Planner, read: Read) -> None:
        text = "matrix: {model: small, scenario: prefill, precision: [fp32, bf16], hardware: [local, cuda]}"
        first, *_ = read(text).cells
        second = next(cell for cell in read(text).cells if cell.precision.name == "bf16")
        took = {second.id: Took(4.0, rounds=6)}
        made = plan(text, {first.id: Known(Status.OK, rounds=6)}, took)
        assert made.counts() == {Action.MEASURE: 1, Action.REUSE: 1, Action.SKIP: 2}
        assert made.span().middle == pytest.approx(6 * 4.0)
        assert [second.id] == [item.cell.id for item in made.of(Action.MEASURE)]
        assert len(made) == 4
        assert plan(SMALL).counts() == {Action.MEASURE: 1}


def test_a_plan_holds_what_measuring_needs(plan: Planner, read: Read) -> None:
    text = (
        "name: x\nbaseline: {precision: fp32}\n"
        + SMALL
        + "measure: {rounds: 4}\nlimits: {timeout: 9s}"
    )
    item = only(plan(text))
    assert (("x",), 4, 9.0, cell_id(read), {}) == (
        item.specs,
        item.measure.rounds,
        item.limits.timeout,
        item.baseline,
        item.weights,
    )


def test_what_has_no_order_is_the_first_specs() -> None:
    """Of two specs that share a cell: not the default, which neither has asked for."""
    one = Measure.model_validate({"allocator": "default", "seed": 7, "rounds": 3})
    both = stricter(one, Measure.model_validate({"allocator": "default", "rounds": 9}))
    assert (both.allocator, both.seed, both.rounds) == ("default", 7, 9)
