"""9.1 and 9.5 end to end: Beat, workers, and feeds that behave well and badly."""

from __future__ import annotations

import time
from random import Random

import pytest

from autograder.week09_news.feed_documents import atom, item, items, json_feed, json_item, rdf, rss
from bootcamp.providers import Fault
from tests.week09.collecting import Desk, collecting, prepared


@pytest.fixture
def desk(run):
    with prepared(run) as desk:
        yield desk


def test_feeds_of_every_kind(desk: Desk, tmp_path) -> None:
    rng, feeds = Random(1), desk.feeds
    shared = item(rng, title="The story that everybody has")
    found = [items(rng, 2) for _ in range(4)]
    feeds.publish("a.xml", rss([*found[0], shared]), etag='"a"', compress=True)
    copy = shared.moved(link=shared.link.replace("https://news", "HTTPS://News") + "?utm_source=b")
    feeds.publish("b.xml", atom([*found[1], copy]), last_modified="Mon, 02 Nov 2026 10:00:00 GMT")
    moved = shared.moved(link="https://other.example/copy")
    feeds.publish("c.xml", rdf([*found[2], moved]))
    feeds.publish("d.json", json_feed([json_item(one) for one in found[3]]))
    feeds.publish("bomb.xml", rss([], doctype='<!DOCTYPE rss [<!ENTITY a "ha">]>'))
    feeds.publish("large.xml", b"<rss>" + b" " * 6_000_000, compress=True)
    feeds.script(
        Fault.timeout(on="hangs.xml", times=None, seconds=20),
        Fault.slow_body(20, on="drips.xml", times=None),
        Fault.status(
            302, headers={"location": desk.run.webhooks.url("inside")}, on="inside.xml", times=None
        ),
        Fault.status(503, on="down.xml", times=None),
    )
    feeds.publish("drips.xml", rss(items(rng, 30)))
    good = {name: desk.add(feeds.url(name)) for name in ("a.xml", "b.xml", "c.xml", "d.json")}
    bad = {
        "bomb.xml": "feed_malformed",
        "large.xml": "feed_too_large",
        "hangs.xml": "feed_unavailable",
        "drips.xml": "feed_unavailable",
        "inside.xml": "feed_refused",
        "down.xml": "feed_unavailable",
        "missing.xml": "feed_refused",
    }
    ids = {name: desk.add(feeds.url(name)) for name in bad}
    with collecting(desk, tmp_path):
        desk.until(lambda: len(desk.titles()) == 9)
        desk.until(lambda: all(desk.feed(ids[name])["failures"] for name in bad))
        desk.until(lambda: any(r.status == 304 for r in feeds.requests("a.xml")))
        desk.until(lambda: any(r.status == 304 for r in feeds.requests("b.xml")))
    everything = [shared, *(one for several in found for one in several)]
    assert sorted(one.title for one in everything) == desk.titles()
    sources = desk.rows(
        "SELECT count(*) FROM article_sources JOIN articles USING (article_id) WHERE title = %s",
        shared.title,
    )
    assert sources == [(3,)]
    for name, error in bad.items():
        assert desk.feed(ids[name])["last_error"] == error, name
    assert desk.feed(good["a.xml"])["etag"] == '"a"'
    assert desk.run.webhooks.deliveries("inside") == []


def test_a_feed_that_hangs_does_not_hold_up_others(desk: Desk, tmp_path) -> None:
    rng, feeds = Random(2), desk.feeds
    feeds.script(Fault.timeout(on="hangs.xml", times=None, seconds=20))
    desk.add(feeds.url("hangs.xml"))
    for number in range(12):
        feeds.publish(f"n{number}.xml", rss(items(rng, 1)))
        desk.add(feeds.url(f"n{number}.xml"))
    with collecting(desk, tmp_path):
        desk.until(lambda: len(desk.titles()) == 12)
        first = {name: feeds.requests(f"n{name}.xml")[0].started for name in range(12)}
        [hanging, *_] = feeds.requests("hangs.xml")
    assert hanging.ended is None or max(first.values()) < hanging.started + 2.5


