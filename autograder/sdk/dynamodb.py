"""One conditional write decides, and nothing else that looks like it.

Some solutions send a first write that cannot succeed and then read the item. They notice everything
that a check does "right before the write". In production, others write between that read and the
next write.
"""

from __future__ import annotations

from collections.abc import Sequence

from autograder.card import fail
from autograder.run.dynamodb_proxy import DynamoDBProxy, Request

__all__ = ["DynamoDBProxy", "Request", "check_one_write", "writes_to"]


def writes_to(seen: Sequence[Request], key: str) -> list[Request]:
    """The writes among these requests that name an item. One that was sent again counts once."""
    return list({one.body: one for one in seen if one.writes and one.names(key)}.values())


def check_one_write(sent: str, seen: Sequence[Request], key: str, cause: str) -> None:
    """An item was written to once."""
    writes = writes_to(seen, key)
    if len(writes) != 1:
        operations = ", ".join(one.operation for one in writes) or "none"
        fail(sent=sent, expected="one write", got=f"{len(writes)}: {operations}", cause=cause)
