"""A session that runs the model with torch.compile."""

from __future__ import annotations

import os
import shutil
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

import torch
import torch._dynamo.callback as dynamo
import torch._dynamo.utils
import torch._inductor.config
from torch import nn

from harness.session import Opening
from harness.session.eager import TorchSession

_DYNAMIC = {"auto": None, "always": True, "never": False}
# This file marks a cache that a round has filled completely.
_FILLED = "filled"


class CompiledSession(TorchSession):
    """Compiles the whole model at first use and keeps the code in the opening's cache."""

    def __init__(self, opening: Opening, options: Any) -> None:
        self._cache = Path(opening.cache) if opening.cache else None
        self._was_filled = self._cache is not None and self._use(self._cache)
        # With the default limit of 8, a long decode would fall back to eager.
        torch._dynamo.config.recompile_limit = 64
        torch._dynamo.config.fail_on_recompile_limit_hit = True
        torch._inductor.config.freezing = options.freezing
        mode = None if options.mode == "default" else options.mode
        core = opening.load()
        compiled = torch.compile(core, mode=mode, dynamic=_DYNAMIC[options.dynamic])
        super().__init__(cast("nn.Module", compiled), core, opening.device, opening.batch)
        self._watch = _CompileWatch()

    def facts(self) -> Mapping[str, float]:
        """Compile time, cached or not, and the numbers of graphs and graph breaks."""
        if self._cache is not None:
            (self._cache / _FILLED).touch()
        counters = torch._dynamo.utils.counters
        name = "cached_compile_time" if self._was_filled else "compile_time"
        return {
            name: self._watch.seconds,
            "compiled_graphs": float(counters["stats"]["unique_graphs"]),
            "graph_breaks": float(sum(counters["graph_break"].values())),
        }

    def close(self) -> None:
        """Stop watching the compiler."""
        self._watch.close()

    @staticmethod
    def _use(cache: Path) -> bool:
        """Set the compiler's cache folder; True if an earlier round has filled it.

        Empties a cache that an unfinished round left: the compile time would be neither cold nor
        cached.
        """
        filled = (cache / _FILLED).exists()
        if not filled:
            shutil.rmtree(cache, ignore_errors=True)
            cache.mkdir(parents=True)
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(cache)
        return filled


class _CompileWatch:
    """Times the compiler with its own callbacks (torch/_dynamo/callback.py)."""

    def __init__(self) -> None:
        self.seconds = 0.0
        self._since = 0.0
        dynamo.callback_handler.register_start_callback(self._start)
        dynamo.callback_handler.register_end_callback(self._end)

    def close(self) -> None:
        dynamo.callback_handler.remove_start_callback(self._start)
        dynamo.callback_handler.remove_end_callback(self._end)

    def _start(self, _: object) -> None:
        self._since = time.perf_counter()

    def _end(self, _: object) -> None:
        self.seconds += time.perf_counter() - self._since
