"""Checks the options of an entry in a spec, and multiplies those that are lists."""

from __future__ import annotations

import json
import math
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from functools import cache
from itertools import product
from typing import Any, TypeAlias, TypeVar

from pydantic import ValidationError

from harness.domain.entry import Options
from harness.spec.faults import Source
from harness.spec.reader import KeyPath

O = TypeVar("O", bound=Options)  # noqa: E741 - a type, not a number

MAX_COMBINATIONS = 10_000  # of the options of one value

Placed: TypeAlias = Mapping[str, tuple[Any, KeyPath]]  # by option: its value and its path


def placed(found: Mapping[str, Any], path: KeyPath) -> Placed:
    """The options in the mapping at `path`, with their own paths."""
    return {key: (value, (*path, key)) for key, value in found.items()}


def combinations(
    lists: Collection[str], options: Placed, path: KeyPath, source: Source
) -> Iterator[Placed]:
    """Every combination of the options' values. Lists multiply, except in the options `lists`."""
    alternatives = [
        [(key, (item, (*path, index))) for index, item in enumerate(value)]
        if isinstance(value, list) and value and key not in lists
        else [(key, (value, path))]
        for key, (value, path) in options.items()
    ]
    if too_many(map(len, alternatives), path, source):
        return iter(())
    return (dict(combination) for combination in product(*alternatives))


def validated(
    model: type[O], options: Placed, path: KeyPath, source: Source, keys: Sequence[str] = ()
) -> O | None:
    """The options of the mapping at `path`; None, and faults, if any is wrong.

    `keys` are other possible keys of that mapping, for the messages.
    """
    given = {key: value for key, (value, _) in options.items()}
    try:
        # In strict JSON mode "2" is not a number and true is not 1, but a list is a tuple.
        return model.model_validate_json(json.dumps(given), strict=True)
    except ValidationError as error:
        places = {key: at for key, (_, at) in options.items()}
        source.add_validation_faults(error, model, path, places, keys)
        return None


def too_many(lengths: Iterable[int], path: KeyPath, source: Source) -> bool:
    """True if the product exceeds MAX_COMBINATIONS; adds a fault."""
    count = math.prod(lengths)
    if count > MAX_COMBINATIONS:
        message = f"its lists multiply to {count:,} combinations; at most {MAX_COMBINATIONS:,}"
        source.add_fault(path, message)
    return count > MAX_COMBINATIONS


@cache
def list_options(model: type[Options]) -> frozenset[str]:
    """The options whose value is itself a list, according to their JSON Schema."""
    properties = model.model_json_schema().get("properties", {})
    return frozenset(key for key, schema in properties.items() if _takes_list(schema))


def _takes_list(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "array" or any(map(_takes_list, schema.get("anyOf", ())))
