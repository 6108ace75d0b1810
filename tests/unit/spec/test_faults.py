"""Every fault tells its place, what was found, what is possible, and the nearest name."""

from collections.abc import Callable

import pytest

Faults = Callable[..., list[str]]


def spec(line: str) -> str:
    """A good spec but for its second line."""
    return f"workload: {{prompt: 8, generate: 2}}\n{line}\nmatrix:\n  model: nano\n  scenario: prefill\n"


def axis(line: str) -> str:
    """A good spec but for one axis, on its fourth line."""
    given = line.partition(":")[0]
    rest = [
        f"  {key}: {value}"
        for key, value in {"model": "nano", "scenario": "prefill"}.items()
        if key != given
    ]
    return "\n".join(
        ["workload: {prompt: 8, generate: 2}", "matrix:", rest[0], f"  {line}", *rest[1:]]
    )


KEYS = "baseline, exclude, expect, include, limits, matrix, measure, name, prices, quality, scaling, subject, workload, zip"
AXES = "backend, compression, hardware, model, operator, parallelism, precision, scenario"


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("matrx: 1", f"2:1: unknown key 'matrx'; did you mean 'matrix'? (possible: {KEYS})"),
        ("name: 3", "2:7: name should be a text, found 3"),
        ("name: [a]", "2:7: name should be a text, found a list"),
        ("measure: 3", "2:10: measure should be a mapping of keys to values, found 3"),
        ("exclude: {precision: bf16}", "2:10: exclude should be a list, found a mapping"),
        ("exclude: [3]", "2:11: exclude should be a mapping of keys to values, found 3"),
        ("exclude: [{}]", "2:11: an empty entry names no cells"),
        ("include: [{batch: 0}]", "2:19: batch should be greater than or equal to 1, found 0"),
        ("include: [{batch: [1, x]}]", "2:23: batch should be a whole number, found 'x'"),
        ("include: [{batch: []}]", "2:19: there is no value: give at least one"),
        ("measure: {rounds: 0}", "2:19: rounds should be greater than or equal to 1, found 0"),
        ("measure: {rounds: 2.5}", "2:19: rounds should be a whole number, found 2.5"),
        ("measure: {rounds: true}", "2:19: rounds should be a whole number, found true"),
        ("measure: {rounds: '3'}", "2:19: rounds should be a whole number, found '3'"),
        ("prices: 3", "2:9: prices should be a mapping of keys to values, found 3"),
        ("prices: {local: 0}", "2:17: local should be greater than 0, found 0"),
        ("prices: {local: free}", "2:17: local should be a valid number, found 'free'"),
        (
            "prices: {locl: 2.95}",
            "2:10: unknown hardware 'locl'; did you mean 'local'? (possible: cpu, cuda, local)",
        ),
        ("measure: {energy: 1}", "2:19: energy should be true or false, found 1"),
        ("measure: {quality: yes}", "2:20: quality should be true or false, found 'yes'"),
        ("measure: {rounds: 3, max_rounds: 2}", "2:34: max_rounds 2 is below rounds 3"),
        ("measure: {samples: 9, max_samples: 5}", "2:36: max_samples 5 is below samples 9"),
        (
            "measure: {max_time: 60}",
            "2:21: 60 has no unit: write a number with a unit, such as 500ms, 60s, 10m or 1.5h",
        ),
        (
            "limits: {memory: 16G}",
            "2:18: '16G' cannot be read: write a number with a unit, such as 512MiB, 16GiB or 2GB",
        ),
        (
            "measure: {target_ci: 5}",
            (
                "2:22: 5 is not above 0% and at most 100%: "
                "write a percentage such as 2%, or a share such as 0.02"
            ),
        ),
        (
            "limits: {timeuot: 1s}",
            "2:10: unknown key 'timeuot'; did you mean 'timeout'? (possible: memory, timeout)",
        ),
        (
            "baseline: {precison: fp32}",
            (
                "2:12: unknown key 'precison'; did you mean 'precision'? (possible: backend, batch, "
                "compression, generate, hardware, model, operator, parallelism, precision, prompt, "
                "scenario)"
            ),
        ),
    ],
)
def test_a_wrong_key_or_setting(faults: Faults, line: str, expected: str) -> None:
    assert [f"s.yaml:{expected}"] == faults(spec(line))


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("bakend: eager", f"4:3: unknown key 'bakend'; did you mean 'backend'? (possible: {AXES})"),
        ("model: smal", "4:10: unknown model 'smal'; did you mean 'small'? (possible: huge, nano, small)"),
        ("model: [nano, 6]", "4:17: model should be a size or a mapping of dimensions, found 6"),
        ("model:", "4:9: model should be a size or a mapping of dimensions, found nothing"),
        ("model: []", "4:10: there is no value: give at least one"),
        ("model: {name: smal}", "4:17: unknown model 'smal'; did you mean 'small'? (possible: huge, nano, small)"),
        ("model: {name: [nano]}", "4:17: name should be a name, found a list"),
        (
            "model: {layers: 2, d_model: 64}",
            "4:10: the key 'heads' is missing (attention heads; must divide d_model)",
        ),
        (
            "model: {layers: 2, d_model: 100, heads: 6}",
            "4:43: heads 6 does not divide d_model 100",
        ),
        (
            "model: {name: nano, heads: [2, 3]}",
            "4:34: heads 3 does not divide d_model 64",
        ),
        (
            "model: {name: nano, layers: 0}",
            "4:31: layers should be greater than or equal to 1, found 0",
        ),
        (
            "model: {name: nano, vocab: [512, 1]}",
            "4:36: vocab should be greater than or equal to 2, found 1",
        ),
        (
            "model: {name: nano, contxt: 3}",
            ("4:23: unknown key 'contxt'; did you mean 'context'? "
            "(possible: architecture, context, corpus, d_ff, d_model, heads, layers, name, tied, tokenizer, vocab, weights)"),
        ),
        (
            "hardware: {device: cpu, thread: [1, 2]}",
            "4:27: unknown key 'thread'; did you mean 'threads'? (possible: device, threads)",
        ),
        (
            "model: {name: nano, architecture: encodr}",
            ("4:37: unknown architecture 'encodr'; did you mean 'encoder'? "
            "(possible: decoder, encoder, encoder-decoder)"),
        ),
        (
            "model: {layers: 1, d_model: 8, heads: 2, architecture: [decoder, encoder]}",
            "4:58: architecture should be a name, found a list",
        ),
        (
            "model: {name: nano, decoder_layers: 1}",
            "4:23: decoder_layers is an option of encoder-decoder; this model's architecture is decoder",
        ),
        (
            "model: {name: nano, architecture: encoder, readout: concat}",
            "4:46: readout is an option of encoder-decoder; this model's architecture is encoder",
        ),
        (
            "model: {name: nano, architecture: encoder-decoder, readout: [sequence, sum]}",
            "4:74: readout should be 'sequence' or 'concat', found 'sum'",
        ),
        (
            "model: {name: nano, architecture: encoder, weights: x.safetensors}",
            (
                "4:55: weights can be loaded into a decoder only, because GPT-2's layout has no "
                "place for other architectures; this model is an encoder: leave them out"
            ),
        ),
        ("hardware: cup", "4:13: unknown hardware 'cup'; did you mean 'cpu'? (possible: cpu, cuda, local)"),
        ("hardware: {name: cpu}", "4:13: the key 'device' is missing: which hardware is it?"),
        (
            "hardware: {device: cpu, thread: 2}",
            "4:27: unknown key 'thread'; did you mean 'threads'? (possible: device, threads)",
        ),
        (
            "hardware: {device: cpu, threads: -1}",
            "4:36: threads should be greater than or equal to 0, found -1",
        ),
        (
            "hardware: {device: local, threads: 1}",
            "4:29: unknown key 'threads' (possible: device)",
        ),
        ("scenario: {name: prefil}", "4:20: unknown scenario 'prefil'; did you mean 'prefill'? (possible: decode, prefill, train)"),
        ("scenario: [prefill, true]", "4:23: scenario should be a name, or a mapping with 'name', found true"),
        ("operator: {size: 3}", "4:13: the key 'name' is missing: which operator is it?"),
        ("operator: {name: window, size: '3'}", "4:34: size should be a whole number, found '3'"),
        ("operator: {name: window, exact: 1}", "4:35: exact should be true or false, found 1"),
        ("operator: {name: window, strides: [1, x]}", "4:41: strides should be a whole number, found 'x'"),
        ("compression: itn8", "4:16: unknown compression 'itn8'; did you mean 'int8'? (possible: int8, none, prune)"),
        ("compression: prune", "4:16: the key 'pattern' is missing (kept : of)"),
        ("compression: [[none, int8]]", "4:18: none cannot be part of a composition: leave it out"),
        ("compression: [[]]", "4:17: an empty composition: write none"),
        ("precision: fp23", "4:14: unknown precision 'fp23'; did you mean 'fp32'? (possible: bf16, fp32)"),
        ("precision: 16", "4:14: precision should be a name, found 16"),
        ("parallelism: dta", "4:16: unknown parallelism 'dta'; did you mean 'data'? (possible: data, launcher, none, tensor)"),
        (
            "parallelism: data",
            ("4:16: parallelism should be none, or strategies with their degrees such as "
            "{data: 2}, found 'data'"),
        ),
        ("parallelism: {dta: 2}", "4:17: unknown parallelism 'dta'; did you mean 'data'? (possible: data, launcher, none, tensor)"),
        ("parallelism: {data: 2, engine: spark}", "4:26: the key 'engine' is now called 'launcher'"),
        ("parallelism: {data: 2, engine: {name: spark, master: a}}", "4:26: the key 'engine' is now called 'launcher'"),
        ("parallelism: {data: 2, launcher: sprk}", "4:36: unknown launcher 'sprk'; did you mean 'spark'? (possible: spark, torch)"),
        ("parallelism: {launcher: [torch, {name: sprk}]}", "4:42: unknown launcher 'sprk'; did you mean 'spark'? (possible: spark, torch)"),
        ("parallelism: {launcher: {master: a}}", "4:27: the key 'name' is missing: which launcher is it?"),
        ("parallelism: {launcher: 2}", "4:27: launcher should be a name, or a mapping with 'name', found 2"),
        ("parallelism: {launcher: []}", "4:27: there is no value: give at least one"),
        ("parallelism: {launcher: {name: spark, master: 2}}", "4:49: master should be a text, found 2"),
        (
            "parallelism: {launcher: {name: spark, mastr: a}}",
            "4:41: unknown key 'mastr'; did you mean 'master'? (possible: master, name)",
        ),
        (
            "parallelism: {launcher: {name: torch, master: a}}",
            "4:41: unknown key 'master' (possible: name)",
        ),
        ("parallelism: {data: 0}", "4:23: degree should be greater than or equal to 1, found 0"),
        ("parallelism: {data: [1, x]}", "4:27: degree should be a whole number, found 'x'"),
        (
            "parallelism: {data: {degre: 2}}",
            "4:24: unknown key 'degre'; did you mean 'degree'? (possible: degree)",
        ),
    ],
)  # fmt: skip
def test_a_wrong_value_of_an_axis(faults: Faults, line: str, expected: str) -> None:
    """The first fault told is that one."""
    assert f"s.yaml:{expected}" in faults(axis(line))