def test_overlapping_ticks_and_missed_ones(desk: Desk, tmp_path) -> None:
    """Three workers, ticks four times in an interval, and feeds that were due for days."""
    desk.env["NEWS_INTERVAL_SECONDS"] = "3600"
    desk.env["NEWS_FEEDS_PER_TICK"] = "7"
    rng, feeds = Random(3), desk.feeds
    for number in range(20):
        feeds.publish(f"n{number}.xml", rss(items(rng, 3)))
        desk.add(feeds.url(f"n{number}.xml"))
    desk.rows("UPDATE feeds SET next_at = now() - interval '2 days'")
    with collecting(desk, tmp_path, workers=3):
        desk.until(lambda: len(desk.titles()) == 60)
        time.sleep(2)
    assert len(feeds.requests()) == 20


def test_a_worker_that_dies(desk: Desk, tmp_path) -> None:
    rng, feeds = Random(4), desk.feeds
    feeds.publish("slow.xml", rss(items(rng, 2)))
    feeds.script(Fault.slow(1.8, on="slow.xml"))
    feed_id = desk.add(feeds.url("slow.xml"))
    with collecting(desk, tmp_path, workers=3) as apps:  # the second takes jobs only
        desk.until(lambda: feeds.requests("slow.xml"))
        for worker in (apps.workers[0], apps.workers[2]):  # one of them has it
            worker.kill(group=True)
        apps.scale(1)
        apps.scale(3)
        desk.until(lambda: len(desk.titles()) == 2)
    row = desk.feed(feed_id)
    assert row["generation"] >= 2
    assert (row["failures"], row["last_error"]) == (0, None)


def test_a_feed_that_kills_its_worker_waits_longer_each_time(desk: Desk) -> None:
    """The claim of each tick begins, and no outcome follows. Then one collection succeeds."""
    desk.env |= {"NEWS_INTERVAL_SECONDS": "100", "NEWS_BACKOFF_CAP_SECONDS": "500"}
    feeds = desk.feeds
    feed_id = desk.add(feeds.publish("deadly.xml", rss([])))
    code = (
        "from pipeline.tasks.news import begin, claim_due, collect_feed; "
        "[claim] = claim_due(); feed = begin(claim); {}"
    )
    due = "UPDATE feeds SET next_at = now() - interval '1 s', lease_until = now()"
    for pause in (100, 200, 400, 500):
        desk.rows(due)
        desk.python("-c", code.format("assert feed"))
        [(left,)] = desk.rows("SELECT extract(epoch FROM next_at - now())::float FROM feeds")
        assert pause - 60 < left <= pause
    assert desk.feed(feed_id)["begun"] == 4
    desk.rows(due)
    desk.python("-c", code.format("collect_feed(claim, feed)"))
    assert (desk.feed(feed_id)["begun"], desk.feed(feed_id)["failures"]) == (0, 0)
    desk.rows(due)
    desk.rows("UPDATE feeds SET generation = 99, lease_until = now() + interval '1 h'")
    desk.python("-c", "from pipeline.tasks.news import *; assert begin(Claim('x', 99)) is None")


def test_the_list_of_feeds(desk: Desk) -> None:
    command = ("-m", "pipeline.news.feed_list")
    url = desk.feeds.publish("a.xml", rss([]))
    feed_id = desk.python(*command, "add", url, "--title", "Harbour").strip()
    assert desk.python(*command, "add", url).strip() == feed_id
    assert desk.feed(feed_id)["title"] == "Harbour"
    assert url in desk.python(*command, "list")
    for inside in ("http://169.254.169.254/", "http://localhost/", desk.run.webhooks.url("a")):
        said = desk.python(*command, "add", inside, code=1)
        assert "cannot be fetched from this address" in said
    desk.python(*command, "remove", feed_id)
    desk.python(*command, "remove", feed_id, code=1)
    assert desk.rows("SELECT * FROM feeds") == []
