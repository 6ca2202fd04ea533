"""STUB of author A's file: drop it at the merge."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from uuid import UUID


@dataclass(frozen=True, slots=True)
class Article:
    """One article."""

    article_id: UUID
    url: str
    title: str
    text: str
    published_at: datetime
    seen_at: datetime
