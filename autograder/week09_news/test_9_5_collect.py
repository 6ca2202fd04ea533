"""9.5: one collection of one feed, and what is recorded of it."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

import pytest

from autograder.sdk import Fault, FeedServer, Run, Student, database, fail, made
from autograder.sdk.answers import must_return
from autograder.sdk.randomness import function
from autograder.week09_news.feed_calls import MODELS, settings
from autograder.week09_news.feed_documents import items, rss
from autograder.week09_news.stored_articles import articles_of, new_feed
from autograder.week09_news.test_9_5_claims import NEWS, ago, row

pytestmark = pytest.mark.item("9.5")

INTERVAL, CAP = 1_000, 100_000


@pytest.fixture(autouse=True)
def intervals(student: Student, stores: None) -> Iterator[None]:
    """Intervals that these checks can tell apart."""
    with settings(student, news_interval_seconds=INTERVAL, news_backoff_cap_seconds=CAP):
        yield


class Case:
    """A feed that is claimed, and its collection."""

    def __init__(self, student: Student, run: Run, rng: Random, url: str, **columns: Any) -> None:
        self._student, self._run = student, run
        self.generation = rng.randint(1, 2**40)
        self.known = {name: columns.get(name) for name in ("etag", "last_modified")}
        self.failures = columns.get("failures", 0)
        self.url = url
        lease = {"lease_until": ago(-100), "generation": self.generation}
        self.feed_id = new_feed(run, rng, url=url, **{**lease, **columns})

    def collect(self, sent: str, cause: str = "") -> Any:
        """Call `collect_feed`, which must not raise."""
        claim = made(NEWS, "Claim", self.feed_id, self.generation)
        feed = made(MODELS, "Feed", self.feed_id, self.url, **self.known, failures=self.failures)
        answer = self._student.ask(NEWS, "collect_feed", claim, feed, timeout=30.0)
        if not answer.ok and cause:
            fail(sent=sent, expected="0", got=f"{answer.error}: {answer.message}", cause=cause)
        return must_return(sent, answer)

    def check(self, sent: str, pause: float, cause: str = "", **wanted: Any) -> None:
        """The row has these columns, no lease, and is due after `pause` seconds."""
        found = row(self._run, self.feed_id)
        for name, value in {"lease_until": None, **wanted}.items():
            if found[name] != value:
                got = f"{name} is {found[name]!r}"
                fail(sent=sent, expected=f"{name}: {value!r}", got=got, cause=cause)
        if found["checked_at"] is None or not pause - 60 < found["pause"] <= pause:
            expected = f"the feed is due again in {pause} seconds"
            fail(sent=sent, expected=expected, got=f"{found['pause']:.0f} seconds", cause=cause)

    def articles(self) -> list[str]:
        """The titles that are stored for this feed."""
        return sorted(one["title"] for one in articles_of(self._run, self.feed_id))


@pytest.fixture
def names(rng: Random) -> Iterator[str]:
    """A new name of a feed."""
    return iter(lambda: f"n{rng.getrandbits(40):x}.xml", "")


def test_a_new_document(
    student: Student, feed_server: FeedServer, run: Run, rng: Random, names: Iterator[str]
) -> None:
    """i: the articles are stored, then the headers of the document are recorded, even if there are none."""
    modified = "Mon, 02 Nov 2026 10:00:00 GMT"
    for tag, time_ in ((f'"{rng.getrandbits(30):x}"', None), (None, modified), (None, None)):
        found = items(rng, rng.randint(2, 4))
        url = feed_server.publish(next(names), rss(found), etag=tag, last_modified=time_)
        old = {"etag": '"old"', "last_modified": "Sun, 01 Nov 2026 10:00:00 GMT"}
        case = Case(student, run, rng, url, failures=3, last_error="timeout", **old)
        sent = f"collect_feed() of a new document with ETag {tag} and Last-Modified {time_}"
        if (count := case.collect(sent)) != len(found):
            fail(sent=sent, expected=f"{len(found)}, the number of new articles", got=count)
        if case.articles() != sorted(one.title for one in found):
            fail(sent=sent, expected=f"{len(found)} articles", got=case.articles())
        wanted = {"etag": tag, "last_modified": time_, "failures": 0, "last_error": None}
        case.check(sent, INTERVAL, "the headers of this document, even if it has none", **wanted)


def test_an_old_document(
    student: Student, feed_server: FeedServer, run: Run, rng: Random, names: Iterator[str]
) -> None:
    """i: after 304 the headers stay."""
    known = {"etag": f'"{rng.getrandbits(30):x}"', "last_modified": "Mon, 02 Nov 2026 10:00:00 GMT"}
    url = feed_server.publish(next(names), rss(items(rng, 1)), **known)  # type: ignore[arg-type]
    case = Case(student, run, rng, url, failures=2, last_error="timeout", **known)
    sent = "collect_feed() of a feed that has not changed: the server answers 304"
    if (count := case.collect(sent)) != 0 or case.articles():
        fail(sent=sent, expected="0, and no articles", got=f"{count}, {case.articles()}")
    case.check(sent, INTERVAL, "the headers of `feed`", failures=0, last_error=None, **known)


def test_failures(
    student: Student, feed_server: FeedServer, run: Run, rng: Random, names: Iterator[str]
) -> None:
    """j: whatever goes wrong is recorded, with a pause that doubles, and the old headers stay."""
    known = {"etag": '"old"', "last_modified": "Sun, 01 Nov 2026 10:00:00 GMT"}
    faults = {
        "feed_unavailable": Fault.status(503),
        "feed_refused": Fault.status(404),
        "feed_malformed": Fault.status(200, body="no feed", headers={"etag": '"new"'}),
    }
    for failures, (name, fault) in zip((0, 2, 50), faults.items(), strict=True):
        feed_server.clear()
        feed_server.script(fault)
        case = Case(student, run, rng, feed_server.url(next(names)), failures=failures, **known)
        sent = f"collect_feed() after {failures} failures; it fails with {name}"
        if (count := case.collect(sent)) != 0:
            fail(sent=sent, expected="0", got=count)
        wanted = {"failures": failures + 1, "last_error": name, **known}
        pause = min(CAP, INTERVAL * 2 ** (failures + 1))
        cause = "record once, after the articles are stored: `FAILURE`, with this failure counted"
        case.check(sent, pause, cause, **wanted)


def test_an_error_of_another_class(
    student: Student, feed_server: FeedServer, run: Run, rng: Random, names: Iterator[str]
) -> None:
    """i, j: the articles cannot be stored, so the headers stay, and the error is recorded."""
    url = feed_server.publish(next(names), rss(items(rng, 2)), etag='"new"')
    case = Case(student, run, rng, url, etag='"old"')
    kept = database.kept_connection(run)
    kept.execute("ALTER TABLE article_sources RENAME TO article_sources_away")
    sent = "collect_feed() while a table is missing, so that storing articles raises UndefinedTable"
    try:
        count = case.collect(sent)
    finally:
        kept.execute("ALTER TABLE article_sources_away RENAME TO article_sources")
    if count != 0:
        fail(sent=sent, expected="0", got=count)
    cause = "record the headers only after the articles are stored"
    wanted = {"etag": '"old"', "failures": 1, "last_error": "UndefinedTable"}
    case.check(sent, INTERVAL * 2, cause, **wanted)
    again = Case(student, run, rng, f"{url}?again", etag='"old"')
    case = again
    sent = "collect_feed() again, when the table is back"
    case.collect(sent)
    if len(case.articles()) != 2:
        fail(sent=sent, expected="both articles", got=case.articles(), cause=cause)


def test_an_error_that_nobody_expects(
    student: Student, feed_server: FeedServer, run: Run, rng: Random, names: Iterator[str]
) -> None:
    """j: a bug of the parser, and the time limit of a task. Each is recorded like every other error."""
    url = feed_server.publish(next(names), rss(items(rng, 1)))
    errors = {
        "AssertionError": made("builtins", "AssertionError"),
        "SoftTimeLimitExceeded": made("billiard.exceptions", "SoftTimeLimitExceeded"),
    }
    module = made("importlib", "import_module", NEWS)
    real = function("pipeline.news.feeds", "read_entries")
    for name, error in errors.items():
        case = Case(student, run, rng, f"{url}?{name}")
        parser = made("unittest.mock", "Mock", side_effect=error)
        student.call("builtins", "setattr", module, "read_entries", parser)
        sent = f"collect_feed() of a document for which `read_entries` raises {name}"
        cause = "catch `Exception`: a feed without an outcome is collected again at once, and fails again"
        try:
            case.collect(sent, cause)
        finally:
            student.call("builtins", "setattr", module, "read_entries", real)
        case.check(sent, INTERVAL * 2, cause, failures=1)


def test_a_claim_that_is_lost(
    student: Student, feed_server: FeedServer, run: Run, rng: Random, names: Iterator[str]
) -> None:
    """i, j: who has lost the claim meanwhile records nothing."""
    url = feed_server.publish(next(names), rss(items(rng, 2)), etag='"new"')
    for fault in (None, Fault.status(503)):
        feed_server.clear()
        if fault:
            feed_server.script(fault)
        case = Case(student, run, rng, f"{url}?{rng.getrandbits(30)}", failures=1)
        database.kept_connection(run).execute(
            "UPDATE feeds SET generation = generation + 1 WHERE feed_id = %s", (case.feed_id,)
        )
        sent = f"collect_feed() {'that fails' if fault else ''}; another worker has the feed by now"
        case.collect(sent)
        found = row(run, case.feed_id)
        if found["lease_until"] is None or found["failures"] != 1 or found["etag"] is not None:
            cause = "every outcome goes through `record` with the claim"
            fail(sent=sent, expected="the row is not changed", got=str(found), cause=cause)
