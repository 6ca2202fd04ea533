"""Summarises the articles that have no summary yet: one run of the task. Given to students complete."""

from __future__ import annotations

import logging
import time
from collections.abc import Iterator
from uuid import UUID

import openai

from pipeline.errors import PipelineError
from pipeline.news import summary_work
from pipeline.news.models import Article
from pipeline.news.models_summary import DeadLetter, Outcome, Postponed, Reason, Summary
from pipeline.news.summaries import summarise_all
from pipeline.news.summary_settings import SummarySettings, summary_settings
from pipeline.steps.embed import Vector, embed_texts

logger = logging.getLogger(__name__)


def summarise_open() -> int:
    """Summarise open articles, until none is left or a limit of the run is reached.

    The limits are the budget of tokens, the number of articles, and the time. The run also ends when the
    provider is unavailable. What is open then, a later run takes.

    Returns:
        How many summaries were stored.

    Raises:
        psycopg.Error: the database is unreachable. The claim of the article ends with its lease.
    """
    run = _Run(summary_settings())
    budget = run.settings.news_token_budget
    return sum(run.close(article, outcome) for article, outcome in summarise_all(run, budget))


class _Run:
    """One run: it claims articles when it is asked for them, and writes their outcomes."""

    def __init__(self, settings: SummarySettings) -> None:
        self.settings = settings
        self.generations: dict[UUID, int] = {}
        self.ends_at = time.monotonic() + settings.news_summary_run_seconds
        self.over = False

    def __iter__(self) -> Iterator[Article]:
        """Claim the next open article, until a limit of the run is reached."""
        for _ in range(self.settings.news_summary_articles):
            if self.over or time.monotonic() >= self.ends_at:
                return
            claim = summary_work.claim(self.settings.news_summary_lease_seconds)
            if claim is None:
                return
            if claim.attempts > summary_work.MAX_CLAIMS:
                detail = f"{claim.attempts - 1} workers did not finish it"
                article_id = claim.article.article_id
                summary_work.dead_letter(article_id, claim.generation, Reason.CRASHED, detail)
                continue
            self.generations[claim.article.article_id] = claim.generation
            yield claim.article

    def close(self, article: Article, outcome: Outcome) -> bool:
        """Write an outcome under the generation of its claim. Return True if a summary was stored."""
        generation = self.generations.pop(article.article_id)
        match outcome:
            case Summary():
                return self._save(article.article_id, outcome, generation)
            case DeadLetter(reason, detail):
                logger.warning("article %s is a dead letter: %s", article.article_id, reason)
                summary_work.dead_letter(article.article_id, generation, reason, detail)
            case Postponed(reason, detail):
                logger.info("the run ends because of the %s: %s", reason, detail)
                summary_work.release(article.article_id, generation)
        return False

    def _save(self, article_id: UUID, summary: Summary, generation: int) -> bool:
        from pipeline.news import store  # here, so that homework 9.2 runs without that of 9.3

        try:
            embedding = _embedding(summary)
        except (openai.OpenAIError, PipelineError) as error:
            logger.warning("the run ends, because a summary has no embedding: %r", error)
            summary_work.release(article_id, generation)
            self.over = True
            return False
        stored = store.save(article_id, summary, embedding, generation)
        if not stored:
            logger.info("article %s belongs to another worker now", article_id)
        return stored


def _embedding(summary: Summary) -> Vector:
    [vector] = embed_texts(["\n".join([summary.summary, ", ".join(summary.topics)])])
    return vector
