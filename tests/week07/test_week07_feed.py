"""The feed of an API process and the publisher, as functions: no service, no waiting."""

from __future__ import annotations

import anyio
import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from pipeline.live import progress as live_progress
from pipeline.live.errors import EventsUnavailable, TooManyStreams
from pipeline.live.feed import Feed
from pipeline.live.publisher import Publisher
from pipeline.live.settings import live_settings
from pipeline.steps import progress

SILENCE = 0.05


@pytest.fixture
def clock():
    return [100.0]


@pytest.fixture
def feed(clock):
    feed = Feed(keep=5, queue=3, streams=2, clock=lambda: clock[0])
    feed.connect()
    return feed


def taken(reader, most=10):
    """What a stream gets now: the data of each change, and None for a silence."""

    async def take():
        found = []
        async for change in reader.changes(SILENCE):
            found.append(change and change.data)
            if change is None or len(found) == most:
                break
        return found

    return anyio.run(take)


def test_changes_come_in_order_and_then_silence(feed):
    reader = feed.register("me")
    for number in range(3):
        feed.deliver("me", f"{number}")
    assert taken(reader) == ["0", "1", "2", None]


def test_only_the_owner_hears(feed):
    mine, theirs = feed.register("me"), feed.register("you")
    feed.deliver("me", "mine")
    feed.tell("me", "my progress")
    assert taken(mine) == ["mine", "my progress", None]
    assert taken(theirs) == [None]


def test_a_full_queue_ends_the_stream_and_no_other(feed):
    slow, quick = feed.register("me"), feed.register("me")
    hung_up = []
    slow.hang_up = lambda: hung_up.append("slow")
    for number in range(3):
        feed.deliver("me", f"{number}")
    assert taken(quick) == ["0", "1", "2", None]
    feed.deliver("me", "3")
    assert slow.ended and hung_up == ["slow"] and not quick.ended
    assert taken(slow) == []
    assert taken(quick) == ["3", None]


def test_since_gives_what_was_missed_and_only_that(feed):
    reader = feed.register("me")
    ids = []
    for number in range(4):
        feed.deliver("me" if number % 2 else "you", f"{number}")
        ids.append(feed.register("x").position)
    assert [one.data for one in feed.since(ids[0], "me")] == ["1", "3"]
    assert [one.data for one in feed.since(reader.position, "me")] == ["1", "3"]
    assert feed.since(ids[3], "me") == []
    assert [one.id for one in feed.since(ids[0], "me")] == [ids[1], ids[3]]


def test_a_gap_beyond_the_log_is_too_old(feed):
    start = feed.register("me").position
    for number in range(5):
        feed.deliver("me", f"{number}")
    assert len(feed.since(start, "me")) == 5
    feed.deliver("me", "5")
    assert feed.since(start, "me") is None


@pytest.mark.parametrize("last", [None, "", "-", "x-1", "1", "None-1", "-1", "½-½"])
def test_an_id_of_another_feed_is_not_known(feed, last):
    assert feed.since(last, "me") is None


def test_an_id_from_the_future_is_not_known(feed):
    epoch = feed.register("me").position.partition("-")[0]
    assert feed.since(f"{epoch}-1", "me") is None
    assert feed.since(f"{epoch}-0", "me") == []
    assert feed.since(f"{epoch}-{'9' * 30}", "me") is None


def test_a_new_connection_knows_no_old_ids(feed):
    reader = feed.register("me")
    feed.disconnect()
    assert reader.ended
    with pytest.raises(EventsUnavailable):
        feed.register("me")
    feed.connect()
    assert feed.since(reader.position, "me") is None


def test_a_closed_feed_stays_closed(feed):
    feed.close()
    feed.connect()
    with pytest.raises(EventsUnavailable):
        feed.register("me")


def test_recent_changes_are_those_before_the_reader_and_have_no_id(feed, clock):
    feed.deliver("me", "old")
    clock[0] += 10
    feed.deliver("me", "new")
    feed.deliver("you", "theirs")
    reader = feed.register("me")
    feed.deliver("me", "later")
    assert [(one.data, one.id) for one in feed.recent(reader, 5)] == [("new", None)]


def test_streams_of_one_owner_are_counted(feed):
    kept = [feed.register("me") for _ in range(2)]
    with pytest.raises(TooManyStreams):
        feed.register("me")
    feed.register("you")
    feed.remove(kept.pop())
    kept.append(feed.register("me"))


def test_a_reader_that_nobody_holds_is_gone(feed):
    for _ in range(5):
        feed.register("me")
    assert feed.readers_of("me") == ()


# -- publishing ---------------------------------------------------------------------------------


class Away(Redis):
    """A Redis that is not there."""

    def __init__(self):
        self.asked = 0

    def publish(self, channel, message, **kwargs):
        self.asked += 1
        raise RedisConnectionError("away")


def test_while_redis_is_away_most_writes_do_not_try():
    client = Away()
    publisher = Publisher(client, pause_seconds=60)
    assert [publisher.publish("x") for _ in range(5)] == [False] * 5
    assert client.asked == 1


def test_progress_is_published_at_most_so_often(monkeypatch):
    from pipeline.lifecycle.hooks import TaskCall

    now, said = [0.0], []
    monkeypatch.setattr("pipeline.live.progress.time.monotonic", lambda: now[0])
    monkeypatch.setattr(
        live_progress, "publish_progress", lambda job, step, p: said.append((step, p))
    )
    live_settings.cache_clear()
    monkeypatch.setenv("PROGRESS_SECONDS", "0.5")
    reporter = live_progress.Reporter(None, TaskCall(3, "pipeline.embed_chunks", "w", []))
    for done in range(1, 101):
        now[0] += 0.125
        reporter.report(done, 100)
    live_settings.cache_clear()
    assert len(said) == 25
    assert said[0] == ("embed", 51) and said[-1] == ("embed", 80)


def test_percents_of_a_step_lie_between_those_of_its_neighbours():
    assert live_progress.percent(1, 0, 10) == 0
    assert live_progress.percent(1, 10, 10) == 40
    assert live_progress.percent(3, 1, 2) == 65


def test_nobody_listens_to_a_step_by_default():
    progress.expect(10)
    progress.advance(5)


def test_a_listener_hears_of_the_work():
    heard = []
    progress.listen(lambda done, total: heard.append((done, total)))
    progress.advance(1)  # before the size is known
    progress.expect(10)
    progress.advance(4)
    progress.advance(40)
    assert heard == [(4, 10), (10, 10)]
