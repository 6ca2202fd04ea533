"""9.1: the canonical address of an article, and the hash of its content."""

from __future__ import annotations

import unicodedata
from random import Random

import pytest

from autograder.sdk import Student, fail
from autograder.week09_news.feed_calls import bytes_of
from autograder.week09_news.feed_documents import words

pytestmark = pytest.mark.item("9.1")

ARTICLES = "pipeline.news.articles"
MIN_SHARED_CHARS = 80
HASH_BYTES = 32


def cases(rng: Random) -> list[tuple[str, str, str]]:
    """An address, its canonical spelling, and the likely mistake."""
    host, path = f"n{rng.getrandbits(32):x}.example", f"/A{rng.getrandbits(32):X}/story.html"
    home = f"https://{host}"
    a, b = sorted(f"{letter}{rng.getrandbits(20):x}" for letter in rng.sample("cdeghjkmnopq", 2))
    x, y = f"{rng.getrandbits(24):x}", f"{rng.getrandbits(24):X}"
    case = "scheme and host are written in lower case, and the path is not"
    port = "only the default port of the scheme is left out"
    left_out = "what `is_tracking` names is left out, and nothing else"
    kept = "keep each parameter as it is written: decoding it and encoding it again can change it"
    return [
        (f"HTTPS://{host.upper()}{path}", f"{home}{path}", case),
        (f"https://{host}:443{path}", f"{home}{path}", port),
        (f"http://{host}:80{path}", f"http://{host}{path}", port),
        (f"https://{host}:80{path}", f"https://{host}:80{path}", port),
        (f"http://{host}:8080{path}", f"http://{host}:8080{path}", port),
        (f"https://[2001:DB8::1]:443{path}", f"https://[2001:db8::1]{path}", "IPv6 has brackets"),
        (f"{home}{path}#{a}?{b}={x}", f"{home}{path}", "the fragment is left out"),
        (home, f"{home}/", "an empty path is /"),
        (f"{home}?{a}={x}#{y}", f"{home}/?{a}={x}", "an empty path is /"),
        (f"{home}{path}/", f"{home}{path}/", "a slash at the end belongs to the path"),
        (f"{home}//a/../b%2Fc", f"{home}//a/../b%2Fc", "do not change the path"),
        (f"{home}{path}?", f"{home}{path}", "without parameters there is no ?"),
        (
            f"{home}{path}?{b}={x}&{a}={y}",
            f"{home}{path}?{a}={y}&{b}={x}",
            "the parameters are sorted",
        ),
        (
            f"{home}{path}?utm_{a}={x}&UTM_Medium={a}&{b}={y}&fbclid={x}",
            f"{home}{path}?{b}={y}",
            left_out,
        ),
        (f"{home}{path}?gclid={y}&utm_{x}", f"{home}{path}", left_out),
        (
            f"{home}{path}?butm_{a}={x}&{b}={y}",
            f"{home}{path}?butm_{a}={x}&{b}={y}",
            left_out,
        ),
        (f"{home}{path}?{a}=utm_{x}", f"{home}{path}?{a}=utm_{x}", left_out),
        (f"{home}{path}?&{a}={x}&&", f"{home}{path}?{a}={x}", "empty parameters are left out"),
        (f"{home}{path}?{a}=&{b}", f"{home}{path}?{a}=&{b}", kept),
        (f"{home}{path}?{a}=2&{a}=1&{a}=2", f"{home}{path}?{a}=1&{a}=2&{a}=2", kept),
        (
            f"{home}{path}?{a}=%E4+%20{x}&{b}=%C3%A4",
            f"{home}{path}?{a}=%E4+%20{x}&{b}=%C3%A4",
            kept,
        ),
        (f"{home}{path}?{a}={x}={y}&{b}=ü", f"{home}{path}?{a}={x}={y}&{b}=ü", kept),
    ]


def test_canonical_addresses(student: Student, rng: Random) -> None:
    """v, w: one spelling for each address, and different ones for different addresses."""
    for url, wanted, cause in cases(rng):
        for given in (url, wanted):
            found = student.call(ARTICLES, "canonical_url", given)
            if found != wanted:
                fail(sent=f"canonical_url({given!r})", expected=wanted, got=found, cause=cause)


