"""Cell ids are for ever: a history is found by them, so none of a shipped spec may change.

`python tests/unit/spec/test_ids.py` writes the record anew, after a spec gained cells: its diff may
add lines, and must change none.
"""

from __future__ import annotations

import json
from pathlib import Path

from harness.resources import specs
from harness.spec.load import load

RECORD = Path(__file__).with_name("cell_ids.json")


def shipped() -> dict[str, dict[str, str]]:
    """By spec file the ids of its cells, with what each is."""
    return {
        file.name: {cell.id: str(cell) for one in load([file]) for cell in one.cells}
        for file in sorted(specs().glob("*.yaml"))
    }


def recorded() -> dict[str, dict[str, str]]:
    found: dict[str, dict[str, str]] = json.loads(RECORD.read_text())
    return found


def test_every_cell_of_a_shipped_spec_keeps_its_id() -> None:
    """Ids and what they stand for, in order."""
    assert shipped() == recorded()


if __name__ == "__main__":
    RECORD.write_text(json.dumps(shipped(), indent=1) + "\n")
