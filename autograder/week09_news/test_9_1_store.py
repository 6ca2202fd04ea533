"""9.1: one row for each article, whatever feeds have it, and whatever workers store it at once."""

from __future__ import annotations

import threading
import time
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from autograder.sdk import (
    Answer,
    CheckFailed,
    Run,
    Student,
    database,
    fail,
    failure_card,
    race,
    until,
)
from autograder.week09_news.feed_documents import Item, item, items, words
from autograder.week09_news.stored_articles import (
    ARTICLES,
    articles_of,
    as_entry,
    count_articles,
    new_feed,
    store,
)

pytestmark = pytest.mark.item("9.1")

RACERS = 3
RACE_ROUNDS = 3
RACE_ARTICLES = 120
WAIT_SECONDS = 15.0
LOOK_AGAIN = "after a conflict, look for the row again: it is visible to a new statement"


def check_count(sent: str, got: Any, wanted: int) -> None:
    """What `store` returned."""
    if got != wanted or isinstance(got, bool):
        fail(sent=sent, expected=f"{wanted}, the number of new articles", got=got)


def check_articles(run: Run, sent: str, feed_id: str, wanted: list[str], cause: str = "") -> None:
    """The feed is a source of the articles at these addresses, and of no others."""
    found = sorted(one["url"] for one in articles_of(run, feed_id))
    if found != sorted(wanted):
        fail(
            sent=sent,
            expected=f"the feed is the source of {len(wanted)} articles: {sorted(wanted)[:3]}",
            got=f"{len(found)} articles: {found[:3]}",
            cause=cause or "`article_sources` has a row for each article and feed",
        )


def test_new_articles(student: Student, stores: None, run: Run, rng: Random) -> None:
    """y: what a row contains."""
    feed = new_feed(run, rng)
    found = [one.moved(link=f"{one.link}?utm_source=feed#top") for one in items(rng, 3)]
    began = datetime.now(UTC)
    sent = "store() of three new articles, one of them without `published_at`"
    entries = [as_entry(one) for one in found[:2]] + [as_entry(found[2], published_at=None)]
    check_count(sent, store(student, sent, feed, entries), 3)
    rows = {one["title"]: one for one in articles_of(run, feed)}
    for one in found:
        row = rows.get(one.title)
        wanted = {"url": one.link.partition("?")[0], "text": one.text}
        if row is None or {name: row[name] for name in wanted} != wanted:
            fail(sent=sent, expected=f"a row with {wanted}", got=row)
        at = row["published_at"]
        is_now = abs(at - began) < timedelta(minutes=5)
        if not (is_now if one is found[2] else at == one.at):
            expected = "the present time" if one is found[2] else one.at.isoformat()
            fail(sent=sent, expected=f"published_at: {expected}", got=at.isoformat())
        if len(bytes(row["content_hash"])) != 32:
            fail(sent=sent, expected="the content hash", got=row["content_hash"])


def test_no_entries(student: Student, stores: None, run: Run, rng: Random) -> None:
    """y, z: nothing to store."""
    feed = new_feed(run, rng)
    check_count("store() of no entries", store(student, "store() of no entries", feed, []), 0)
    check_articles(run, "store() of no entries", feed, [])


def same_address(one: Item, rng: Random) -> Item:
    """Another copy of the article, with another title and text, at another spelling of its address."""
    link = one.link.replace("https://news.example", "HTTPS://News.Example:443") + "?fbclid=1#a"
    return one.moved(link=link, title=words(rng, 5), text=words(rng, 30))


def test_three_feeds(student: Student, stores: None, run: Run, rng: Random) -> None:
    """y, z: the same article from three feeds is one row with three sources, and the first text stays."""
    first, second, third = (new_feed(run, rng) for _ in range(3))
    one = item(rng)
    copy = one.moved(link=item(rng).link, title=one.title.upper(), text=f" {one.text}\n")
    before = count_articles(run)
    store(student, "store() of one article", first, [as_entry(one)])
    for feed, what, other in [
        (
            second,
            "the same address, spelt in another way, with another text",
            same_address(one, rng),
        ),
        (third, "the same title and text at another address", copy),
    ]:
        sent = f"store() of an entry that another feed has already: {what}"
        check_count(sent, store(student, sent, feed, [as_entry(other)]), 0)
        check_articles(run, sent, feed, [one.link])
        [row] = articles_of(run, first)
        if (row["title"], row["text"]) != (one.title, one.text):
            cause = "two feeds have an article in different lengths: it must not change each time"
            fail(sent=sent, expected="the title and the text that came first", got=row, cause=cause)
    if (more := count_articles(run) - before) != 1:
        fail(sent="store() of one article from three feeds", expected="one row", got=f"{more} rows")