def test_what_must_be_named(faults: Faults) -> None:
    """With what it means, for who writes a first spec."""
    assert faults("name: x") == ["s.yaml:1:1: the key 'matrix' is missing"]
    assert faults("matrix: {model: small}") == [
        "s.yaml:1:9: the key 'scenario' is missing (the work that is timed)"
    ]


def test_all_faults_are_told_at_once_in_the_order_of_the_file(faults: Faults) -> None:
    """Those of the schema, of the axes and of the patterns together."""
    text = """\
name: x
baseline: {precision: fp23}
matrix:
  model: smal
  scenario: [prefill, decod]
exclude:
  - {operator: sdp}
measure: {rounds: 0}
"""
    places = ["2:23", "4:10", "5:23", "7:16", "8:19"]
    assert [f"s.yaml:{place}" for place in places] == [
        line.partition(": ")[0] for line in faults(text)
    ]


def test_a_key_with_nothing_after_it_is_as_good_as_absent(read: Callable[..., object]) -> None:
    """As where every entry of `exclude` is commented out."""
    read("matrix: {model: small, scenario: prefill}\nexclude:\nmeasure:\nname:\nbaseline:\n")


def test_a_prompt_beyond_the_context(faults: Faults) -> None:
    """Told at the prompt, once a model and scenario, with the way out."""
    text = """\
matrix:
  model: [nano, small]
  scenario: [prefill, decode]
  precision: [fp32, bf16]
workload: {prompt: [100, 250], generate: 10}
"""
    assert faults(text) == [
        (
            "s.yaml:5:26: decode with prompt 250 and generate 10 needs a context of 260 tokens; "
            "model nano has 256: shorten it, or exclude this combination"
        )
    ]


