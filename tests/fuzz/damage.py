# ruff: noqa: S608 - the names in these statements are those of our own tables
"""Ways to damage a database file: its bytes, and what its tables hold."""

from __future__ import annotations

import shutil
import sqlite3
from contextlib import closing
from pathlib import Path
from random import Random as Dice
from typing import Any


def flip(dice: Dice, raw: bytearray) -> None:
    """Single bits."""
    for _ in range(dice.choice([1, 1, 3, 30, 300])):
        raw[dice.randrange(len(raw))] ^= 1 << dice.randrange(8)


def flip_early(dice: Dice, raw: bytearray) -> None:
    """Bytes of the header and the schema, which the first page holds."""
    for _ in range(dice.choice([1, 2, 8])):
        raw[dice.randrange(dice.choice([100, 4096]))] = dice.randrange(256)


def overwrite(dice: Dice, raw: bytearray) -> None:
    """A run of bytes, by zeros, ones or noise."""
    size = min(dice.choice([4, 64, 512, 4096, 16384]), len(raw))
    start = dice.randrange(len(raw) - size + 1)
    filler = dice.choice([b"\0" * size, b"\xff" * size, dice.randbytes(size)])
    raw[start : start + size] = filler


def swap_pages(dice: Dice, raw: bytearray) -> None:
    """One page in another's place."""
    pages = len(raw) // 4096
    here, there = dice.randrange(pages) * 4096, dice.randrange(pages) * 4096
    raw[here : here + 4096] = raw[there : there + 4096]


def cut(dice: Dice, raw: bytearray) -> None:
    """The end is lost."""
    del raw[dice.randrange(len(raw)) :]


RAW = (flip, flip, flip_early, overwrite, swap_pages, cut)

VALUES: tuple[Any, ...] = (
    "", "x", "nan", "\0", "0x1F", "[]", "{}", '{"name": []}', "[" * 5000, "1" * 5000, "é\u202e🦙",
    b"", b"\xff\xfe", -1, 0, 1, 2**31, 2**63 - 1, -(2**63), 0.5, -0.0, 5e-324, 1e308, -1e308,
    float("inf"), float("-inf"), "0001-01-01 00:00:00", "9999-12-31 23:59:59.999999",
)  # fmt: skip


def damage_values(dice: Dice, path: Path) -> None:
    """Values, rows, columns and tables, as a program that knows nothing of ours would."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        connection.text_factory = bytes
        connection.execute("PRAGMA journal_mode = DELETE")
        tables = "SELECT name FROM sqlite_master WHERE type = 'table'"
        names = [name.decode() for (name,) in connection.execute(tables)]
        for _ in range(dice.choice([1, 1, 2, 5])):
            table = dice.choice(names)
            try:
                _damage_table(dice, connection, table)
            except sqlite3.Error:  # what SQLite refuses
                continue


def _damage_table(dice: Dice, connection: sqlite3.Connection, table: str) -> None:
    info = connection.execute(f"PRAGMA table_info({table})").fetchall()
    if not info:  # dropped before
        return
    column = dice.choice(info)[1].decode()
    chance = dice.random()
    if chance < 0.02:
        connection.execute(f"DROP TABLE {table}")
    elif chance < 0.04:
        connection.execute(f"ALTER TABLE {table} RENAME COLUMN {column} TO {column}_")
    elif chance < 0.06:
        number = dice.choice([-1, 0, 1, 2, 3, 2**31 - 1])
        name = dice.choice(["user_version", "application_id"])
        connection.execute(f"PRAGMA {name} = {number}")
    elif rows := connection.execute(f"SELECT rowid, {column} FROM {table}").fetchall():
        key, value = dice.choice(rows)
        if chance < 0.12:
            connection.execute(f"DELETE FROM {table} WHERE rowid = ?", (key,))
        else:
            where = "" if chance < 0.3 else f"WHERE rowid = {key}"
            change, told = _replacement(dice, value, [other for _, other in rows])
            connection.execute(f"UPDATE OR IGNORE {table} SET {column} = {change} {where}", (told,))


def _replacement(dice: Dice, value: Any, others: list[Any]) -> tuple[str, Any]:
    """What to set a column to: any value, another row's, or a text with a few bytes changed."""
    if isinstance(value, bytes) and value and dice.random() < 0.6:
        text = bytearray(value)
        for _ in range(dice.choice([1, 1, 4])):
            text[dice.randrange(len(text))] = dice.choice(b"\0 \"'{}[],:09aZ\xff\x1b")
        return "CAST(? AS TEXT)", bytes(text)
    return "?", dice.choice(others) if dice.random() < 0.1 else dice.choice(VALUES)


def damaged(dice: Dice, whole: Path, path: Path) -> None:
    """A damaged copy."""
    shutil.copyfile(whole, path)
    if dice.random() < 0.5:
        damage_values(dice, path)
    else:
        raw = bytearray(path.read_bytes())
        dice.choice(RAW)(dice, raw)
        path.write_bytes(raw)
