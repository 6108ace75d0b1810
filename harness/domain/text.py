"""Text of unknown origin, made fit to keep: exceptions, notes, what a process printed."""

from __future__ import annotations


def storable(text: str) -> str:
    """The text as any database takes it: lone surrogates and NUL are spelled out."""
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\x00")


def abridged(text: str, limit: int) -> str:
    """The text in at most `limit` characters: its two ends, and how long it was.

    The end is kept too: a traceback says there what happened.
    """
    if len(text) <= limit:
        return text
    gap = f" ... ({len(text):,} characters in all) ... "
    kept = max(0, limit - len(gap))
    head = kept // 3
    return text[:head] + gap + text[len(text) - (kept - head) :]
