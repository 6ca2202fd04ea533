"""9.3: a summary is saved by the worker that holds the newest claim, and by no other.

What a submission could fake:
- counts: a page must have exactly the articles that the grader has stored. How many rows the API reads
  for it is not seen. This stays, because its role in PostgreSQL keeps no counts that it cannot reset.
- witness: rows on the grader's own connection, and responses over HTTP.
- place: articles, generations, topics and questions are random. The number of nearer articles of another
  topic is known, so a search that reads some thousand candidates passes, and is right here.
- store: the claim and the summary are both looked at.
- probe: another worker claims the article before the write, for a new summary and for one that is
  replaced. A lock of one process does not help.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from random import Random
from typing import Any

import psycopg
import pytest

from autograder.sdk import Run, Student, fail, show, until
from autograder.sdk.database import connect
from autograder.week09_news.saving import (
    SAVE_SECONDS,
    Saving,
    ask_save,
    check_stored,
    check_unchanged,
    claim_now,
    must_say,
    transaction,
    waits,
    wanted,
)
from autograder.week09_news.stored_news import (
    Article,
    claim,
    clear,
    insert,
    new_article,
    random_vector,
    stored_summary,
    summarised,
    words,
)

pytestmark = [pytest.mark.item("9.3"), pytest.mark.usefixtures("stores")]


@pytest.fixture(autouse=True)
def nothing_left(run: Run) -> Iterator[None]:
    """Remove the articles of a test at its end."""
    yield
    clear(run)


def article(run: Run, rng: Random, generation: int | None, *, old: bool = False) -> Article:
    """An article in the store, with this generation of its claim. `old`: it has a summary already."""
    one = new_article(rng)
    if old:
        one = summarised(one, rng, "old")
    insert(run, one)
    if generation is not None:
        claim(run, one.article_id, generation)
    return one


def test_the_holder_of_the_claim_saves(student: Student, run: Run, rng: Random) -> None:
    """a, e: the first summary of an article, with several topics and with none."""
    other = article(run, rng, generation=4, old=True)
    before = stored_summary(run, other.article_id)
    for topics in ((*words(rng, 2), "o'clock, {noon}"), ()):
        generation = rng.randint(2, 9)
        one, new = article(run, rng, generation), wanted(rng, *topics)
        sent = (
            f"save(…, generation={generation}) of {len(topics)} topics; the claim has {generation}"
        )
        answer = ask_save(student, one.article_id, new, generation)
        must_say(sent, answer, True, "True means that the summary is saved")
        check_stored(run, sent, one.article_id, new)
    cause = "the statement changes rows of other articles too: name the article in it"
    check_unchanged(
        run, f"save() of another article than {other.title!r}", other.article_id, before, cause
    )


@pytest.mark.parametrize("old", [False, True], ids=["no summary", "a summary"])
def test_other_generations_are_refused(student: Student, run: Run, rng: Random, old: bool) -> None:
    """a: an older generation, a newer one, no claim, and a claim of another article."""
    current = rng.randint(3, 9)
    cases = {
        "the claim has a newer generation": (current + 1, current),
        "the claim has an older generation": (current - 1, current),
        "nobody has claimed the article": (None, current),
    }
    article(run, rng, current)  # its claim has the right generation, but is of another article
    state = "an article with a summary" if old else "an article without a summary"
    for case, (held, given) in cases.items():
        one = article(run, rng, held, old=old)
        before = stored_summary(run, one.article_id)
        sent = f"save(…, generation={given}) for {state}; {case}"
        answer = ask_save(student, one.article_id, wanted(rng, "new"), given)
        cause = (
            "a worker whose lease has expired writes too: the generation must be exactly that of "
            "this article's row"
        )
        check_unchanged(run, sent, one.article_id, before, cause)
        must_say(sent, answer, False, "nothing was written, so return False")


def test_a_second_summary_replaces_the_first(student: Student, run: Run, rng: Random) -> None:
    """c: all columns are those of the second call, also with the same generation."""
    one = article(run, rng, generation=3, old=True)
    with connect(run) as database:
        database.execute("UPDATE article_summaries SET summarised_at = now() - interval '1 day'")
    before = stored_summary(run, one.article_id)
    for topics in (words(rng, 3), []):
        new = wanted(rng, *topics)
        sent = "save() for an article that has a summary, with the generation of its claim"
        answer = ask_save(student, one.article_id, new, 3)
        must_say(sent, answer, True, "ON CONFLICT DO UPDATE: the new summary replaces the old one")
        cause = "a column keeps its old value: name each one in DO UPDATE SET"
        after = check_stored(run, sent, one.article_id, new, cause)
        if before is not None and after.summarised_at <= before.summarised_at:
            got = "the time of the summary before"
            cause = "`summarised_at` has its default only in a new row: set it to now()"
            fail(sent=sent, expected="summarised_at: the present time", got=got, cause=cause)
        before = after


def test_characters_that_no_store_accepts(student: Student, run: Run, rng: Random) -> None:
    """d: a NUL or half a surrogate pair, in the summary and in a topic."""
    first, second = words(rng, 2)
    for bad, becomes in (("\0", ""), ("\ud83d", "?")):
        one = article(run, rng, generation=1)
        sent = f"save() with {bad!r} in the summary and in a topic"
        texts = [f"{first}{bad} {second}", f"{second}{bad}"]
        given = replace(wanted(rng, texts[1]), summary=texts[0])
        answer = ask_save(student, one.article_id, given, 1)
        if not answer.ok:
            fail(
                sent=sent,
                expected="True, and texts that `storable` has cleaned",
                got=f"{answer.error}: {answer.message}",
                cause="pass the summary and each topic through `storable`",
            )
        stored = stored_summary(run, one.article_id)
        got = (stored.summary, stored.topics) if stored else None
        right = (f"{first}{becomes} {second}", (f"{second}{becomes}",))
        if got != right:
            fail(
                sent=sent,
                expected=show(right),
                got=got,
                cause="`storable` decides what a text becomes",
            )


def test_a_claim_in_progress_decides_first(student: Student, run: Run, rng: Random) -> None:
    """b: another worker is claiming the article, and commits while `save` runs."""
    for old in (False, True):
        one = article(run, rng, generation=5, old=old)
        before = stored_summary(run, one.article_id)
        with transaction(run) as database:
            database.execute(
                "UPDATE summary_work SET generation = 6 WHERE article_id = %s", [one.article_id]
            )
            saving = Saving(student, one.article_id, wanted(rng, "late"), 5)
            until(lambda: saving.done or waits(run), SAVE_SECONDS)  # noqa: B023
        answer = saving.finish()
        sent = "save(…, generation=5) while another worker claims the article, which commits generation 6"
        cause = (
            "the row of summary_work was read without a lock, so the old generation was still seen: "
            "FOR UPDATE waits for the claim"
        )
        check_unchanged(run, sent, one.article_id, before, cause)
        must_say(sent, answer, False, cause)


def test_a_claim_that_is_taken_back(student: Student, run: Run, rng: Random) -> None:
    """b: another worker is claiming the article, and its transaction is rolled back."""
    one, new = article(run, rng, generation=5), wanted(rng, "in time")
    with transaction(run) as database:
        database.execute(
            "UPDATE summary_work SET generation = 6 WHERE article_id = %s", [one.article_id]
        )
        saving = Saving(student, one.article_id, new, 5)
        until(lambda: saving.done or waits(run), SAVE_SECONDS)
        raise psycopg.Rollback
    answer = saving.finish()
    sent = "save(…, generation=5) while another worker claims the article, which is rolled back"
    cause = "the claim was never committed, so this worker is still the holder: wait for the lock"
    must_say(sent, answer, True, cause)
    check_stored(run, sent, one.article_id, new)


def hold(database: psycopg.Connection[Any], one: Article, old: bool) -> None:
    """Let every write of the article's summary wait for this transaction, and no look at its claim."""
    if old:
        row = "SELECT 1 FROM article_summaries WHERE article_id = %s FOR UPDATE"
        database.execute(row, [one.article_id])
        return
    database.execute(
        "INSERT INTO article_summaries (article_id, summary, model, tokens, embedding) "
        "VALUES (%s, 'another', 'another', 1, %s::real[]::vector)",
        [one.article_id, random_vector(Random(0))],  # noqa: S311 - any vector
    )


