"""The model axis: `factory: "package.module:function"`, found and read, but not imported.

Importing it may take seconds and do anything; rounds do that. Here the source alone is looked at,
so that a slip in the spec shows before anything runs. What the source does not show is left to the
round.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path

from harness.errors import unknown
from harness.model.architectures import FactoryShape
from harness.model.shape import BaseShape

_DEFINED = (ast.FunctionDef, ast.ClassDef)
_CALLED_WITH = ("vocab", "context")


def obstacle(shape: FactoryShape) -> str | None:
    """Why the factory cannot be called as the spec asks; None if nothing is seen to be wrong."""
    module, _, name = shape.factory.partition(":")
    spec = located(module)
    if spec is None:
        return (
            f"there is no module {module} here: install its package, or name the folder that it "
            "lies in in PYTHONPATH"
        )
    tree = _source(spec)
    if tree is None or _has_hidden_names(tree):
        return None
    names = {one: node for node in tree.body for one in _bound(node)}
    if name not in names:
        defined = [one for one, node in names.items() if isinstance(node, _DEFINED)]
        return f"{module}: {unknown('function', name, defined)}"
    node = names[name]
    return _misfit(node, shape) if isinstance(node, ast.FunctionDef) else None


def located(module: str) -> ModuleSpec | None:
    """Where the module is, without importing its parents; None if it is nowhere."""
    top, *inner = module.split(".")
    try:
        spec = find_spec(top)
    except (ImportError, ValueError):
        return None
    for depth in range(1, len(inner) + 1):
        if spec is None or spec.submodule_search_locations is None:
            return None
        full = ".".join([top, *inner[:depth]])
        spec = PathFinder.find_spec(full, list(spec.submodule_search_locations))
    return spec


def _source(spec: ModuleSpec) -> ast.Module | None:
    if not spec.origin or not spec.origin.endswith(".py"):
        return None
    try:
        return ast.parse(Path(spec.origin).read_bytes())
    except (OSError, SyntaxError, ValueError):
        return None  # the round says what is wrong with it


def _has_hidden_names(tree: ast.Module) -> bool:
    """True if names come from elsewhere: a star import, or a module's __getattr__."""
    stars = any(
        isinstance(node, ast.ImportFrom) and any(one.name == "*" for one in node.names)
        for node in ast.walk(tree)
    )
    return stars or any("__getattr__" in _bound(node) for node in tree.body)


def _bound(node: ast.stmt) -> Iterator[str]:
    """Names that a statement of a module's body, or of a block in it, binds."""
    if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        yield node.name
        return
    if isinstance(node, ast.Import | ast.ImportFrom):
        yield from ((one.asname or one.name).partition(".")[0] for one in node.names)
        return
    for inner in ast.walk(node):
        if isinstance(inner, ast.Name) and isinstance(inner.ctx, ast.Store):
            yield inner.id
        elif inner is not node and isinstance(inner, ast.stmt):
            yield from _bound(inner)


def _misfit(function: ast.FunctionDef, shape: FactoryShape) -> str | None:
    """An argument that the function does not take, or needs and is not given."""
    if function.decorator_list:  # which may take others
        return None
    arguments = function.args
    positional = [one.arg for one in arguments.args]
    takes = [*positional, *(one.arg for one in arguments.kwonlyargs)]
    extra = [one for one in shape.arguments if one not in takes]
    if extra and arguments.kwarg is None:
        what = "argument" if extra[0] in _CALLED_WITH else "option"
        return f"{shape.factory}: {unknown(what, extra[0], _options(takes, what))}"
    required = [
        *positional[: len(positional) - len(arguments.defaults)],
        *(
            one.arg
            for one, default in zip(arguments.kwonlyargs, arguments.kw_defaults, strict=True)
            if default is None
        ),
    ]
    missing = [one for one in required if one not in shape.arguments]
    return f"{shape.factory}: the option {missing[0]!r} is missing" if missing else None


def _options(takes: Collection[str], what: str) -> list[str]:
    own = [one for one in takes if what == "argument" or one not in BaseShape.model_fields]
    return own or ["none"]
