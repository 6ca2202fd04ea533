"""9.1: one fetch, with conditional requests, redirects, limits of time, and forbidden addresses.

What a submission could fake:
- counts: requests are counted by the feed server, and more or fewer of them lose.
- witness: the feed server, the receiver inside this network, and rows on the grader's own connection.
  Bodies and headers are random and compared as a whole.
- place: limits, statuses, parameters of addresses and texts are random. What makes a document hostile is
  known, but what it must become is random.
- store: `articles` and `article_sources` are looked at.
- probe: the functions are called in the calling process. Another worker's transaction decides about an
  article, and hashes are compared with those of another process. `open_url` is replaced to see that it
  decides about public addresses, which a submission can notice. To call it only then is more work than
  to call it always.
"""

from __future__ import annotations

import itertools
import time
from random import Random
from typing import Any

import pytest

from autograder.sdk import Answer, Fault, FeedServer, Student, WebhookSink, fail
from autograder.sdk.answers import must_raise
from autograder.week09_news.feed_calls import (
    FEEDS,
    REFUSED,
    UNAVAILABLE,
    bytes_of,
    feed,
    fetched,
    settings,
)
from autograder.week09_news.feed_documents import items, rss, words

pytestmark = pytest.mark.item("9.1")

STATUSES = (301, 302, 303, 307, 308)
MAX_REDIRECTS = 5
FETCH_SECONDS = 1.5
"""The limit of one fetch in the checks of time."""
GRACE_SECONDS = 6.0
"""How much longer a fetch may take in these checks."""


def validators(rng: Random) -> tuple[str, str]:
    """An ETag and a Last-Modified, as servers write them."""
    number = f"{rng.getrandbits(40):x}"
    tag = rng.choice([f'"{number}"', f'W/"{number}"'])
    return tag, f"Mon, {rng.randint(10, 28)} Jun 2026 1{rng.randint(0, 9)}:00:00 GMT"


def ask(student: Student, url: str, **values: str) -> Answer:
    return student.ask(FEEDS, "fetch", feed(url, **values), timeout=30.0)


def to(url: str, status: int = 302, **more: Any) -> Fault:
    return Fault.status(status, headers={"location": url}, **more)


def test_a_document(student: Student, feed_server: FeedServer, rng: Random) -> None:
    """f: the body, the address and the headers of the response."""
    for tag, modified in [validators(rng), (None, None)]:
        body, kind = rss(items(rng, 2)), f"text/xml; charset=utf-8; x={rng.getrandbits(20):x}"
        url = feed_server.publish(
            "news.xml",
            body,
            etag=tag,
            last_modified=modified,
            content_type=kind if tag else None,
        )
        sent = "fetch() of a feed" + (
            " without ETag, Last-Modified, Content-Type" if not tag else ""
        )
        found = fetched(sent, ask(student, url))
        wanted = {
            "url": url,
            "content_type": kind if tag else "",
            "etag": tag,
            "last_modified": modified,
        }
        for name, value in wanted.items():
            if found.get(name) != value:
                fail(sent=sent, expected=f"{name}: {value!r}", got=found.get(name))
        if bytes_of(found["body"]) != body.encode():
            fail(sent=sent, expected="the body, byte for byte", got=found["body"])


def test_conditional_requests(student: Student, feed_server: FeedServer, rng: Random) -> None:
    """b: what is known is sent exactly, and nothing else; 304 is None."""
    for has_tag, has_time in itertools.product((True, False), repeat=2):
        tag, modified = validators(rng)
        url = feed_server.publish("news.xml", rss([]), etag=tag, last_modified=modified)
        feed_server.clear()
        known = {"etag": tag} if has_tag else {}
        known |= {"last_modified": modified} if has_time else {}
        sent = f"fetch() of a feed with {known or 'neither etag nor last_modified'}"
        answer = ask(student, url, **known)
        asked = feed_server.requests()
        if len(asked) != 1:
            fail(sent=sent, expected="one request", got=f"{len(asked)} requests: {answer.message}")
        request = asked[0]
        wanted = {
            "if-none-match": tag if has_tag else None,
            "if-modified-since": modified if has_time else None,
        }
        for name, value in wanted.items():
            if request.header(name) != value:
                fail(
                    sent=sent,
                    expected=f"the request header {name}: {value!r}",
                    got=request.header(name),
                    cause="each header is sent exactly as the feed has it, and only if it has it",
                )
        if known and (not answer.ok or answer.value is not None):
            got = answer.value if answer.ok else f"{answer.error}: {answer.message}"
            fail(sent=f"{sent}; the server answers 304", expected="None", got=got)
        if not known:
            fetched(sent, answer)


