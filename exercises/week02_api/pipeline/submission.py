"""Accepts a document, whichever route received it. Given to students complete."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from kombu.utils.imports import symbol_by_name

from pipeline import wiring
from pipeline.documents import DocumentRef


@dataclass(frozen=True)
class Accepted:
    """A document that the pipeline has accepted and will process."""

    document: DocumentRef
    replayed: bool = False
    """Whether an earlier request with the same idempotency key had already submitted it."""


async def submit(document: DocumentRef, owner: str, key: str | None = None) -> Accepted:
    """Accept a document that is already in the blob store.

    `SUBMIT` in `pipeline.wiring` names the function that does it. Week 2 publishes a message, and
    week 4 writes a row first.

    Args:
        document: a reference with a new id.
        owner: the owner who submits the document.
        key: the client's idempotency key, or None. It has no effect before week 4.

    Returns:
        The accepted document.

    Raises:
        PipelineError: the document was not accepted, for example `BrokerUnavailable`.
    """
    accept: Callable[[DocumentRef, str, str | None], Awaitable[Accepted]]
    accept = symbol_by_name(wiring.SUBMIT)
    return await accept(document, owner, key)
