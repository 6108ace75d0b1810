"""YAML read safely, to plain values that remember where they stood.

YAML 1.2 by ruamel.yaml, composed to nodes only: no tag can make an object, `no` and `2:4` stay
strings. Size, depth and the nodes that aliases expand to are bounded before they cost anything.
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

Trail: TypeAlias = tuple[str | int, ...]  # to a value: keys and list indexes
Place: TypeAlias = tuple[int, int]  # line and column, from 1

_CORE = "tag:yaml.org,2002:"
# ruamel resolves these two for plain scalars; YAML 1.2's core schema knows neither.
_TEXT = {f"{_CORE}{kind}" for kind in ("str", "timestamp", "merge")}


@dataclass(frozen=True)
class Document:
    """A YAML mapping as plain data, and the place of each of its keys and values by path."""

    value: dict[str, Any]
    values: Mapping[Trail, Place]
    keys: Mapping[Trail, Place]


def read_yaml(text: str, file: str) -> Document:
    """The document's mapping; SpecError, with file:line:column, where it is no such thing."""
    node = _compose(text, file)
    if node is None:
        raise _error(file, (1, 1), "the file is empty: a spec needs at least a matrix")
    if not isinstance(node, MappingNode):
        raise _error(file, _place(node.start_mark), "a spec is a mapping of keys to values")
    walk = _Walk(file)
    value = walk.plain(node, ())
    if walk.problems:
        raise SpecError(walk.problems)
    return Document(value, walk.values, walk.keys)


def read_value(text: str) -> Any:
    """A value given on the command line, as plain data; ValueError where it is no YAML."""
    try:
        return read_yaml(f"value: {text}", "").value["value"]
    except SpecError as error:
        raise ValueError(error.problems[0].message) from None


class _Bounded(Composer):
    """Composes nodes until there are too many, or too deep ones."""

    def __init__(self, loader: Any = None) -> None:
        super().__init__(loader=loader)
        self.warn_double_anchors = False  # YAML 1.2 allows an anchor to be set again
        self.nodes = self.level = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        """As the base class does, counting."""
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


_NO_TEXT = "an escape here makes half a character (U+D800 to U+DFFF): write the whole one"
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
    """Turns nodes into plain values, noting places and collecting faults."""

    file: str
    values: dict[Trail, Place] = field(default_factory=dict)
    keys: dict[Trail, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    nodes: int = 0

    def plain(self, node: Node, path: Trail) -> Any:
        self.nodes += 1
        place = _place(node.start_mark)
        # An alias may point at a node that holds it: only the depth ends that.
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

    def _mapping(self, node: MappingNode, path: Trail) -> dict[str, Any]:
        mapping: dict[str, Any] = {}
        for key, value in node.value:
            if not isinstance(key, ScalarNode):
                self._problem(key, "a key must be a word")
            elif not _is_text(key.value):
                self._problem(key, _NO_TEXT)
            elif key.value in mapping:
                line = self.keys[*path, key.value][0]
                name = clipped(repr(key.value))
                self._problem(key, f"the key {name} stands here twice (first: line {line})")
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
            message = "cannot be read as a value; quote it if it is a text"
            return self._problem(node, f"{clipped(node.value, 40)} {message}")

    def _problem(self, node: Node, message: str) -> None:
        line, column = _place(node.start_mark)
        self.problems.append(Problem(f"{self.file}:{line}:{column}", message))


def _integer(text: str) -> int:
    """YAML 1.2's: decimal even after a leading zero, or 0x, or 0o; OverflowError beyond 64 bits."""
    base = {"0x": 16, "0o": 8}.get(text[:2].lower(), 10)
    if len(text) > _MAX_DIGITS:  # Python refuses to read or print many more
        raise OverflowError
    value = int(text, base)
    if not -(2**63) <= value < 2**63:
        raise OverflowError
    return value


def _number(text: str) -> float:
    """A finite one: nothing in a spec can be infinite."""
    value = float(text)
    if not math.isfinite(value):
        raise ValueError(text)
    return value


def _boolean(text: str) -> bool:
    """Only the words of YAML 1.2."""
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
    """Whether UTF-8 can hold it: an escape such as \\ud800 makes half a character."""
    return not any("\ud800" <= sign <= "\udfff" for sign in value)


def _place(mark: Any) -> Place:
    return (mark.line + 1, mark.column + 1) if mark else (1, 1)


def _error(file: str, place: Place, message: str) -> SpecError:
    return SpecError([Problem(f"{file}:{place[0]}:{place[1]}", message)])