def test_an_old_copy(student: Student, feed_server: FeedServer, rng: Random) -> None:
    """b, f: a feed that has changed is returned with its new headers."""
    old, new = validators(rng), validators(rng)
    url = feed_server.publish("news.xml", rss([]), etag=new[0], last_modified=new[1])
    sent = f"fetch() of a feed with the old ETag {old[0]}"
    found = fetched(sent, ask(student, url, etag=old[0], last_modified=old[1]))
    if (found["etag"], found["last_modified"]) != new:
        fail(sent=sent, expected=f"the new headers {new}", got=found)


def test_redirects(student: Student, feed_server: FeedServer, rng: Random) -> None:
    """c, f: every kind of redirect, absolute or relative, with the same headers."""
    tag, _ = validators(rng)
    body = rss(items(rng, 1))
    wanted = feed_server.publish(
        f"sub/n{rng.getrandbits(32):x}.xml", body, etag=f'"{words(rng, 1)}"'
    )
    first = feed_server.url("sub/start.xml")
    path = wanted.partition("//")[2].partition("/")[2]
    ways = [wanted, f"/{path}", wanted.rpartition("/")[2]]
    for status, location in zip(STATUSES, [*ways, wanted, wanted], strict=True):
        feed_server.clear()
        feed_server.script(to(location, status, on="sub/start.xml"))
        sent = f"fetch(); the server answers {status} with Location: {location}"
        found = fetched(sent, ask(student, first, etag=tag))
        if found["url"] != wanted or bytes_of(found["body"]) != body.encode():
            fail(sent=sent, expected=f"the document at {wanted}, with this address", got=found)
        asked = feed_server.requests()
        if [one.header("if-none-match") for one in asked] != [tag, tag]:
            fail(
                sent=sent,
                expected=f"two requests, both with if-none-match: {tag}",
                got=[(one.name, one.header("if-none-match")) for one in asked],
                cause="the address that a redirect names has the same document, or it has changed",
            )


def test_two_redirects(student: Student, feed_server: FeedServer, rng: Random) -> None:
    """c: a relative Location begins at the address that was asked, and not at that of the feed."""
    body, name = rss(items(rng, 1)), f"n{rng.getrandbits(32):x}.xml"
    wanted = feed_server.publish(f"sub/{name}", body)
    feed_server.publish(name, rss([]))
    feed_server.script(to("sub/b.xml", on="a.xml"), to(name, on="sub/b.xml"))
    sent = f"fetch(); two redirects: sub/b.xml, and there {name}"
    found = fetched(sent, ask(student, feed_server.url("a.xml")))
    if found["url"] != wanted or bytes_of(found["body"]) != body.encode():
        cause = "resolve each Location against the address that was asked last"
        fail(sent=sent, expected=f"the document at {wanted}", got=found["url"], cause=cause)


def test_a_redirect_to_an_old_document(
    student: Student, feed_server: FeedServer, rng: Random
) -> None:
    """b, c: 304 after a redirect."""
    tag, _ = validators(rng)
    feed_server.script(to(feed_server.publish("news.xml", rss([]), etag=tag), on="old.xml"))
    answer = ask(student, feed_server.url("old.xml"), etag=tag)
    if not answer.ok or answer.value is not None:
        got = answer.value if answer.ok else f"{answer.error}: {answer.message}"
        fail(sent="fetch(); a redirect, then 304", expected="None", got=got)


def test_number_of_redirects(student: Student, feed_server: FeedServer, rng: Random) -> None:
    """d: five redirects are followed, and a sixth is not."""
    body = rss(items(rng, 1))
    url = feed_server.publish("news.xml", body)
    for count in (MAX_REDIRECTS, MAX_REDIRECTS + 1):
        feed_server.clear()
        chain = [feed_server.url(f"step{n}.xml") for n in range(1, count)] + [url]
        names = ["start.xml", *(f"step{n}.xml" for n in range(1, count))]
        feed_server.script(*(to(there, on=name) for name, there in zip(names, chain, strict=True)))
        sent = f"fetch(); the document comes after {count} redirects"
        answer = ask(student, feed_server.url("start.xml"))
        if count == MAX_REDIRECTS:
            fetched(sent, answer)
        else:
            must_raise(sent, answer, REFUSED, "at most MAX_REDIRECTS redirects are followed")
            if len(asked := feed_server.requests()) > count:
                fail(sent=sent, expected=f"{count} requests", got=f"{len(asked)} requests")


def test_a_loop_of_redirects(student: Student, feed_server: FeedServer) -> None:
    """d: a loop ends."""
    url = feed_server.url("loop.xml")
    feed_server.script(to(url, times=None, on="loop.xml"))
    answer = ask(student, url)
    sent = "fetch(); the server redirects to the same address without end"
    must_raise(sent, answer, REFUSED, "count the redirects")
    if len(asked := feed_server.requests()) != MAX_REDIRECTS + 1:
        fail(sent=sent, expected=f"{MAX_REDIRECTS + 1} requests", got=f"{len(asked)} requests")


