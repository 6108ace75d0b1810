"""Text of unknown origin, made fit to keep: exceptions, notes, what a process printed."""

from __future__ import annotations


def storable(text: str) -> str:
    """The text as any database takes it: lone surrogates and NUL are spelled out."""
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\x00")


def clipped(text: str, limit: int) -> str:
    """The text, or its two ends around `... (N characters left out) ...`; about `limit` long.

    The end is kept too: a traceback says there what happened.
    """
    if len(text) <= limit:
        return text
    head, tail = limit // 3, limit - limit // 3
    left_out = len(text) - head - tail
    return f"{text[:head]} ... ({left_out:,} characters left out) ... {text[-tail:]}"