def test_stored_again(student: Student, stores: None, run: Run, rng: Random) -> None:
    """y, z: a feed is stored again, and has the same article twice."""
    feed, found = new_feed(run, rng), items(rng, 4)
    copy = found[1].moved(link=item(rng).link)
    entries = [as_entry(one) for one in [*found[:3], found[0], same_address(found[2], rng), copy]]
    sent = "store() of three articles, each of them twice in the feed"
    check_count(sent, store(student, sent, feed, entries), 3)
    wanted = [one.link for one in found[:3]]
    check_articles(run, sent, feed, wanted)
    sent = "store() of the same entries and one more"
    check_count(sent, store(student, sent, feed, [*entries, as_entry(found[3])]), 1)
    check_articles(run, sent, feed, [*wanted, found[3].link])


def test_the_address_decides(student: Student, stores: None, run: Run, rng: Random) -> None:
    """y: an entry has the address of one article and the content of another one."""
    feed, other = new_feed(run, rng), new_feed(run, rng)
    one, two = items(rng, 2)
    for order in ([one, two], [two, one]):
        store(student, "store() of two articles", feed, [as_entry(o) for o in order])
    mixed = two.moved(link=one.link)
    sent = "store() of an entry with the address of one article and the content of another"
    check_count(sent, store(student, sent, other, [as_entry(mixed)]), 0)
    check_articles(run, sent, other, [one.link], "of two articles, the address decides")


def returned(sent: str, answers: list[Answer]) -> list[Any]:
    """What all calls returned. None of them may fail."""
    for answer in answers:
        if not answer.ok:
            card = failure_card(sent, answer)
            raise CheckFailed(card)
    return [answer.value for answer in answers]


def test_at_the_same_moment(student: Student, stores: None, run: Run, rng: Random) -> None:
    """z: workers store the same articles at the same moment, in different orders."""
    for _ in range(RACE_ROUNDS):
        feeds = [new_feed(run, rng) for _ in range(RACERS)]
        found = items(rng, RACE_ARTICLES)
        orders = [found, found[::-1], rng.sample(found, len(found))]
        calls = [
            [feed, [as_entry(one) for one in order]]
            for feed, order in zip(feeds, orders, strict=True)
        ]
        sent = (
            f"{RACERS} workers store the same {RACE_ARTICLES} articles at once, in different orders"
        )
        counts = returned(sent, race(student, sent, ARTICLES, "store", calls))
        if sum(counts) != RACE_ARTICLES:
            fail(sent=sent, expected=f"{RACE_ARTICLES} new articles in all", got=counts)
        for feed in feeds:
            check_articles(run, sent, feed, [one.link for one in found], LOOK_AGAIN)


@pytest.mark.parametrize("same", ["address", "content"])
def test_another_worker_commits_first(
    student: Student, stores: None, run: Run, rng: Random, same: str
) -> None:
    """z: the same article is being stored by another worker, which commits in the meantime."""
    feed, one = new_feed(run, rng), item(rng)
    probe = new_feed(run, rng)  # its article shows the content hash, and is removed again
    store(student, "store() of one article", probe, [as_entry(one)])
    [row] = articles_of(run, probe)
    database.kept_connection(run).execute(
        "DELETE FROM articles WHERE article_id = %s", (row["article_id"],)
    )
    url = row["url"] if same == "address" else item(rng).link
    key = bytes(row["content_hash"]) if same == "content" else rng.randbytes(32)
    sent = f"store() of an article; another worker has just inserted its {same}, and commits now"
    done: list[Answer] = []
    with database.connect(run) as other, other.transaction():
        other.execute(
            "INSERT INTO articles (url, content_hash, title, text, published_at)"
            " VALUES (%s, %s, 'T', 'X', now())",
            (url, key),
        )
        thread = threading.Thread(
            target=lambda: done.append(
                student.ask(ARTICLES, "store", feed, [as_entry(one)], timeout=WAIT_SECONDS * 2)
            )
        )
        thread.start()
        until(lambda: waits_for_a_lock(run), 5.0)
        time.sleep(0.1)
    thread.join(WAIT_SECONDS * 2)
    [count] = returned(sent, done) or [None]
    check_count(sent, count, 0)
    check_articles(run, sent, feed, [url], LOOK_AGAIN)


def waits_for_a_lock(run: Run) -> bool:
    """Whether the student's connection waits for another transaction."""
    return bool(
        database.query(
            run,
            "SELECT 1 FROM pg_stat_activity WHERE datname = current_database()"
            " AND application_name <> %s AND wait_event_type = 'Lock'",
            database.NAME,
        )
    )