def test_unsafe_addresses(
    student: Student, feed_server: FeedServer, webhooks: WebhookSink, rng: Random
) -> None:
    """a, c: no request goes to an address that is not public, neither first nor after a redirect."""
    inside = webhooks.url(f"news-{rng.getrandbits(32):x}")
    port = inside.split(":")[2].partition("/")[0]
    places = [
        inside,
        f"http://localhost:{port}/",
        "http://169.254.169.254/latest/meta-data/",
        "http://10.0.0.1/feed.xml",
        "file:///etc/passwd",
        "gopher://127.0.0.1/",
    ]
    webhooks.clear()
    for place in places:
        feed_server.clear()
        feed_server.script(to(place, on="moved.xml"))
        for what, url in {"": place, "after a redirect, ": feed_server.url("moved.xml")}.items():
            sent = f"fetch(); {what}the address is {place}"
            cause = "send each request with `open_url`, which checks the address"
            must_raise(sent, ask(student, url), REFUSED, cause)
    if arrived := webhooks.deliveries():
        fail(
            sent="feeds and redirects that lead into this network",
            expected="no request there",
            got=f"{arrived[0].method} {arrived[0].path}",
            cause="another client, or one that follows redirects by itself, checks no address",
        )


def test_broken_redirects(student: Student, feed_server: FeedServer, rng: Random) -> None:
    """d: no Location, or one that cannot be read."""
    for status in rng.sample(STATUSES, 2):
        for headers in ({}, {"location": "http://[broken/"}):
            feed_server.clear()
            feed_server.script(Fault.status(status, headers=headers))
            sent = f"fetch(); the server answers {status} with {headers or 'no Location'}"
            cause = "`urljoin` raises ValueError, or there is nothing to follow"
            must_raise(sent, ask(student, feed_server.url("a.xml")), REFUSED, cause)
            if (count := len(feed_server.requests())) != 1:
                fail(sent=sent, expected="one request", got=f"{count} requests", cause=cause)


def test_statuses(student: Student, feed_server: FeedServer, rng: Random) -> None:
    """e: which errors may pass."""
    others = [status for status in range(400, 500) if status != 429]
    url = feed_server.publish("news.xml", rss([]))
    kinds = {
        UNAVAILABLE: (429, 500, 503, 599, *rng.sample(range(501, 599), 4)),
        REFUSED: (201, 206, 404, 410, *rng.sample(others, 4)),
    }
    for error, statuses in kinds.items():
        for status in statuses:
            feed_server.clear()
            feed_server.script(Fault.status(status, body=rss([])))
            cause = "429 and 5xx may pass, and every other status that is not 200 is a refusal"
            must_raise(f"fetch(); the server answers {status}", ask(student, url), error, cause)


def slow(student: Student, sent: str, url: str) -> None:
    """A fetch that must end with the limit of time."""
    began = time.monotonic()
    answer = ask(student, url)
    took = time.monotonic() - began
    must_raise(sent, answer, UNAVAILABLE, "`open_url` raises it when the deadline is over")
    if took > FETCH_SECONDS + GRACE_SECONDS:
        fail(
            sent=sent, expected=f"an end after {FETCH_SECONDS:g} seconds", got=f"{took:.1f} seconds"
        )


def test_slow_servers(student: Student, feed_server: FeedServer, rng: Random) -> None:
    """a: the limit holds for silence, for a drip, and for all redirects together."""
    url = feed_server.publish("news.xml", rss(items(rng, 30)))
    with settings(student, news_fetch_seconds=FETCH_SECONDS):
        feed_server.script(Fault.timeout(seconds=20))
        slow(student, "fetch(); the server says nothing", url)
        feed_server.script(Fault.slow_body(20))
        slow(student, "fetch(); the server sends a few bytes in each second", url)
        feed_server.script(
            Fault.status(
                302, headers={"location": feed_server.url("b.xml")}, seconds=0.8, on="a.xml"
            ),
            Fault.status(
                302, headers={"location": feed_server.url("c.xml")}, seconds=0.8, on="b.xml"
            ),
            Fault.status(302, headers={"location": url}, seconds=0.8, on="c.xml"),
        )
        sent = "fetch(); three redirects, each after 0.8 seconds"
        slow(student, sent, feed_server.url("a.xml"))


def test_broken_connections(student: Student, feed_server: FeedServer) -> None:
    """a: the errors of `open_url` get out."""
    url = feed_server.publish("news.xml", rss([]))
    feed_server.script(Fault.drop())
    cause = "let the errors of `open_url` out"
    must_raise("fetch(); the server closes the connection", ask(student, url), UNAVAILABLE, cause)
