"""Parquet needs an optional package; without it, the error says what to do."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

import pytest

from harness.errors import UsageError
from harness.report import parquet
from harness.report.rows import Flat


def test_without_pyarrow_the_error_names_the_extra(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """And nothing is written."""

    def missing(name: str) -> NoReturn:
        raise ModuleNotFoundError(f"No module named {name!r}")

    monkeypatch.setattr(parquet, "import_module", missing)
    with pytest.raises(UsageError, match=r"pip install 'transformer-harness\[parquet\]'"):
        parquet.write_parquet(Flat({"value": float}, [{"value": 1.0}]), tmp_path / "x.parquet")
    with pytest.raises(UsageError, match="No module named 'pyarrow'"):
        parquet.require_pyarrow()
    assert not (tmp_path / "x.parquet").exists()


def test_a_table_without_rows_keeps_its_columns(tmp_path: Path) -> None:
    arrow = pytest.importorskip("pyarrow.parquet")
    parquet.write_parquet(Flat({"value": float, "warmup": bool}, []), tmp_path / "x.parquet")
    found = arrow.read_table(tmp_path / "x.parquet")
    assert found.column_names == ["value", "warmup"]
    assert found.num_rows == 0
