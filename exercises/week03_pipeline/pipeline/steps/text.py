"""Text that every store takes. Given."""

from __future__ import annotations


def storable(text: str) -> str:
    """`text` without NUL, which PostgreSQL refuses, and without halves of surrogate pairs, which
    UTF-8 does not know. Damaged files have both.
    """
    return text.replace("\0", "").encode("utf-8", "replace").decode("utf-8")
