"""9.5: who may collect a feed, and who may write the outcome.

What a submission could fake:
- counts: claims and messages must be exactly those of the feeds that the grader has written.
- witness: rows on the grader's own connection, messages in Redis, and the feed server.
- place: feeds, generations, leases, intervals and limits are random.
- store: messages are looked for in all queues. Articles, their sources and the row of the feed must
  agree.
- probe: threads race in one process, where a lock helps. So another connection also comes between the
  look and the write. An error of the parser is made by replacing it, and what is recorded then is in the
  row.
"""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from functools import partial
from random import Random
from typing import Any

import psycopg
import pytest

from autograder.sdk import Run, Student, broker, database, fail, made, race
from autograder.sdk.answers import must_return
from autograder.week09_news.between import CALL_SECONDS, before_its_write
from autograder.week09_news.feed_calls import settings
from autograder.week09_news.stored_articles import new_feed

pytestmark = pytest.mark.item("9.5")

NEWS = "pipeline.tasks.news"
COLLECT = "pipeline.news_collect"
RACERS = 4
RACE_FEEDS = 40
TAKE = "UPDATE feeds SET generation = generation + 1, lease_until = now() + interval '5 minutes'"
"""What another worker does that claims a feed."""
NO_WAIT_SECONDS = 4.0
"""A claim that takes longer has waited for the rows of another tick."""


@pytest.fixture(autouse=True)
def only_ours(stores: None, run: Run) -> Iterator[None]:
    """Feeds of other checks are gone, so that all feeds that are due are this check's."""
    database.kept_connection(run).execute("DELETE FROM feeds")
    yield
    database.kept_connection(run).execute("DELETE FROM feeds")


def ago(seconds: float) -> datetime:
    """A time in the past, or in the future if `seconds` is negative."""
    return datetime.now(UTC) - timedelta(seconds=seconds)


def row(run: Run, feed_id: str) -> dict[str, Any]:
    """The columns of a feed. `left` are the seconds until its lease ends, `pause` those until it is due."""
    columns = "generation, failures, last_error, etag, last_modified, checked_at, lease_until"
    [found] = database.kept_connection(run).execute(
        "SELECT generation, failures, last_error, etag, last_modified, checked_at, lease_until,"
        " extract(epoch FROM lease_until - now())::float,"
        " extract(epoch FROM next_at - now())::float FROM feeds WHERE feed_id = %s",
        (feed_id,),
    )
    return dict(zip([*columns.split(", "), "left", "pause"], found, strict=True))


def claims(sent: str, value: Any) -> dict[str, int]:
    """The claims that `claim_due` has returned: feed and generation."""
    pairs = [(c.get("feed_id"), c.get("generation")) for c in value if isinstance(c, dict)]
    if len(dict(pairs)) != len(value):
        fail(sent=sent, expected="a list of `Claim`, each for another feed", got=value)
    return dict(pairs)  # type: ignore[arg-type]


def claim_due(student: Student, sent: str) -> dict[str, int]:
    """Call `claim_due`."""
    value = must_return(sent, student.ask(NEWS, "claim_due", timeout=20.0))
    return claims(sent, value if isinstance(value, list) else [])


def test_who_is_due(student: Student, run: Run, rng: Random) -> None:
    """c, d: a feed is due by its time, without a lease or with one that has ended."""
    states = {
        "due since a moment ago": ({"next_at": ago(1)}, True),
        "due for days, so it has missed 200 ticks": ({"next_at": ago(200_000)}, True),
        "due in a minute": ({"next_at": ago(-60)}, False),
        "due, with a lease": ({"next_at": ago(50), "lease_until": ago(-60)}, False),
        "due, with a lease that has ended": ({"next_at": ago(50), "lease_until": ago(1)}, True),
        "not due, with a lease that has ended": (
            {"next_at": ago(-60), "lease_until": ago(1)},
            False,
        ),
    }
    feeds, generations = {}, {}
    for what, (columns, _) in states.items():
        generations[what] = rng.randint(0, 2**40)
        feeds[what] = new_feed(run, rng, generation=generations[what], **columns)
    lease = rng.randint(100, 500)
    with settings(student, news_lease_seconds=lease):
        found = claim_due(student, "claim_due()")
        rows = {what: row(run, feed_id) for what, feed_id in feeds.items()}
        again = claim_due(student, "claim_due() for the second time")
    for what, (_, is_due) in states.items():
        sent = f"claim_due(); a feed is {what}"
        if (feeds[what] in found) != is_due:
            expected = "a claim of it" if is_due else "no claim of it"
            fail(sent=sent, expected=expected, got=f"the claims {found}")
        if not is_due:
            continue
        got = rows[what]
        if not found[feeds[what]] == got["generation"] == generations[what] + 1:
            expected = f"generation {generations[what] + 1}, in the row and in the claim"
            fail(sent=sent, expected=expected, got=f"{got['generation']}, {found[feeds[what]]}")
        if got["left"] is None or not lease - 30 < got["left"] <= lease:
            fail(sent=sent, expected=f"a lease of {lease} seconds", got=got["left"])
    if again:
        fail(sent="claim_due() for the second time", expected="no claim", got=again)


