"""9.1: the body of a response: compression, and its limit."""

from __future__ import annotations

import gzip
import time
import zlib
from random import Random

import pytest

from autograder.sdk import Answer, Fault, FeedServer, Student, fail
from autograder.sdk.answers import must_raise
from autograder.week09_news.feed_calls import (
    FEEDS,
    MALFORMED,
    TOO_LARGE,
    bytes_of,
    feed,
    fetched,
    settings,
)
from autograder.week09_news.feed_documents import items, rss

pytestmark = pytest.mark.item("9.1")

BOMB_BYTES = 2_000_000_000
"""The bomb's size after it is decompressed. As it is sent, it has two million bytes."""
BOMB_PROCESSOR_SECONDS = 1.5
"""What the processes of the student's may use while they refuse the bomb. All of it takes several seconds."""
ENDLESS_SECONDS = 10.0


def ask(student: Student, url: str) -> Answer:
    return student.ask(FEEDS, "fetch", feed(url), timeout=40.0)


def coded(feeds: FeedServer, content: bytes, encoding: str) -> str:
    return feeds.publish("news.xml", content, headers={"content-encoding": encoding})


def noise(rng: Random, count: int) -> bytes:
    """Bytes that cannot be compressed."""
    return rng.randbytes(count)


def test_compression(student: Student, feed_server: FeedServer, rng: Random) -> None:
    """g: gzip, deflate and plain bodies, small and large."""
    for body in (rss(items(rng, 1)).encode(), noise(rng, 300_000), b" " * 300_000, b""):
        ways = {
            "gzip": gzip.compress(body),
            "deflate": zlib.compress(body),
            "GZip": gzip.compress(body),
            "identity": body,
        }
        for encoding, content in ways.items():
            sent = f"fetch() of {len(body)} bytes with content-encoding: {encoding}"
            found = fetched(sent, ask(student, coded(feed_server, content, encoding)))
            if bytes_of(found["body"]) != body:
                got = bytes_of(found["body"]) or b""
                fail(
                    sent=sent,
                    expected="the body, decompressed",
                    got=f"{len(got)} bytes, which begin with {got[:30]!r}",
                )


def test_the_limit(student: Student, feed_server: FeedServer, rng: Random) -> None:
    """h: exactly the limit is allowed, and one byte more is not, compressed or not."""
    most = rng.randint(150_000, 250_000)
    with settings(student, news_max_bytes=most):
        for extra in (0, 1):
            flat, mixed = b"a" * (most + extra), noise(rng, 1000) + b"b" * (most + extra - 1000)
            ways = [
                ("identity", flat),
                ("gzip", gzip.compress(flat)),
                ("gzip", gzip.compress(mixed)),
                ("deflate", zlib.compress(mixed)),
            ]
            for encoding, content in ways:
                size = f"{most + extra} bytes, sent as {len(content)} ({encoding})"
                sent = f"fetch() of {size}; NEWS_MAX_BYTES={most}"
                answer = ask(student, coded(feed_server, content, encoding))
                if extra:
                    cause = "count the bytes after they are decompressed"
                    must_raise(sent, answer, TOO_LARGE, cause)
                elif len(bytes_of(fetched(sent, answer)["body"]) or b"") != most:
                    fail(sent=sent, expected="the whole body", got=answer.value)


def test_more_arrives_than_is_allowed(
    student: Student, feed_server: FeedServer, rng: Random
) -> None:
    """h: what arrives is limited too, although it is little when it is decompressed."""
    most = 100_000
    content = gzip.compress(b"<rss/>") + noise(rng, 3 * most)
    with settings(student, news_max_bytes=most):
        sent = (
            f"fetch() of a short gzip body with {3 * most} bytes behind it; NEWS_MAX_BYTES={most}"
        )
        answer = ask(student, coded(feed_server, content, "gzip"))
        must_raise(sent, answer, TOO_LARGE, "count the bytes as they arrive too")


def test_bytes_behind_the_end(student: Student, feed_server: FeedServer, rng: Random) -> None:
    """g: a few bytes after the compressed data are ignored."""
    body = noise(rng, 5_000)
    for encoding, content in {"gzip": gzip.compress(body), "deflate": zlib.compress(body)}.items():
        sent = f"fetch() of a body with content-encoding: {encoding}, and 10 bytes behind its end"
        answer = ask(student, coded(feed_server, content + b"\r\n padding", encoding))
        if bytes_of(fetched(sent, answer)["body"]) != body:
            cause = "what follows the compressed data does not belong to the body"
            fail(sent=sent, expected="the body, decompressed", got=answer.value, cause=cause)


def test_an_endless_body(student: Student, feed_server: FeedServer) -> None:
    """h: the rest of a body that is too large is not read."""
    feed_server.script(Fault.endless())
    began = time.monotonic()
    with settings(student, news_max_bytes=200_000):
        answer = ask(student, feed_server.url("endless.xml"))
    sent = "fetch() of a body of 256 MB; NEWS_MAX_BYTES=200000"
    must_raise(sent, answer, TOO_LARGE, "stop at the first piece that is too much")
    [request] = feed_server.wait_for(1, 5.0)
    if request.status is not None or time.monotonic() - began > ENDLESS_SECONDS:
        fail(
            sent=sent,
            expected="the connection is closed early",
            got="the whole body was read" if request.status else "it took too long",
            cause="raise `FeedTooLarge` as soon as too much has arrived",
        )


def test_a_bomb(student: Student, feed_server: FeedServer) -> None:
    """h: a bomb is not decompressed."""
    packer = zlib.compressobj(9, wbits=31)
    piece = bytes(BOMB_BYTES // 200)
    content = b"".join(packer.compress(piece) for _ in range(200)) + packer.flush()
    url = coded(feed_server, content, "gzip")
    student.call(FEEDS, "fetch", feed(feed_server.publish("small.xml", rss([]))))  # it is warm
    before = student.processor_seconds()
    answer = ask(student, url)
    used = student.processor_seconds() - before
    sent = f"fetch() of {len(content)} bytes of gzip that become {BOMB_BYTES}"
    must_raise(sent, answer, TOO_LARGE, "decompress at most one byte more than the limit")
    if used > BOMB_PROCESSOR_SECONDS:
        fail(
            sent=sent,
            expected="FeedTooLarge before all of it is decompressed",
            got=f"FeedTooLarge after {used:.1f} seconds of processor time",
            cause="give `decompress` its second argument, the most bytes that it returns",
        )


def test_broken_bodies(student: Student, feed_server: FeedServer, rng: Random) -> None:
    """i: another encoding, a broken one, and one without its end."""
    body = noise(rng, 5_000)
    ways = {
        "of an encoding that nobody asked for": ("br", body),
        "of gzip that is none": ("gzip", body),
        "of deflate that is none": ("deflate", b"\x00" + body),
        "of gzip without its end": ("gzip", gzip.compress(body)[:-40]),
        "of deflate without its end": ("deflate", zlib.compress(body)[:-1]),
        "of gzip with a wrong checksum": ("gzip", gzip.compress(body)[:-8] + bytes(8)),
        "of gzip and nothing in it": ("gzip", b""),
    }
    for what, (encoding, content) in ways.items():
        answer = ask(student, coded(feed_server, content, encoding))
        cause = "zlib.error, `eof` and unknown encodings become `FeedMalformed`"
        must_raise(f"fetch() {what} ({encoding})", answer, MALFORMED, cause)
