"""Options of an entry, as they stand in a spec: checked, and multiplied where one is a list."""

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
from harness.spec.reader import Trail

O = TypeVar("O", bound=Options)  # noqa: E741 - a type, not a number

MAX_COMBINATIONS = 10_000  # of one value's options

Placed: TypeAlias = Mapping[str, tuple[Any, Trail]]  # an option's value and where it stands


def placed(found: Mapping[str, Any], path: Trail) -> Placed:
    """A mapping that stands at `path` as options and where they stand."""
    return {key: (value, (*path, key)) for key, value in found.items()}


def combinations(
    lists: Collection[str], options: Placed, path: Trail, source: Source
) -> Iterator[Placed]:
    """One value for each option: a list multiplies, unless the option is one of the `lists`."""
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
    model: type[O], options: Placed, path: Trail, source: Source, keys: Sequence[str] = ()
) -> O | None:
    """The options of a mapping that stands at `path`; None, and faults noted, if they are wrong.

    `keys` are possible in that mapping beside the options.
    """
    given = {key: value for key, (value, _) in options.items()}
    try:
        # JSON's strict mode: "2" is no number and true is no 1, but a list is a tuple.
        return model.model_validate_json(json.dumps(given), strict=True)
    except ValidationError as error:
        places = {key: at for key, (_, at) in options.items()}
        source.faults(error, model, path, places, keys)
        return None


def too_many(lengths: Iterable[int], path: Trail, source: Source) -> bool:
    """Whether alternatives multiply beyond reason, which is a fault."""
    count = math.prod(lengths)
    if count > MAX_COMBINATIONS:
        message = f"its lists multiply to {count:,} combinations; at most {MAX_COMBINATIONS:,}"
        source.fault(path, message)
    return count > MAX_COMBINATIONS


@cache
def list_options(model: type[Options]) -> frozenset[str]:
    """The options that are themselves lists, by what their JSON Schema says."""
    properties = model.model_json_schema().get("properties", {})
    return frozenset(key for key, schema in properties.items() if _takes_list(schema))


def _takes_list(schema: Mapping[str, Any]) -> bool:
    return schema.get("type") == "array" or any(map(_takes_list, schema.get("anyOf", ())))