def test_the_limit(student: Student, run: Run, rng: Random) -> None:
    """e: a tick claims a limited number, those that have waited longest, so a backlog ends."""
    ages = rng.sample(range(100, 90_000), 11)
    feeds = {new_feed(run, rng, next_at=ago(age)): age for age in ages}
    oldest = sorted(feeds, key=lambda one: -feeds[one])
    with settings(student, news_feeds_per_tick=4):
        for number in range(4):
            sent = f"claim_due(), call {number + 1}; 11 feeds are due, NEWS_FEEDS_PER_TICK=4"
            found, wanted = claim_due(student, sent), set(oldest[4 * number : 4 * number + 4])
            if set(found) != wanted:
                expected = f"the {len(wanted)} feeds that have waited longest: {sorted(wanted)}"
                fail(sent=sent, expected=expected, got=sorted(found))


def test_no_waiting(student: Student, run: Run, rng: Random) -> None:
    """d: a tick does not wait for a feed that another transaction holds."""
    held, free = (new_feed(run, rng, next_at=ago(age)) for age in (900, 50))
    with database.connect(run) as other:
        other.execute("BEGIN")
        other.execute("SELECT 1 FROM feeds WHERE feed_id = %s FOR UPDATE", (held,))
        late = threading.Timer(NO_WAIT_SECONDS, other.execute, ["ROLLBACK"])
        late.start()  # a tick that waits for the row goes on then
        began = time.monotonic()
        answer = student.ask(NEWS, "claim_due", timeout=NO_WAIT_SECONDS * 3)
        took = time.monotonic() - began
        late.cancel()
        late.join()
        other.execute("ROLLBACK")
    sent = "claim_due(); another tick holds the row of one of two feeds"
    if not answer.ok or took > NO_WAIT_SECONDS or [*claims(sent, answer.value)] != [free]:
        fail(
            sent=sent,
            expected=f"at once a claim of the other feed, {free}",
            got=answer.value if answer.ok else f"{answer.error} after {took:.1f} seconds",
            cause="FOR UPDATE SKIP LOCKED",
        )


def test_ticks_at_the_same_moment(student: Student, run: Run, rng: Random) -> None:
    """d: two ticks claim no feed twice."""
    for _ in range(3):
        feeds = [new_feed(run, rng, next_at=ago(9)) for _ in range(RACE_FEEDS)]
        sent = f"{RACERS} times claim_due() at the same moment; {RACE_FEEDS} feeds are due"
        answers = race(student, sent, NEWS, "claim_due", [[]] * RACERS)
        values = [must_return(sent, answer) for answer in answers]
        counts = Counter(one for value in values for one in claims(sent, value))
        twice = sorted(one for one, count in counts.items() if count > 1)
        if twice:
            cause = "two statements, or one without a lock, let two ticks see the same feed"
            fail(sent=sent, expected="each feed claimed once", got=f"{twice} twice", cause=cause)
        claim_due(student, sent)  # what the ticks have left to one another
        if set(counts) - set(feeds):
            fail(sent=sent, expected="the feeds that are due", got=sorted(set(counts) - set(feeds)))


def test_another_tick_comes_between(student: Student, run: Run, rng: Random) -> None:
    """d: another worker claims the feed before this tick writes. A lock of one process is not enough."""
    feed = new_feed(run, rng, next_at=ago(9), generation=rng.randint(1, 2**40))

    def act(other: psycopg.Connection[Any]) -> None:
        other.execute("SELECT 1 FROM feeds WHERE feed_id = %s FOR UPDATE NOWAIT", [feed])
        other.execute(f"{TAKE} WHERE feed_id = %s".encode(), [feed])

    before = row(run, feed)["generation"]
    sent = "claim_due(); another worker claims the only feed that is due, right before the write"
    answer, acted = before_its_write(
        run, "feeds", lambda: student.ask(NEWS, "claim_due", timeout=CALL_SECONDS), act
    )
    value = must_return(sent, answer)
    found = claims(sent, value if isinstance(value, list) else [])
    wanted = {} if acted else {feed: before + 1}
    if found != wanted or row(run, feed)["generation"] != before + 1:
        cause = "look and write in one statement: between two statements another worker claims the feed too"
        fail(sent=sent, expected=f"the claims {wanted}", got=f"the claims {found}", cause=cause)


SUCCESS = {"etag": None, "last_modified": None, "pause": 60.0}


def record(student: Student, sql: str, feed_id: str, generation: int, **values: Any) -> Any:
    """What `record` returns for `SUCCESS` or `FAILURE`."""
    text = student.read(NEWS, sql)
    claim = made(NEWS, "Claim", feed_id, generation)
    return student.call(NEWS, "record", text, claim, values)