def test_a_default_prompt_beyond_the_context_is_told_at_the_model(faults: Faults) -> None:
    """Nobody wrote the prompt, so it has no place."""
    assert faults("matrix: {model: nano, scenario: prefill}") == [
        (
            "s.yaml:1:17: prefill with prompt 512 needs a context of 512 tokens; model nano has 256: "
            "shorten it, or exclude this combination"
        )
    ]


def test_an_encoder_decoders_context_holds_the_longer_side(faults: Faults) -> None:
    """The prompt on one; a start token and what is fed back on the other."""
    text = """\
matrix:
  model: {name: nano, architecture: encoder-decoder}
  scenario: decode
workload: {prompt: [256, 257], generate: [255, 256]}
"""
    label = "encoder-decoder 2+2L-64d-2h(vocab=512, context=256)"
    assert faults(text) == [
        (
            f"s.yaml:4:{column}: decode with prompt {prompt} and generate {count} needs a context "
            f"of 257 tokens; model {label} has 256: shorten it, or exclude this combination"
        )
        for column, prompt, count in [(21, 256, 256), (26, 257, 255), (26, 257, 256)]
    ]


def test_a_batch_that_does_not_split_evenly(faults: Faults) -> None:
    """Told at the batch; splitting the weights asks nothing of it."""
    text = """\
matrix:
  model: small
  scenario: prefill
  parallelism: [{data: 2}, {data: 4, tensor: 2}, {tensor: 3}]
workload: {batch: [6, 8]}
"""
    assert faults(text) == [
        (
            "s.yaml:5:20: batch 6 does not split evenly over data=4 + tensor=2: "
            "make it a multiple of 4, or exclude this combination"
        )
    ]


