"""Messages that alone tell the user what to do."""

from __future__ import annotations

import pytest

from harness import errors
from harness.errors import HarnessError, Problem, SpecError, UnknownName, UsageError, unknown


def test_a_near_name_is_suggested() -> None:
    expected = "unknown operator 'spda'; did you mean 'sdpa'? (possible: math, sdpa)"
    assert expected == unknown("operator", "spda", ["sdpa", "math"])


def test_no_name_is_suggested_where_none_is_near() -> None:
    expected = "unknown operator 'xyz' (possible: math, sdpa)"
    assert expected == unknown("operator", "xyz", ["sdpa", "math"])


def test_nothing_possible_is_said_as_such() -> None:
    assert unknown("operator", "sdpa", []) == "unknown operator 'sdpa' (there is none)"


def test_an_unknown_name_keeps_its_parts() -> None:
    """For whoever catches it."""
    error = UnknownName("operator", "spda", iter(["sdpa", "math"]))
    assert (error.kind, error.name, error.possible) == ("operator", "spda", ("math", "sdpa"))


def test_all_problems_of_a_spec_are_told_a_line_each() -> None:
    problems = (Problem("a.yaml:7:12", "no such key"), Problem("--set x", "not a number"))
    error = SpecError(iter(problems))
    assert str(error) == "a.yaml:7:12: no such key\n--set x: not a number"
    assert error.problems == problems


@pytest.mark.parametrize("error", [SpecError, UnknownName])
def test_what_the_user_got_wrong_is_a_usage_error(error: type[Exception]) -> None:
    """The command line exits with 2 for these."""
    assert issubclass(error, UsageError)


def test_the_tree_in_the_docstring_is_the_tree_there_is() -> None:
    """Every error is drawn, and every one drawn exists."""
    defined = {
        one.__name__
        for one in vars(errors).values()
        if isinstance(one, type) and issubclass(one, HarnessError)
    }
    assert errors.__doc__ is not None
    tree = errors.__doc__.split("\n\n")[1]
    drawn = {line.lstrip("|-` ").split()[0] for line in tree.splitlines()}
    assert defined == drawn