@pytest.mark.parametrize("old", [False, True], ids=["no summary", "a summary"])
def test_a_claim_cannot_come_in_between(student: Student, run: Run, rng: Random, old: bool) -> None:
    """b: another worker tries to claim the article after `save` has looked, and before it writes."""
    one = article(run, rng, generation=5, old=old)
    before = stored_summary(run, one.article_id)
    new = wanted(rng, "late")
    with transaction(run) as database:  # `save` cannot write before the end of this block
        hold(database, one, old)
        saving = Saving(student, one.article_id, new, 5)
        until(lambda: saving.done or waits(run), SAVE_SECONDS)
        claimed = claim_now(run, one.article_id, 6)
        raise psycopg.Rollback
    answer = saving.finish()
    sent = "save(…, generation=5), which waits before it writes; meanwhile another worker claims it"
    if claimed:
        cause = (
            "the generation was compared in a statement whose lock was gone before the write: "
            "do both in one statement, or in one transaction"
        )
        check_unchanged(run, sent, one.article_id, before, cause)
        must_say(sent, answer, False, cause)
    else:
        must_say(sent, answer, True, "the claim had to wait, so this worker was still the holder")
        check_stored(run, sent, one.article_id, new)


def test_errors_of_the_database(student: Student, run: Run, rng: Random) -> None:
    """e: PostgreSQL rejects the row."""
    one = article(run, rng, generation=2)
    short = replace(wanted(rng, "short"), vector=[1.0, 2.0])
    answer = ask_save(student, one.article_id, short, 2)
    if answer.ok:
        fail(
            sent="save() with a vector of 2 numbers, which PostgreSQL rejects",
            expected="the error of the database",
            got=answer.value,
            cause="False means that there is a newer claim: another error must reach the caller",
        )