def test_a_combination_that_is_excluded_is_no_fault(read: Callable[..., object]) -> None:
    read("""\
matrix: {model: [nano, small], scenario: prefill, parallelism: [none, {data: 2}]}
exclude:
  - {model: nano, prompt: 512}
  - {parallelism: {data: 2}, batch: 3}
workload: {prompt: [8, 512], batch: [2, 3]}
""")


def test_an_exclude_that_leaves_nothing_out(faults: Faults) -> None:
    """Told at the value that the matrix lacks, if it is one."""
    text = """\
matrix: {model: small, scenario: [prefill, decode], precision: [fp32, bf16]}
exclude:
  - {precision: bf16, operator: window}
  - {scenario: prefill, generate: 64}
"""
    assert faults(text) == [
        (
            "s.yaml:3:33: this exclude leaves nothing out: "
            "the matrix has no operator 'window' (possible: sdpa)"
        ),
        "s.yaml:4:5: this exclude leaves nothing out: no cell has all of these values",
    ]


def test_nothing_left_to_measure(faults: Faults) -> None:
    text = "matrix: {model: small, scenario: prefill}\nexclude:\n  - {precision: fp32}\n"
    assert faults(text) == ["s.yaml:3:3: every cell is excluded: nothing is left to measure"]


@pytest.mark.parametrize(
    ("baseline", "expected"),
    [
        (
            "{precision: bf16}",
            (
                "1:23: the baseline is not among the cells: the matrix has no precision 'bf16' "
                "(possible: fp32)"
            ),
        ),
        ("{operator: [sdpa, window]}", "1:22: a baseline takes one value per key, found 2"),
        ("{scenario: prefill}", "1:12: cells are compared within a scenario: leave it out"),
        (
            "{batch: 2}",
            "1:19: the baseline is not among the cells: the matrix has no batch '2' (possible: 1)",
        ),
    ],
)
def test_a_baseline_that_is_none(faults: Faults, baseline: str, expected: str) -> None:
    text = f"baseline: {baseline}\nmatrix: {{model: small, scenario: prefill, operator: [sdpa, window]}}"
    assert [f"s.yaml:{expected}"] == faults(text)


