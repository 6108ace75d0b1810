"""Looking entries up, and what happens when one cannot be had."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness import operators
from harness.domain.entry import Entry
from harness.errors import PluginError, UnknownName
from harness.registry import Registry


@pytest.fixture
def registry() -> Registry[Entry]:
    """Of a room without entries of its own; outside packages may add some."""
    return Registry("gadget", "analyse")


def entry(module: str = "one") -> type[Entry]:
    """A new entry, as if that module defined it."""
    return type("Made", (Entry,), {"__module__": module})


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder whose packages count as installed."""
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def plug_in(folder: Path, module: str, code: str) -> None:
    """A package `acme-gadgets` whose entry point `shiny` names that module."""
    (folder / f"{module}.py").write_text(code)
    about = folder / "acme_gadgets-1.0.dist-info"
    about.mkdir()
    (about / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-gadgets\nVersion: 1.0\n")
    (about / "entry_points.txt").write_text(f"[harness.analyse]\nshiny = {module}\n")


def test_an_entry_is_found_by_its_name(registry: Registry[Entry]) -> None:
    """Which it bears from then on, with its summary."""
    made = registry.register("lamp", "gives light")(entry())
    assert registry["lamp"] is made
    assert (made.name, made.summary) == ("lamp", "gives light")


def test_names_and_entries_come_sorted(registry: Registry[Entry]) -> None:
    for name in ("lamp", "bell", "fan"):
        registry.register(name, "a thing")(entry())
    assert list(registry) == ["bell", "fan", "lamp"]
    assert [one.name for one in registry.entries()] == ["bell", "fan", "lamp"]


def test_entries_also_come_in_the_order_of_their_registration(registry: Registry[Entry]) -> None:
    """In which a module lists them."""
    for name in ("lamp", "bell", "fan"):
        registry.register(name, "a thing")(entry())
    assert [one.name for one in registry.registered()] == ["lamp", "bell", "fan"]


def test_a_name_is_in_the_registry_or_not(registry: Registry[Entry]) -> None:
    registry.register("lamp", "gives light")(entry())
    assert "lamp" in registry
    assert "lump" not in registry


def test_a_name_taken_by_another_module_is_refused_with_both(registry: Registry[Entry]) -> None:
    registry.register("lamp", "gives light")(entry("one.lamp"))
    told = "gadget 'lamp' is registered twice: by one.lamp and by other.lamp"
    with pytest.raises(PluginError, match=told):
        registry.register("lamp", "gives heat")(entry("other.lamp"))


def test_a_module_read_again_may_register_again(registry: Registry[Entry]) -> None:
    """As it does when it is reloaded while someone works on it."""
    registry.register("lamp", "gives light")(entry("one.lamp"))
    again = registry.register("lamp", "gives more light")(entry("one.lamp"))
    assert registry["lamp"] is again


def test_an_unknown_name_is_told_with_the_nearest_one(registry: Registry[Entry]) -> None:
    registry.register("lamp", "gives light")(entry())
    registry.register("fan", "gives air")(entry())
    with pytest.raises(UnknownName) as told:
        registry["lmap"]
    expected = "unknown gadget 'lmap'; did you mean 'lamp'? (possible: fan, lamp)"
    assert expected == str(told.value)


def test_a_rooms_own_modules_register_themselves_when_looked_up() -> None:
    assert operators.registry["sdpa"].name == "sdpa"


def test_an_outside_package_adds_an_entry(registry: Registry[Entry], install: Path) -> None:
    """Named by the entry point; here its module registers nothing, but is imported."""
    plug_in(install, "acme_imported", "import pathlib\npathlib.Path(__file__).unlink()\n")
    assert list(registry) == []
    assert not (install / "acme_imported.py").exists()


@pytest.mark.parametrize(
    ("module", "code", "error"),
    [
        ("acme_raises", "raise ValueError('no gas')", "ValueError: no gas"),
        (
            "acme_needs",
            "import acme_missing",
            "ModuleNotFoundError: No module named 'acme_missing'",
        ),
        ("acme_typo", "def", "SyntaxError: "),
    ],
)
def test_a_plug_in_that_fails_to_load_names_itself_and_its_error(
    registry: Registry[Entry], install: Path, module: str, code: str, error: str
) -> None:
    """Whoever installed it learns which package to mend; nothing is swallowed."""
    plug_in(install, module, code)
    with pytest.raises(PluginError) as told:
        list(registry)
    expected = f"the gadget plug-in 'shiny' ({module}, from acme-gadgets) failed to load: {error}"
    assert str(told.value).startswith(expected)


def test_a_plug_in_that_takes_a_taken_name_is_told_as_such(
    registry: Registry[Entry], install: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    plug_in(
        install,
        "acme_twice",
        "from harness.errors import PluginError\nraise PluginError('lamp is registered twice')",
    )
    with pytest.raises(PluginError, match=r"^lamp is registered twice$"):
        list(registry)


def test_a_failed_look_up_fails_again(registry: Registry[Entry], install: Path) -> None:
    """Rather than go on with half of the entries."""
    plug_in(install, "acme_again", "raise ValueError('no gas')")
    for _ in range(2):
        with pytest.raises(PluginError, match="no gas"):
            list(registry)