def test_outcomes(student: Student, run: Run, rng: Random) -> None:
    """g: only who has the newest generation writes, and only once."""
    generation = rng.randint(5, 2**40)
    states = {
        "the claim of the feed": (0, ago(-60), True),
        "the claim of the feed, whose lease has ended": (0, ago(60), True),
        "an older claim": (-1, ago(-60), False),
        "a claim that nobody has made": (1, ago(-60), False),
        "the claim of the feed, which was recorded already": (0, None, False),
    }
    for what, (difference, lease, is_written) in states.items():
        for sql in ("SUCCESS", "FAILURE"):
            other = new_feed(run, rng, generation=generation + difference, lease_until=ago(-60))
            feed = new_feed(run, rng, generation=generation, lease_until=lease, failures=3)
            before = row(run, feed)
            values: dict[str, Any] = SUCCESS if sql == "SUCCESS" else {"error": "e", "pause": 60.0}
            got = record(student, sql, feed, generation + difference, **values)
            sent = f"record({sql}, …) for {what}"
            if got is not is_written:
                fail(sent=sent, expected=str(is_written), got=got)
            after = row(run, feed)
            changed = after["checked_at"] != before["checked_at"]
            if changed != is_written:
                expected = "the row is changed" if is_written else "the row is not changed"
                cause = "the condition: this generation, and a lease that is not NULL"
                fail(sent=sent, expected=expected, got=str(after), cause=cause)
            if is_written and (after["lease_until"] is not None or not 30 < after["pause"] <= 60):
                fail(sent=sent, expected="no lease, due in 60 seconds", got=str(after))
            if row(run, other)["checked_at"] is not None:
                cause = "the condition also names the feed of the claim"
                fail(sent=sent, expected="another feed is not changed", got="it is", cause=cause)
    gone = record(student, "SUCCESS", f"feed-{rng.getrandbits(40):x}", 1, **SUCCESS)
    if gone is not False:
        fail(sent="record(SUCCESS, …) for a feed that was removed", expected="False", got=gone)


def test_another_worker_claims_meanwhile(student: Student, run: Run, rng: Random) -> None:
    """g: the claim is lost after this worker has looked, and before it writes."""
    for sql in ("SUCCESS", "FAILURE"):
        generation = rng.randint(5, 2**40)
        feed = new_feed(run, rng, generation=generation, lease_until=ago(60), failures=3)

        def act(other: psycopg.Connection[Any], feed: str = feed) -> None:
            other.execute("SELECT 1 FROM feeds WHERE feed_id = %s FOR UPDATE NOWAIT", [feed])
            other.execute(f"{TAKE} WHERE feed_id = %s".encode(), [feed])

        values: dict[str, Any] = SUCCESS if sql == "SUCCESS" else {"error": "e", "pause": 60.0}
        arguments = (student.read(NEWS, sql), made(NEWS, "Claim", feed, generation), values)
        ask = partial(student.ask, NEWS, "record", *arguments, timeout=CALL_SECONDS)
        answer, acted = before_its_write(run, "feeds", ask, act)
        sent = f"record({sql}, …); another worker claims the feed right before the write"
        value, after = must_return(sent, answer), row(run, feed)
        if acted and (value is not False or after["checked_at"] or after["failures"] != 3):
            cause = "generation and lease belong into the `WHERE` of the write: what was read may be old"
            fail(sent=sent, expected="False, and no change", got=f"{value}, {after}", cause=cause)


def messages(run: Run, feeds: set[str]) -> list[tuple[list[Any], Any]]:
    """The arguments and the expiry of each message that collects one of these feeds."""
    import json

    found = []
    for one in broker.waiting(run):
        if one.headers.get("task") == COLLECT:
            arguments = json.loads(one.body)[0]
            if isinstance(arguments, list) and arguments and arguments[0] in feeds:
                found.append((arguments, one.headers.get("expires")))
    return found


def test_a_tick(student: Student, run: Run, rng: Random) -> None:
    """h: one message for each feed that is due, which expires with the lease; nothing is fetched."""
    feeds = [
        new_feed(run, rng, next_at=ago(age), generation=rng.randint(9, 2**40))
        for age in (5, 50, 500)
    ]
    later = new_feed(run, rng, next_at=ago(-500))
    lease = rng.randint(200, 400)
    with settings(student, news_lease_seconds=lease):
        for _ in range(2):  # the second tick comes before anything is collected
            student.call(NEWS, "tick", timeout=20.0)
    found = messages(run, {*feeds, later})
    sent = "two ticks; three feeds are due, and one is not"
    arguments = sorted(one for one, _ in found)
    wanted = sorted([feed, row(run, feed)["generation"]] for feed in feeds)
    if arguments != wanted:
        expected = f"three messages of {COLLECT} with feed and generation: {wanted}"
        fail(sent=sent, expected=expected, got=arguments)
    for _, expires in found:
        left = None
        if isinstance(expires, str):
            left = (datetime.fromisoformat(expires) - datetime.now(UTC)).total_seconds()
        if left is None or not lease - 60 < left <= lease + 1:
            expected = f"each message expires after {lease} seconds, with the lease"
            fail(sent=f"{sent}; NEWS_LEASE_SECONDS={lease}", expected=expected, got=expires)
    for feed in feeds:
        if row(run, feed)["checked_at"] is not None:
            fail(sent=sent, expected="nothing is collected in the tick", got=str(row(run, feed)))
