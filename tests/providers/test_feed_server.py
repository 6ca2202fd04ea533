"""The feed server: what it serves, what it records, and how it misbehaves when it is told to."""

from __future__ import annotations

import gzip
import secrets
from collections.abc import Iterator

import httpx
import pytest

from bootcamp.errors import StackError
from bootcamp.providers import Fault, FeedServer
from tests.providers.conftest import TOKEN, running

MODIFIED = "Mon, 02 Nov 2026 10:00:00 GMT"
LATER = "Tue, 03 Nov 2026 10:00:00 GMT"
EARLIER = "Sun, 01 Nov 2026 10:00:00 GMT"


@pytest.fixture(scope="module")
def url() -> Iterator[str]:
    with running("bootcamp.providers.feed_server") as address:
        yield address


@pytest.fixture
def feeds(url: str) -> Iterator[FeedServer]:
    feeds = FeedServer(url, TOKEN, f"run-{secrets.token_hex(8)}")
    yield feeds
    feeds.close()


def get(url: str, **headers: str) -> httpx.Response:
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    return httpx.get(url, headers=sent, timeout=10, trust_env=False)


def test_a_document_is_served_as_it_was_published(feeds):
    address = feeds.publish(
        "a b.xml", "<rss>ü</rss>", content_type="text/xml", headers={"X-A": "1"}
    )
    answer = get(address)
    assert (answer.status_code, answer.content) == (200, "<rss>ü</rss>".encode())
    assert (answer.headers["content-type"], answer.headers["x-a"]) == ("text/xml", "1")
    feeds.publish("a b.xml", b"\xff\x00", content_type=None)
    answer = get(address)
    assert answer.content == b"\xff\x00" and "content-type" not in answer.headers
    assert [one.status for one in feeds.requests("a b.xml")] == [200, 200]


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({"if_none_match": '"1"'}, 304),
        ({"if_none_match": 'W/"0", W/"1"'}, 304),
        ({"if_none_match": '"2"'}, 200),
        ({"if_none_match": '"2"', "if_modified_since": LATER}, 200),
        ({"if_modified_since": MODIFIED}, 304),
        ({"if_modified_since": LATER}, 304),
        ({"if_modified_since": EARLIER}, 200),
        ({"if_modified_since": "yesterday"}, 200),
        ({}, 200),
    ],
)
def test_conditional_requests(feeds, headers, status):
    address = feeds.publish("news.xml", "<rss/>", etag='W/"1"', last_modified=MODIFIED)
    answer = get(address, **headers)
    assert answer.status_code == status
    assert answer.headers["etag"] == 'W/"1"'
    assert (answer.content == b"") == (status == 304)


def test_a_compressed_document(feeds):
    address = feeds.publish("news.xml", "<rss/>" * 1000, compress=True)
    with httpx.stream("GET", address, timeout=10, trust_env=False) as answer:
        raw = b"".join(answer.iter_raw())
    assert answer.headers["content-encoding"] == "gzip"
    assert gzip.decompress(raw) == b"<rss/>" * 1000


def test_what_is_not_published_does_not_exist(feeds):
    address = feeds.publish("news.xml", "<rss/>")
    assert get(feeds.url("other.xml")).status_code == 404
    feeds.withdraw()
    assert get(address).status_code == 404


def test_faults(feeds):
    address = feeds.publish("news.xml", "<rss/>" * 100)
    feeds.script(
        Fault.status(302, headers={"location": "/elsewhere"}, on="news.xml"),
        Fault.slow_body(1.0),
        Fault.drop(),
    )
    assert get(address).headers["location"] == "/elsewhere"
    assert get(address).content == b"<rss/>" * 100
    with pytest.raises(httpx.RemoteProtocolError):
        get(address)
    first, second, third = feeds.wait_for(3, 5, "news.xml")
    assert (first.status, second.fault, third.status) == (302, "slow_body", None)
    assert second.ended is not None and second.ended - second.started > 0.9


def test_the_journal_has_the_request(feeds):
    get(feeds.publish("news.xml", "<rss/>") + "?page=2", user_agent="reader/1")
    [request] = feeds.requests()
    assert (request.method, request.header("User-Agent")) == ("GET", "reader/1")
    assert request.path.endswith("/news.xml?page=2")
    feeds.clear()
    assert feeds.requests() == []
    assert get(feeds.url("news.xml")).status_code == 200


def test_runs_do_not_see_one_another(feeds, url):
    other = FeedServer(url, TOKEN, f"run-{secrets.token_hex(8)}")
    get(feeds.publish("news.xml", "<rss/>"))
    assert get(other.url("news.xml")).status_code == 404
    assert len(feeds.requests()) == len(other.requests()) == 1
    other.close()


def test_the_control_plane_needs_its_token(feeds, url):
    stranger = FeedServer(url, "guessed", feeds.run)
    with pytest.raises(StackError):
        stranger.publish("news.xml", "<rss/>")
    with pytest.raises(StackError):
        stranger.withdraw()
    stranger.close()


@pytest.mark.parametrize(
    "record",
    [
        [],
        {"name": "a"},
        {"name": "a", "body": "!", "headers": {}},
        {"name": "a", "body": "", "headers": {"Content-Length": "7"}},
        {"name": "a", "body": "", "headers": {"etag": 1}},
    ],
)
def test_a_wrong_document_is_refused(feeds, url, record):
    answer = httpx.post(
        f"{url}/control/accounts/{feeds.run}/documents",
        json=record,
        headers={"authorization": f"Bearer {TOKEN}"},
        trust_env=False,
    )
    assert answer.status_code == 400
