"""Checks `factory: "package.module:function"` against the module's source, without importing it.

An import may take seconds and do anything, so only rounds import it. Reading the source finds a
misspelt function or option before anything runs. The round finds what the source does not show.
"""

from __future__ import annotations

import ast
from collections.abc import Collection, Iterator, Sequence
from importlib.machinery import ModuleSpec, PathFinder
from importlib.util import find_spec
from pathlib import Path

from harness.errors import unknown
from harness.model.architectures import FactoryShape
from harness.model.shape import BaseShape

_DEFINED = (ast.FunctionDef, ast.ClassDef)
_CALLED_WITH = ("vocab", "context")


def obstacle(shape: FactoryShape, folders: Sequence[Path] = ()) -> str | None:
    """Why the factory cannot be called as the spec asks; None if the source shows no reason."""
    module, _, name = shape.factory.partition(":")
    spec = located(module, folders)
    if spec is None:
        return (
            f"there is no module {module} here: install its package, or add the folder that "
            "contains it to PYTHONPATH"
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


def located(module: str, folders: Sequence[Path] = ()) -> ModuleSpec | None:
    """The module's location, found without importing its parents; None if there is no module.

    Looks first in the given folders, then where Python would.
    """
    top, *inner = module.split(".")
    try:
        spec = PathFinder.find_spec(top, list(map(str, folders))) or find_spec(top)
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
        return None  # the round reports what is wrong with it


def _has_hidden_names(tree: ast.Module) -> bool:
    """True if the module may have names that its source does not show.

    These come from a star import or from the module's __getattr__.
    """
    stars = any(
        isinstance(node, ast.ImportFrom) and any(one.name == "*" for one in node.names)
        for node in ast.walk(tree)
    )
    return stars or any("__getattr__" in _bound(node) for node in tree.body)


def _bound(node: ast.stmt) -> Iterator[str]:
    """The names that a statement binds in its module, including those inside its blocks."""
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
    """The first argument that the function does not accept, or that it requires and lacks."""
    if function.decorator_list:  # a decorator may change the arguments
        return None
    arguments = function.args
    positional = [one.arg for one in arguments.args]
    accepted = [*positional, *(one.arg for one in arguments.kwonlyargs)]
    extra = [one for one in shape.arguments if one not in accepted]
    if extra and arguments.kwarg is None:
        what = "argument" if extra[0] in _CALLED_WITH else "option"
        return f"{shape.factory}: {unknown(what, extra[0], _options(accepted, what))}"
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


def _options(accepted: Collection[str], what: str) -> list[str]:
    own = [one for one in accepted if what == "argument" or one not in BaseShape.model_fields]
    return own or ["none"]