def hashed(student: Student, url: str, title: str, text: str) -> bytes:
    """The hash of a content."""
    found = bytes_of(student.call(ARTICLES, "content_hash", url, title, text))
    if found is None or len(found) != HASH_BYTES:
        sent = f"content_hash({url!r}, {title!r}, …)"
        fail(sent=sent, expected=f"{HASH_BYTES} bytes: a SHA-256", got=found)
    return found


def test_copies(student: Student, rng: Random) -> None:
    """x: copies of a long text are equal, at whatever address."""
    title, text = (
        f"Größe: {words(rng, 3)}",
        f"{words(rng, 12)} über {words(rng, 12)} ﬁ {words(rng, 9)}",
    )
    url, other = (f"https://{words(rng, 0)}.example/" for _ in range(2))
    wanted = hashed(student, url, title, text)
    copies = {
        "at another address": (other, title, text),
        "in upper case": (url, title.upper(), text.upper()),
        "with more white space": (url, f" {title}\n", text.replace(" ", "\n\t ")),
        "with its characters composed in another way": (
            url,
            unicodedata.normalize("NFD", title),
            unicodedata.normalize("NFD", text),
        ),
    }
    for what, values in copies.items():
        if hashed(student, *values) != wanted:
            cause = "hash `normal(title)` and `normal(text)`, and for a long text nothing else"
            sent = f"content_hash() of a text of {len(text)} characters, and of a copy {what}"
            fail(sent=sent, expected="equal hashes", got="different ones", cause=cause)


def test_each_worker_has_the_same_hash(student: Student, rng: Random) -> None:
    """x: the hash of a content does not depend on the process."""
    contents = [
        (f"https://{words(rng, 0)}.example/", words(rng, 3), words(rng, n)) for n in (1, 30)
    ]
    found = []
    for _ in range(2):
        student.renew()
        found.append([hashed(student, *one) for one in contents])
    if found[0] != found[1]:
        cause = "two workers compare by this hash: hash the texts by `sha256`, and keep nothing in a process"
        sent = "content_hash() of the same articles in two processes"
        fail(sent=sent, expected="equal hashes", got="different ones", cause=cause)


def test_different_articles(student: Student, rng: Random) -> None:
    """x: different articles are different, and the border between title and text counts."""
    url, head, text = f"https://{words(rng, 0)}.example/", words(rng, 3), words(rng, 20)
    pairs = {
        "another title": ((head, text), (words(rng, 3), text)),
        "another text": ((head, text), (head, words(rng, 20))),
        "another end of the text": ((head, f"{text} a"), (head, f"{text} b")),
        "the border elsewhere, at a space": ((f"{head} one", text), (head, f"one {text}")),
        "the border elsewhere, in a word": ((f"{head}s", text), (head, f"s{text}")),
        "title and text exchanged": ((text, f"{text} z"), (f"{text} z", text)),
    }
    for what, (one, other) in pairs.items():
        if hashed(student, url, *one) == hashed(student, url, *other):
            cause = "title and text belong to the hash, with a separator that neither contains"
            sent = f"content_hash() of two articles that differ in this: {what}"
            fail(sent=sent, expected="different hashes", got="equal ones", cause=cause)


def test_short_texts(student: Student, rng: Random) -> None:
    """x: the address counts for a short text, and for no other."""
    title = words(rng, 2)
    one, other = (f"https://{words(rng, 0)}.example/" for _ in range(2))
    for count in (0, 9, MIN_SHARED_CHARS - 1, MIN_SHARED_CHARS):
        text = "x" * count
        for given in (text, text + " \n" * 99):
            equal = hashed(student, one, title, given) == hashed(student, other, title, given)
            if equal != (count >= MIN_SHARED_CHARS):
                cause = (
                    "count the characters of the normal text: below the limit the address counts"
                )
                sent = "content_hash() of the same title and text at two addresses; "
                fail(
                    sent=f"{sent}the text has {count} characters, white space aside",
                    expected="equal hashes" if not equal else "different hashes",
                    got="equal ones" if equal else "different ones",
                    cause=cause,
                )
        if hashed(student, one, title, text) != hashed(student, one, title.upper(), text):
            fail(
                sent=f"content_hash() of copies of a text of {count} characters at one address",
                expected="equal hashes",
                got="different ones",
            )
