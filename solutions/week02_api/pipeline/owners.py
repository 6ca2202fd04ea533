"""The owner of the documents and jobs of a request. Given to students complete.

There is only one owner until week 8 introduces API keys. A context variable is copied into threads,
so code that never sees the request can read it too.
"""

from __future__ import annotations

from contextvars import ContextVar

PUBLIC = "public"
"""The owner of every document until there are API keys."""

OWNER: ContextVar[str] = ContextVar("owner", default=PUBLIC)


def current_owner() -> str:
    """Return the owner of the current request. In a worker it is `PUBLIC`."""
    return OWNER.get()
