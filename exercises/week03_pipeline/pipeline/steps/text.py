"""Makes text that every store accepts. Given to students complete."""

from __future__ import annotations


def storable(text: str) -> str:
    """Return `text` without the characters that a store rejects. Damaged files contain both kinds.

    NUL, which PostgreSQL rejects, is removed. Half a surrogate pair, which UTF-8 cannot encode, becomes
    a question mark.
    """
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
