"""Makes text of unknown origin fit to store: exceptions, notes, the output of processes."""

from __future__ import annotations


def storable(text: str) -> str:
    """The text as any database accepts it: lone surrogates and NUL are escaped."""
    return text.encode(errors="backslashreplace").decode().replace("\0", "\\x00")


def abridged(text: str, limit: int) -> str:
    """The text in at most `limit` characters: its start, its full length and its end.

    The end matters because a traceback ends with the error.
    """
    if len(text) <= limit:
        return text
    gap = f" ... ({len(text):,} characters in all) ... "
    kept = max(0, limit - len(gap))
    head = kept // 3
    return text[:head] + gap + text[len(text) - (kept - head) :]
