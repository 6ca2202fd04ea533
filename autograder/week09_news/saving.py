"""Calls of `save`, and what must be stored afterwards."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from random import Random
from typing import Any
from uuid import UUID

import numpy as np
import psycopg

from autograder.sdk import Answer, CheckFailed, Run, Student, fail, failure_card, made
from autograder.sdk.database import NAME, connect, query
from autograder.week09_news.stored_news import Stored, random_vector, stored_summary, words

SAVE_SECONDS = 20.0
MODULE = "pipeline.news.store"
UNCHANGED = "no change of what is stored"


@dataclass(frozen=True)
class Wanted:
    """The arguments of a call of `save`, besides article and generation."""

    summary: str
    topics: tuple[str, ...]
    model: str
    tokens: int
    vector: list[float]

    def arguments(self) -> list[Any]:
        """The summary and the embedding, as the student's process makes them."""
        topics = made("builtins", "tuple", list(self.topics))
        summary = (self.summary, topics, self.model, self.tokens)
        return [
            made("pipeline.news.models_summary", "Summary", *summary),
            made("numpy", "array", self.vector, "float32"),
        ]


def wanted(rng: Random, *topics: str) -> Wanted:
    """A random summary."""
    text, model = " ".join(words(rng, 8)), f"model-{rng.getrandbits(24):x}"
    return Wanted(text, topics, model, rng.randint(50, 900), random_vector(rng))


def ask_save(student: Student, article_id: UUID, one: Wanted, generation: int) -> Answer:
    """Call `save` and take whatever comes."""
    made_id = made("uuid", "UUID", str(article_id))
    arguments = [made_id, *one.arguments(), generation]
    return student.ask(MODULE, "save", *arguments, timeout=SAVE_SECONDS)


def must_say(sent: str, answer: Answer, saved: bool, cause: str) -> None:
    """Check what `save` returned."""
    if not answer.ok:
        raise CheckFailed(failure_card(sent, answer))
    if answer.value is not saved:
        fail(sent=sent, expected=str(saved), got=answer.value, cause=cause)


def check_stored(run: Run, sent: str, article_id: UUID, one: Wanted, cause: str = "") -> Stored:
    """Check that the row has all that was saved, and return it."""
    found = stored_summary(run, article_id)
    if found is None:
        fail(
            sent=f"{sent}, which returned True",
            expected="a row in article_summaries, read on another connection",
            got="no row",
            cause="nothing was written, or the transaction was not committed",
        )
    expected = {
        "summary": one.summary,
        "topics": one.topics,
        "model": one.model,
        "tokens": one.tokens,
    }
    for name, value in expected.items():
        if getattr(found, name) != value:
            got = f"{name}: {getattr(found, name)!r}"
            fail(sent=sent, expected=f"{name}: {value!r}", got=got, cause=cause or SAME)
    if not np.allclose(found.embedding, one.vector, atol=1e-4):
        fail(
            sent=sent,
            expected="embedding: the vector of this call",
            got="another vector",
            cause=cause or SAME,
        )
    return found


SAME = "each column gets the value of the argument with its name"


def check_unchanged(
    run: Run, sent: str, article_id: UUID, before: Stored | None, cause: str
) -> None:
    """Check that the article's row is what it was."""
    after = stored_summary(run, article_id)
    if after == before:
        return
    if after is None or before is None:
        got = "a row that was not there" if before is None else "the row is gone"
    else:
        same = replace(after, summarised_at=before.summarised_at) == before
        got = "another summarised_at" if same else f"the summary {after.summary!r}"
    fail(sent=sent, expected=UNCHANGED, got=got, cause=cause)


class Saving(threading.Thread):
    """A call of `save` that runs in a thread."""

    def __init__(self, student: Student, article_id: UUID, one: Wanted, generation: int) -> None:
        super().__init__(daemon=True)
        self._call = (student, article_id, one, generation)
        self.answer: Answer | None = None
        self.failure: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self.answer = ask_save(*self._call)
        except BaseException as failure:
            self.failure = failure

    @property
    def done(self) -> bool:
        return not self.is_alive()

    def finish(self) -> Answer:
        """Wait for the answer and return it, or raise the failure."""
        self.join(SAVE_SECONDS + 5)
        if self.failure is not None:
            raise self.failure
        if self.answer is None:
            raise TimeoutError("the call did not end")
        return self.answer


@contextmanager
def transaction(run: Run) -> Iterator[psycopg.Connection[Any]]:
    """A transaction of the grader's that is committed at the end of the block."""
    with connect(run) as database, database.transaction():
        yield database


def waits(run: Run) -> bool:
    """Whether a connection of the student's waits for a lock."""
    found = query(
        run,
        "SELECT 1 FROM pg_stat_activity WHERE datname = current_database() "
        "AND wait_event_type = 'Lock' AND application_name <> %s",
        NAME,
    )
    return bool(found)


def claim_now(run: Run, article_id: UUID, generation: int) -> bool:
    """Claim the article as another worker does, unless somebody has locked its row."""
    try:
        with transaction(run) as database:
            database.execute(
                "SELECT 1 FROM summary_work WHERE article_id = %s FOR NO KEY UPDATE NOWAIT",
                [article_id],
            )
            database.execute(
                "UPDATE summary_work SET generation = %s WHERE article_id = %s",
                [generation, article_id],
            )
    except psycopg.errors.LockNotAvailable:
        return False
    return True
