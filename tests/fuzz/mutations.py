"""How a good spec becomes another: bytes, tokens, lines, values, and the command line's options."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Mapping, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from harness.domain.axis import AXES
from harness.domain.cell import WORKLOAD
from harness.model.shape import Shape
from harness.spec.catalog import registered
from harness.spec.modelfiles import FILES
from harness.spec.reader import read_yaml
from harness.spec.settings import Limits, Measure, Quality, SpecFile

_HERE = Path(__file__).parent
_FOLDERS = (_HERE.parents[1] / "specs", _HERE / "seeds")
_TOKEN = re.compile(r"[\w.%-]+|\s+|[^\w\s]")
_MOST_BYTES = 40_000

_KEYS = (
    *(*AXES, *WORKLOAD, "name", "device", "pattern", "degree"),
    *(key for block in (SpecFile, Measure, Limits, Quality, Shape) for key in block.model_fields),
)
_ODD = (
    *("&a ", "*a", "&a [*a]", "!!str ", "!x ", "!!python/object:os.system ", "!!binary ", "<<: *a"),
    *("\0", '"\\0"', '"\\ud800"', "\ud800", "\u202e", "\x1b[31m", '"\\e[31m"', "\ufeff", "\x85"),
    *("0x" + "f" * 5000, "0x1F", "-0x1", "0o777", "0o", "0b1", "1_000", "9" * 5000, "-1", "+1"),
    *("1e400", "1e-400", "1.", ".5", ".inf", "-.INF", ".nan", "-0.0", "1e308", str(2**63 - 1)),
    *("2001-01-01", "12:30:45", "~", "null", "true", "NO", "|\n  x\n", ">\n", "? ", "- ", ": "),
    *("%YAML 1.1\n---\n", "%TAG ! x\n", "---\n", "...\n", "{", "}", "[", "]", ",", "#", "'", '"'),
    *(
        "\t",
        "\r",
        "\u2028",
        "[" * 30,
        "{a: " * 30,
        "x" * 5000,
        "é",
        "\U0001d7d9",
        "٣s",
        "=",
        "@",
        "`",
        "\\",
    ),
    *("0s", "1e3s", "150%", "-1%", "999999999999h", "0.000001ms", "16G", "999999999999TiB"),
    *("n" * 300, "../" * 50, "/", "/dev/zero", "~root", "weights.safetensors", "loop", "hf://x"),
)


@dataclass(frozen=True)
class Case:
    """A spec file and what stands beside it on the command line."""

    content: bytes
    overrides: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    plans: bool = False

    def with_content(self, content: bytes) -> Case:
        return replace(self, content=content)

    def __str__(self) -> str:
        lines = [f"--set {one[:500]!r}" for one in self.overrides]
        lines += [f"--only {one[:500]!r}" for one in self.only]
        return "\n".join([*lines, repr(self.content[:2000])])


@dataclass(frozen=True)
class Seeds:
    """What cases are made from."""

    texts: Sequence[str]
    values: Sequence[Any]  # the same, read
    names: Sequence[str]  # that can be named
    known: Mapping[Any, Sequence[Any]]  # by key, what stands there in some good spec


def seeds_of(folder: Path) -> Seeds:
    """The good specs, with the files that they name put into the folder."""
    texts = [file.read_text() for one in _FOLDERS for file in sorted(one.glob("*.yaml"))]
    catalog = registered()
    axes = ("hardware", "scenario", "parallelism", "compression", "operator", "backend")
    names = [name for axis in (*axes, "launcher") for name in catalog.entries(axis)]
    names += [*catalog.sizes, *catalog.precisions, *_KEYS, "none", "trained", "bytes"]
    (folder / "corpus.txt").write_text("text " * 100)
    (folder / "loop").symlink_to("loop")
    (folder / "weights.safetensors").write_bytes(_weights())
    values = [read_yaml(text, "s.yaml").value for text in texts]
    known: dict[Any, list[Any]] = {}
    for holder, key in _places(values):
        known.setdefault(key, []).append(holder[key])
    return Seeds(texts, values, names, known)


def make_case(seeds: Seeds, seed: int, number: int) -> Case:
    """The same for the same seed and number."""
    dice = random.Random(f"{seed}:{number}")
    at = dice.randrange(len(seeds.texts))
    if dice.random() < 0.5:
        value = deepcopy(seeds.values[at])
        for _ in range(dice.choice((1, 1, 1, 2, 3))):
            value = _value_changed(dice, value, seeds)
        text = json.dumps(value, indent=dice.choice((None, 1)))
        further = dice.choice((0, 0, 0, 0, 1))
    else:
        text, further = seeds.texts[at], dice.choice((0, 1, 1, 2, 4))
    for _ in range(further):
        text = dice.choice(_OF_TEXT)(dice, text)
    content = text.encode("utf-8", "surrogatepass")
    if dice.random() < 0.1:
        content = _bytes_flipped(dice, content)
    return Case(
        content[:_MOST_BYTES],
        _several(dice, 0.25, lambda: _override(dice, seeds)),
        _several(dice, 0.1, lambda: _only(dice, seeds)),
        plans=dice.random() < 0.2,
    )


def _several(dice: random.Random, share: float, make: Callable[[], str]) -> tuple[str, ...]:
    return tuple(make() for _ in range(dice.choice((1, 1, 2)))) if dice.random() < share else ()


def _bytes_flipped(dice: random.Random, content: bytes) -> bytes:
    changed = bytearray(content)
    for _ in range(dice.choice((1, 1, 3))):
        if changed:
            changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def _tokens_changed(dice: random.Random, text: str) -> str:
    tokens = _TOKEN.findall(text)
    if not tokens:
        return text
    one, other = dice.randrange(len(tokens)), dice.randrange(len(tokens))
    what = dice.randrange(4)
    if what == 0:
        tokens[one], tokens[other] = tokens[other], tokens[one]
    elif what == 1:
        del tokens[one : one + dice.choice((1, 1, 5))]
    elif what == 2:
        tokens[one] *= dice.choice((2, 2, 50))
    else:
        tokens[one] = dice.choice(_ODD)
    return "".join(tokens)


def _odd_inserted(dice: random.Random, text: str) -> str:
    at = dice.randint(0, len(text))
    return text[:at] + dice.choice(_ODD) + text[at:]


def _lines_changed(dice: random.Random, text: str) -> str:
    lines = text.splitlines(keepends=True)
    if not lines:
        return text
    one, other = dice.randrange(len(lines)), dice.randrange(len(lines))
    what = dice.randrange(5)
    if what == 0:
        lines[one], lines[other] = lines[other], lines[one]
    elif what == 1:
        del lines[one]
    elif what == 2:
        lines.insert(other, lines[one])  # a key twice, say
    elif what == 3:
        lines[one] = " " * dice.randint(1, 4) + lines[one]
    else:
        lines[one] = lines[one].lstrip()
    return "".join(lines)


def _cut(dice: random.Random, text: str) -> str:
    begin, end = sorted((dice.randint(0, len(text)), dice.randint(0, len(text))))
    return text[:begin] + text[end:] if dice.random() < 0.5 else text[:end]


_OF_TEXT = (_tokens_changed, _tokens_changed, _odd_inserted, _odd_inserted, _lines_changed, _cut)


def _value_changed(dice: random.Random, value: Any, seeds: Seeds) -> Any:
    """One place of the value replaced, taken out, wrapped, doubled, or put elsewhere."""
    places = [*_places(value)]
    holder, key = dice.choice(places) if places else (None, None)
    if holder is None:
        return _random(dice, seeds, 2)
    files = [(inside, name) for inside, name in places if name in FILES]
    if files and dice.random() < 0.3:
        holder, key = dice.choice(files)
        holder[key] = dice.choice(_ODD)
        return value
    what = dice.randrange(9)
    if what == 0:
        del holder[key]
    elif what == 1:
        holder[key] = [holder[key]]
    elif what > 5:
        holder[key] = deepcopy(dice.choice(seeds.known.get(key) or [None]))
    elif what == 2:
        elsewhere, at = dice.choice(places)
        if at in elsewhere if isinstance(elsewhere, dict) else at < len(elsewhere):
            holder[key] = deepcopy(elsewhere[at])
    elif what == 3 and isinstance(holder, dict):
        holder[dice.choice(seeds.names) if dice.random() < 0.8 else dice.choice(_ODD)] = _random(
            dice, seeds, 2
        )
    else:
        holder[key] = _random(dice, seeds, 2)
    return value


def _places(value: Any) -> list[tuple[Any, Any]]:
    """Every holder and key within."""
    if isinstance(value, dict):
        return [(value, key) for key in value] + [
            place for one in value.values() for place in _places(one)
        ]
    if isinstance(value, list):
        return [(value, at) for at in range(len(value))] + [
            place for one in value for place in _places(one)
        ]
    return []


def _random(dice: random.Random, seeds: Seeds, depth: int) -> Any:
    """A value of any type."""
    what = dice.randrange(9 if depth else 7)
    if what == 0:
        return dice.choice((None, True, False))
    if what == 1:
        return dice.choice((0, 1, 2, 3, 8, -1, 64, 10**9, 10**9 + 1, 2**31, 2**63 - 1, 2**64))
    if what == 2:
        return dice.choice((0.0, 0.5, 1.0, 1.5, -0.5, 1e-300, 1e300))
    if what == 3:
        return dice.choice(_ODD)
    if what < 7:
        return dice.choice(seeds.names)
    if what == 7:
        return [_random(dice, seeds, depth - 1) for _ in range(dice.randint(0, 3))]
    keys = [dice.choice(seeds.names) for _ in range(dice.randint(0, 3))]
    return {key: _random(dice, seeds, depth - 1) for key in keys}


def _override(dice: random.Random, seeds: Seeds) -> str:
    path = ".".join(dice.choice(_KEYS) for _ in range(dice.randint(1, 3)))
    if dice.random() < 0.6:
        path = f"{dice.choice(('matrix', 'workload', 'measure', 'limits'))}.{dice.choice(_KEYS)}"
    known = [*seeds.known.get(path.rpartition(".")[2], ()), _random(dice, seeds, 2)]
    value = json.dumps(dice.choice(known))
    return _spoilt(dice, f"{path}={value}")


def _only(dice: random.Random, seeds: Seeds) -> str:
    axis = dice.choice((*AXES, *WORKLOAD))
    known = [str(one) for one in seeds.known.get(axis, ()) if not isinstance(one, dict | list)]
    names = [dice.choice([*known, str(_random(dice, seeds, 0))]) for _ in range(dice.randint(1, 3))]
    return _spoilt(dice, f"{axis}={','.join(names)}")


def _spoilt(dice: random.Random, text: str) -> str:
    return dice.choice(_OF_TEXT)(dice, text) if dice.random() < 0.3 else text


def _weights() -> bytes:
    """A file of the model that seeds/files.yaml describes: its tensors overlap, all of zeros."""
    linears: dict[str, tuple[int, ...]] = {
        "attn.c_attn": (8, 24),
        "attn.c_proj": (8, 8),
        "mlp.c_fc": (8, 32),
    }
    linears |= {"mlp.c_proj": (32, 8), "ln_1": (8,), "ln_2": (8,)}
    shapes: dict[str, tuple[int, ...]] = {
        "wte.weight": (256, 8),
        "wpe.weight": (32, 8),
        "ln_f.weight": (8,),
        "ln_f.bias": (8,),
    }
    for name, sizes in linears.items():
        shapes |= {f"h.0.{name}.weight": sizes, f"h.0.{name}.bias": sizes[-1:]}
    entries = {
        name: {"dtype": "F32", "shape": sizes, "data_offsets": [0, 8192]}
        for name, sizes in shapes.items()
    }
    text = json.dumps(entries).encode()
    return len(text).to_bytes(8, "little") + text + bytes(8192)
