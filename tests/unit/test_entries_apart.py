"""An entry that is a package keeps the modules inside it to itself."""

from __future__ import annotations

import grimp
import pytest

from harness.registry import ROOMS


@pytest.fixture(scope="module")
def graph() -> grimp.ImportGraph:
    return grimp.build_graph("harness", cache_dir=None)


@pytest.mark.parametrize("room", ROOMS)
def test_no_entry_imports_what_is_inside_another(graph: grimp.ImportGraph, room: str) -> None:
    """What several entries need stands in a lower room. Only the contract's tests look inside."""
    trespasses = [
        (importer, inside)
        for entry in graph.find_children(f"harness.{room}")
        for inside in graph.find_children(entry)
        for importer in graph.find_modules_that_directly_import(inside)
        if not f"{importer}.".startswith((f"{entry}.", "harness.contract."))
    ]
    assert trespasses == []


def test_the_tests_see_such_packages(graph: grimp.ImportGraph) -> None:
    """Or the claim above would hold of nothing."""
    found = graph.find_children("harness.operators.banded")
    assert found == {"harness.operators.banded.mixer"}
    importers = graph.find_modules_that_directly_import("harness.operators.banded.mixer")
    assert importers == {"harness.operators.banded"}
