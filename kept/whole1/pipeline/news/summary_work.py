"""Which articles have no summary yet, who works on them, and which ones are dead letters. Given to students
complete.

An article is open if it has no summary, is no dead letter, and belongs to no worker. A worker claims an
article under a lease. Each claim raises the row's `generation`, which is the fencing token: with an older
one nothing can be written. All times are those of PostgreSQL, so the workers' clocks do not matter.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any
from uuid import UUID

from psycopg.rows import class_row, dict_row

from pipeline.news.models import Article
from pipeline.news.models_summary import Reason
from pipeline.steps.database import connection

CLAIM_TRIES = 5
"""Two workers can choose the same article at the same moment. The one that comes second tries again."""
MAX_CLAIMS = 3
"""An article whose lease has expired so often is not tried again, because it may kill its workers."""
MAX_LETTERS = 1_000

_OPEN = """
    SELECT articles.article_id
    FROM articles LEFT JOIN summary_work USING (article_id)
    WHERE NOT EXISTS (
            SELECT FROM article_summaries
            WHERE article_summaries.article_id = articles.article_id
        )
        AND dead_at IS NULL
        AND (lease_until IS NULL OR lease_until <= now())
    ORDER BY lease_until NULLS FIRST, seen_at, article_id
    LIMIT 1
    FOR NO KEY UPDATE OF articles SKIP LOCKED
"""
"""Articles that nobody has tried come first. One that was released waits behind them, so an article whose
request always fails does not hold up the others."""

_CLAIM = f"""
WITH claimed AS (
    INSERT INTO summary_work AS work (article_id, lease_until, attempts)
    SELECT article_id, now() + make_interval(secs => %(seconds)s), 1 FROM ({_OPEN}) AS chosen
    ON CONFLICT (article_id) DO UPDATE SET
        lease_until = excluded.lease_until,
        generation = work.generation + 1,
        attempts = work.attempts + 1
    WHERE work.dead_at IS NULL AND work.lease_until <= now()
    RETURNING article_id, generation, attempts
)
SELECT * FROM claimed JOIN articles USING (article_id)
"""  # noqa: S608


@dataclass(frozen=True, slots=True)
class Claim:
    """An article that belongs to this worker until its lease ends.

    Attributes:
        article: the article.
        generation: the fencing token of this claim.
        attempts: how many claims in a row have ended without an outcome, this one included.
    """

    article: Article
    generation: int
    attempts: int


@dataclass(frozen=True, slots=True)
class Letter:
    """A dead letter, as an operator sees it."""

    article_id: UUID
    url: str
    title: str
    dead_at: datetime
    reason: str
    detail: str


def claim(seconds: float) -> Claim | None:
    """Claim one open article.

    Args:
        seconds: how long the lease lasts.

    Returns:
        The claim, or None if no article is open.

    Raises:
        psycopg.Error: the database is unreachable.
    """
    with connection() as database:
        cursor = database.cursor(row_factory=dict_row)
        for _ in range(CLAIM_TRIES):
            row = cursor.execute(_CLAIM, {"seconds": seconds}).fetchone()
            if row is not None:
                return _claim_from(row)
            if cursor.execute(_OPEN).fetchone() is None:
                return None
    return None


def _claim_from(row: dict[str, Any]) -> Claim:
    names = ("article_id", "url", "title", "text", "published_at", "seen_at")
    return Claim(Article(**{name: row[name] for name in names}), row["generation"], row["attempts"])


def release(article_id: UUID, generation: int) -> bool:
    """Give an article back, so that a later run takes it. The claim does not count as an attempt.

    Returns:
        False: the claim is no longer the newest one, and nothing has changed.
    """
    with connection() as database:
        return (
            database.execute(
                """
                UPDATE summary_work SET lease_until = now(), attempts = greatest(attempts - 1, 0)
                WHERE article_id = %s AND generation = %s AND dead_at IS NULL
                """,
                (article_id, generation),
            ).rowcount
            == 1
        )


def dead_letter(article_id: UUID, generation: int, reason: Reason, detail: str) -> bool:
    """Make an article a dead letter. No run takes it until it is replayed.

    Args:
        article_id: the article.
        generation: the fencing token of the claim.
        reason: why it gets no summary.
        detail: more about it. PostgreSQL stores no NUL, so it becomes U+FFFD.

    Returns:
        False: the claim is no longer the newest one, and nothing has changed.
    """
    text = detail.replace("\0", "\N{REPLACEMENT CHARACTER}")
    with connection() as database:
        return (
            database.execute(
                """
                UPDATE summary_work SET dead_at = now(), reason = %s, detail = %s
                WHERE article_id = %s AND generation = %s AND dead_at IS NULL
                """,
                (str(reason), text.encode("utf-8", "replace").decode(), article_id, generation),
            ).rowcount
            == 1
        )


def dead_letters(limit: int = MAX_LETTERS) -> list[Letter]:
    """Return the newest dead letters, at most `limit`, the newest first."""
    with connection() as database:
        return (
            database.cursor(row_factory=class_row(Letter))
            .execute(
                """
                SELECT article_id, url, title, dead_at, reason, detail
                FROM summary_work JOIN articles USING (article_id)
                WHERE dead_at IS NOT NULL
                ORDER BY dead_at DESC, article_id
                LIMIT %s
                """,
                (limit,),
            )
            .fetchall()
        )


def replay(article_id: UUID | None = None) -> int:
    """Open dead letters again. The next run takes them, with all of their requests.

    Args:
        article_id: which one. None: all of them.

    Returns:
        How many dead letters are open now. If two operators replay one, only the first call counts it.
    """
    with connection() as database:
        return database.execute(
            """
            UPDATE summary_work SET dead_at = NULL, reason = NULL, detail = NULL, attempts = 0,
                lease_until = now(), generation = generation + 1
            WHERE dead_at IS NOT NULL AND (%(one)s::uuid IS NULL OR article_id = %(one)s)
            """,
            {"one": article_id},
        ).rowcount
