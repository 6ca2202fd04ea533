"""One way to accept a document, whichever route took it in. Given to students complete."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from kombu.utils.imports import symbol_by_name

from pipeline import wiring
from pipeline.documents import DocumentRef


@dataclass(frozen=True)
class Accepted:
    """A document that will be processed."""

    document: DocumentRef
    replayed: bool = False
    """Whether an earlier request with the same key had submitted it."""


async def submit(document: DocumentRef, owner: str, key: str | None = None) -> Accepted:
    """Accept a document that is stored already, in the way that `pipeline.wiring` names.

    Args:
        document: a reference with a new id.
        owner: who submits it.
        key: the client's idempotency key, where it sent one and the week knows what to do with it.

    Raises:
        PipelineError: the document was not accepted.
    """
    accept: Callable[[DocumentRef, str, str | None], Awaitable[Accepted]]
    accept = symbol_by_name(wiring.SUBMIT)
    return await accept(document, owner, key)