def test_a_matrix_too_large_to_be_meant(faults: Faults) -> None:
    """Refused by arithmetic, before it takes time and memory."""
    thousand = list(range(1, 1001))
    text = (
        "matrix: {model: small, scenario: prefill}\n"
        f"workload: {{batch: {thousand}, prompt: {thousand}}}"
    )
    assert faults(text) == ["s.yaml:1:9: makes 1,000,000 cells; at most 100,000"]


def test_options_that_multiply_too_far(faults: Faults) -> None:
    hundred = list(range(2, 302))
    text = f"matrix: {{scenario: prefill, model: {{name: small, vocab: {hundred}, context: {hundred}}}}}"
    assert faults(text) == [
        "s.yaml:1:36: its lists multiply to 90,000 combinations; at most 10,000"
    ]


@pytest.mark.parametrize("weights", ["none.safetensors", "/dev/zero"])
def test_weights_that_are_no_file(faults: Faults, weights: str) -> None:
    """Nor a device without an end."""
    (message,) = faults(axis(f"model: {{name: nano, weights: {weights}}}"))
    assert message.startswith(f"s.yaml:4:32: the weights {weights!r} cannot be found (/")


LONG = "x" * 5000


@pytest.mark.parametrize(
    "line",
    [
        f"{LONG}: 1",
        f"name: {LONG}",
        f"measure: {{max_time: {LONG}}}",
        f"limits: {{memory: '{LONG}'}}",
        f"measure: {{{LONG}: 1}}",
        f"prices: {{{LONG}: 1}}",
        f"prices: {{local: {LONG}}}",
        f"exclude: [{{{LONG}: 1}}]",
        f"exclude: [{{batch: {LONG}}}]",
        f"quality: {{corpus: {LONG}}}",
        f"baseline: {{operator: {LONG}}}",
    ],
)
def test_a_long_value_is_not_echoed_whole(faults: Faults, line: str) -> None:
    assert all(len(told) < 1000 for told in faults(spec(line)))


@pytest.mark.parametrize(
    "line",
    [
        f"model: {LONG}",
        f"model: {{{LONG}: 1}}",
        f"model: {{name: nano, architecture: {LONG}}}",
        f"model: {{name: nano, weights: {LONG}}}",
        f"operator: {{name: window, {LONG}: 1}}",
        f"operator: {{pattern: [sdpa, {LONG}]}}",
        f"compression: [[int8, {LONG}]]",
        f"parallelism: {{{LONG}: 1}}",
        f"precision: {LONG}",
    ],
)
def test_a_long_value_of_an_axis_is_not_echoed_whole(faults: Faults, line: str) -> None:
    assert all(len(told) < 1000 for told in faults(axis(line)))


@pytest.mark.parametrize("override", [f"{LONG}=1", f"name={LONG}", f"a.{LONG}.b=1", LONG])
def test_a_long_override_is_not_echoed_whole(faults: Faults, override: str) -> None:
    assert all(len(told) < 1000 for told in faults(spec("name: a"), override))


def test_of_very_many_faults_the_first_are_told(faults: Faults) -> None:
    lines = faults(axis(f"operator: {['wrong'] * 500}"))
    assert len(lines) == 51
    assert lines[-1] == "and 450 more faults"


def test_of_very_many_possible_values_the_first_are_told(faults: Faults) -> None:
    text = (
        "matrix: {model: small, scenario: prefill}\n"
        f"workload: {{prompt: {list(range(1, 1001))}}}\nexclude: [{{prompt: 2000}}]"
    )
    (line,) = faults(text)
    assert line.endswith("and 940 more)")
