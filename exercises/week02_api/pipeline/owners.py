"""Whose documents and jobs a request is about. Given.

There is one owner until week 8 brings API keys. A context variable is copied into threads, so code
far from the request can ask too.
"""

from __future__ import annotations

from contextvars import ContextVar

PUBLIC = "public"
"""The owner of everything until there are API keys."""

OWNER: ContextVar[str] = ContextVar("owner", default=PUBLIC)


def current_owner() -> str:
    """The owner of the request that is being answered. In a worker it is `PUBLIC`."""
    return OWNER.get()
