"""Reads YAML safely into plain values, and records the place of each.

ruamel.yaml parses YAML 1.2 and stops at nodes: no tag can create an object, and `no` and `2:4` stay
strings. Size, depth and the number of nodes, aliases expanded, are bounded before they cost
anything.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from ruamel.yaml import YAML
from ruamel.yaml.composer import Composer, ComposerError
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from harness.errors import Problem, SpecError, clipped

MAX_BYTES = 2**20
MAX_DEPTH = 20
MAX_NODES = 100_000
_MAX_DIGITS = 100

KeyPath: TypeAlias = tuple[str | int, ...]  # the keys and list indexes that lead to a value
Place: TypeAlias = tuple[int, int]  # line and column, from 1

_CORE = "tag:yaml.org,2002:"
# ruamel gives plain scalars the last two tags, which are not in YAML 1.2's core schema.
_TEXT = {f"{_CORE}{kind}" for kind in ("str", "timestamp", "merge")}


@dataclass(frozen=True)
class Document:
    """A YAML mapping as plain data, with the places of its keys and values by path."""

    value: dict[str, Any]
    values: Mapping[KeyPath, Place]
    keys: Mapping[KeyPath, Place]


def read_yaml(text: str, file: str) -> Document:
    """The document's mapping; SpecError, with file:line:column, if it is not one."""
    node = _compose(text, file)
    if node is None:
        raise _error(file, (1, 1), "the file is empty: a spec needs at least a matrix")
    if not isinstance(node, MappingNode):
        raise _error(file, _place(node.start_mark), "a spec should be a mapping of keys to values")
    walk = _Walk(file)
    value = walk.plain(node, ())
    if walk.problems:
        raise SpecError(walk.problems)
    return Document(value, walk.values, walk.keys)


def read_value(text: str) -> Any:
    """A value from the command line, as plain data; ValueError if it is not YAML."""
    try:
        return read_yaml(f"value: {text}", "").value["value"]
    except SpecError as error:
        raise ValueError(error.problems[0].message) from None


class _Bounded(Composer):
    """Composes nodes; refuses too many or too deeply nested ones."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader=loader)
        self.warn_double_anchors = False  # YAML 1.2 allows an anchor to be set again
        self.nodes = self.level = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """Count nodes and levels, then compose the node as the base class does."""
        self.nodes += 1
        self.level += 1
        mark = self.parser.peek_event().start_mark
        if self.level > MAX_DEPTH:
            raise ComposerError(None, None, _TOO_DEEP, mark)
        if self.nodes > MAX_NODES:
            raise ComposerError(None, None, _TOO_MANY, mark)
        node = super().compose_node(parent, index)
        self.level -= 1
        return node


_NO_TEXT = "an escape here gives half a character (U+D800 to U+DFFF): write the whole character"
_TOO_DEEP = f"nested deeper than {MAX_DEPTH} levels"
_TOO_MANY = f"more than {MAX_NODES:,} values, aliases expanded"


def _compose(text: str, file: str) -> Node | None:
    yaml = YAML(typ="safe", pure=True)
    yaml.Composer = _Bounded
    try:
        node: Node | None = yaml.compose(text)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        message = ", ".join(part for part in (error.context, error.problem) if part)
        raise _error(file, _place(mark), f"not YAML: {clipped(message, 200)}") from None
    except ReaderError as error:
        before = text[: error.position]
        place = (before.count("\n") + 1, error.position - (before.rfind("\n") + 1) + 1)
        message = f"not YAML: the character U+{error.character:04X} is not allowed"
        raise _error(file, place, message) from None
    return node


@dataclass
class _Walk:
    """Turns nodes into plain values; records their places and collects faults."""

    file: str
    values: dict[KeyPath, Place] = field(default_factory=dict)
    keys: dict[KeyPath, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    nodes: int = 0

    def plain(self, node: Node, path: KeyPath) -> Any:
        self.nodes += 1
        place = _place(node.start_mark)
        # An alias may point at a node that contains it: only the depth limit ends that.
        if len(path) >= MAX_DEPTH:
            raise _error(self.file, place, _TOO_DEEP)
        if self.nodes > MAX_NODES:
            raise _error(self.file, place, _TOO_MANY)
        self.values[path] = place
        if isinstance(node, MappingNode) and node.tag == f"{_CORE}map":
            return self._mapping(node, path)
        if isinstance(node, SequenceNode) and node.tag == f"{_CORE}seq":
            return [self.plain(item, (*path, index)) for index, item in enumerate(node.value)]
        if isinstance(node, ScalarNode):
            return self._scalar(node)
        return self._problem(node, f"the tag {_short(node.tag)} is not allowed")

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self._problem(key, "a key must be a single value, not a list or mapping")
            elif not _is_text(key.value):
                self._problem(key, _NO_TEXT)
            elif key.value in mapping:
                line = self.keys[*path, key.value][0]
                name = clipped(repr(key.value))
                self._problem(key, f"the key {name} appears twice (first in line {line})")
            else:
                self.keys[*path, key.value] = _place(key.start_mark)
                mapping[key.value] = self.plain(value, (*path, key.value))
        return mapping

    def _scalar(self, node: ScalarNode) -> Any:
        if node.tag in _TEXT:
            return node.value if _is_text(node.value) else self._problem(node, _NO_TEXT)
        convert = _SCALARS.get(node.tag)
        if convert is None:
            return self._problem(node, f"the tag {_short(node.tag)} is not allowed")
        try:
            return convert(node.value)
        except OverflowError:
            return self._problem(node, f"{clipped(node.value, 40)} is too large a number")
        except (KeyError, ValueError):
            message = "cannot be read as a value; quote it if it is text"
            return self._problem(node, f"{clipped(node.value, 40)} {message}")

    def _problem(self, node: Node, message: str) -> None:
        line, column = _place(node.start_mark)
        self.problems.append(Problem(f"{self.file}:{line}:{column}", message))


def _integer(text: str) -> int:
    """An integer of YAML 1.2: decimal, even with a leading zero; 0x; 0o. At most 64 bits."""
    base = {"0x": 16, "0o": 8}.get(text[:2].lower(), 10)
    if len(text) > _MAX_DIGITS:  # Python refuses to convert far longer numbers
        raise OverflowError
    value = int(text, base)
    if not -(2**63) <= value < 2**63:
        raise OverflowError
    return value


def _number(text: str) -> float:
    """A finite number: no value of a spec can be infinite."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _boolean(text: str) -> bool:
    """True or false; YAML 1.2 has no `yes` and `no`."""
    return {"true": True, "false": False}[text.lower()]


_SCALARS: dict[str | None, Callable[[str], Any]] = {
    f"{_CORE}int": _integer,
    f"{_CORE}float": _number,
    f"{_CORE}bool": _boolean,
    f"{_CORE}null": lambda _: None,
}


def _short(tag: object) -> str:
    return clipped(str(tag).replace(_CORE, "!!"))


def _is_text(value: str) -> bool:
    """True if UTF-8 can encode it: an escape such as \\ud800 gives half a character."""
    return not any("\ud800" <= sign <= "\udfff" for sign in value)


def _place(mark: Any) -> Place:
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _error(file: str, place: Place, message: str) -> SpecError:
    return SpecError([Problem(f"{file}:{place[0]}:{place[1]}", message)])
