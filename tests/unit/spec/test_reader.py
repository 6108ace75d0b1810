import pytest

from harness.errors import SpecError
from harness.spec import reader
from harness.spec.reader import MAX_DEPTH, read_value, read_yaml


def fault(text: str) -> str:
    with pytest.raises(SpecError) as caught:
        read_yaml(text, "s.yaml")
    return str(caught.value)


def test_words_of_yaml_1_1_stay_strings() -> None:
    """`no` is a word, `2:4` is no time, a date is no date."""
    text = "{a: no, b: 2:4, c: yes, d: on, e: 2001-01-01, f: <<, g: 010, h: 0x1F, i: 0o17}"
    expected = {
        "a": "no",
        "b": "2:4",
        "c": "yes",
        "d": "on",
        "e": "2001-01-01",
        "f": "<<",
        "g": 10,
        "h": 31,
        "i": 15,
    }
    assert expected == read_yaml(text, "s.yaml").value


def test_scalars_have_the_types_of_the_core_schema() -> None:
    """Quoted numbers are text."""
    value = read_yaml("{a: 1, b: 1.5, c: true, d: ~, e: '1'}", "s").value
    assert value == {"a": 1, "b": 1.5, "c": True, "d": None, "e": "1"}


def test_keys_and_values_know_their_places() -> None:
    """Lines and columns count from 1."""
    document = read_yaml("a:\n  b: [1, {c: 2}]\n", "s.yaml")
    assert document.keys["a", "b"] == (2, 3)
    assert document.values["a", "b"] == (2, 6)
    assert document.values["a", "b", 1] == (2, 10)
    assert document.keys["a", "b", 1, "c"] == (2, 11)
    assert document.values["a", "b", 1, "c"] == (2, 14)


def test_an_alias_stands_for_what_its_anchor_holds() -> None:
    assert read_yaml("a: &x [1]\nb: *x", "s.yaml").value == {"a": [1], "b": [1]}


def test_an_anchor_may_be_set_again() -> None:
    """YAML 1.2 allows it; no warning either, which pytest would turn into an error."""
    assert read_yaml("a: &x 1\nb: &x 2\nc: *x", "s.yaml").value == {"a": 1, "b": 2, "c": 2}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "s.yaml:1:1: the file is empty: a spec needs at least a matrix"),
        ("# only a comment\n", "s.yaml:1:1: the file is empty: a spec needs at least a matrix"),
        ("\n- a\n", "s.yaml:2:1: a spec should be a mapping of keys to values"),
        ("a", "s.yaml:1:1: a spec should be a mapping of keys to values"),
        ("a: 1\nb: 2\na: 3\n", "s.yaml:3:1: the key 'a' appears twice (first in line 1)"),
        ("x: {a: 1, a: 2}", "s.yaml:1:11: the key 'a' appears twice (first in line 1)"),
        ("? [a]\n: 1\n", "s.yaml:1:3: a key must be a single value, not a list or mapping"),
        (
            "a: !!python/name:os.system x",
            "s.yaml:1:4: the tag !!python/name:os.system is not allowed",
        ),
        ("a: !mine x", "s.yaml:1:4: the tag !mine is not allowed"),
        ("a: !!set {x, y}", "s.yaml:1:4: the tag !!set is not allowed"),
        ("a: !!binary aGk=", "s.yaml:1:4: the tag !!binary is not allowed"),
        ("a: .inf", "s.yaml:1:4: .inf cannot be read as a value; quote it if it is text"),
        ("a: 1e999", "s.yaml:1:4: 1e999 cannot be read as a value; quote it if it is text"),
        (
            "%YAML 1.1\n---\na: no",
            "s.yaml:3:4: no cannot be read as a value; quote it if it is text",
        ),
        ("a: \x07", "s.yaml:1:4: not YAML: the character U+0007 is not allowed"),
        ("a: 1\nb: *x", "s.yaml:2:4: not YAML: found undefined alias 'x'"),
    ],
)
def test_what_is_no_spec_is_refused_where_it_stands(text: str, expected: str) -> None:
    assert expected == fault(text)


@pytest.mark.parametrize(
    ("text", "place"),
    [("a: 1\n---\nb: 2\n", "2:1"), ("a: [1, 2", "1:9"), ("a: b: c", "1:5"), ("\ta: 1", "1:1")],
)
def test_a_fault_of_syntax_tells_its_place(text: str, place: str) -> None:
    """Several documents are one too."""
    assert fault(text).startswith(f"s.yaml:{place}: not YAML: ")


def test_all_faults_of_values_are_told_at_once() -> None:
    with pytest.raises(SpecError) as caught:
        read_yaml("a: !x 1\nb: !y 2\n", "s.yaml")
    assert [problem.where for problem in caught.value.problems] == ["s.yaml:1:4", "s.yaml:2:4"]


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? "])
def test_depth_is_bounded(opening: str) -> None:
    """However it is nested, and long before Python's own stack ends."""
    message = fault("a:\n  " + opening * 50_000)
    assert message.endswith(f"nested deeper than {MAX_DEPTH} levels")


def test_an_alias_inside_its_own_anchor_is_bounded() -> None:
    assert fault("a: &x [*x]").endswith(f"nested deeper than {MAX_DEPTH} levels")


def test_aliases_that_double_are_bounded() -> None:
    """The billion laughs: ten lines that expand to 10^9 values."""
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    assert fault("\n".join(lines)).endswith("more than 100,000 values, aliases expanded")


def test_many_values_are_bounded_while_they_are_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Before it turns out that the list is never closed; by a bound that is reached at once."""
    monkeypatch.setattr(reader, "MAX_NODES", 1000)
    assert fault("a: [" + "1," * 990).endswith("but found '<stream end>'")
    assert fault("a: [" + "1," * 1100).endswith("values, aliases expanded")


def test_a_value_from_the_command_line_is_read_alike() -> None:
    assert read_value("[no, 1, {data: 2}]") == ["no", 1, {"data": 2}]
    with pytest.raises(ValueError, match="not YAML"):
        read_value("[1")


@pytest.mark.parametrize(
    "number",
    ["0x" + "f" * 5000, "9" * 5000, "-" + "9" * 5000, "0o" + "7" * 30, str(2**63)],
)
def test_a_number_too_large_to_mean_anything_is_one_fault(number: str) -> None:
    """Python reads some such integers, and then refuses to print them."""
    message = fault(f"a: {number}")
    shown = number if len(number) <= 40 else f"{number[:37]}..."
    assert message == f"s.yaml:1:4: {shown} is too large a number"


def test_the_largest_numbers_are_read() -> None:
    text = f"a: {2**63 - 1}\nb: {-(2**63)}\nc: 1e300\n"
    assert read_yaml(text, "s.yaml").value == {"a": 2**63 - 1, "b": -(2**63), "c": 1e300}


@pytest.mark.parametrize("text", [r'a: "\ud800"', r'"\udfff": 1', r'a: [{b: "x\uDC00y"}]'])
def test_half_a_character_is_a_fault(text: str) -> None:
    """No database and no terminal takes it."""
    message = fault(text)
    assert "an escape here gives half a character" in message


@pytest.mark.parametrize(
    "text",
    [
        f"{'k' * 5000}: 1\n{'k' * 5000}: 2",
        f"a: !{'t' * 5000} b",
        f"a: *{'x' * 5000}",
        f"a: &{'x' * 5000} [*{'x' * 5000}",
    ],
)
def test_what_is_long_is_not_echoed_whole(text: str) -> None:
    message = fault(text)
    assert len(message) < 300
