"""9.1: entries of every format and encoding, of broken documents, and of hostile ones."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any

import pytest

from autograder.sdk import Student, fail
from autograder.sdk.answers import must_raise
from autograder.week09_news.feed_calls import FEEDS, HOME, MALFORMED, document, entries, moment
from autograder.week09_news.feed_documents import (
    RSS_091,
    Item,
    atom,
    item,
    items,
    json_feed,
    json_item,
    rdf,
    rss,
    words,
)

pytestmark = pytest.mark.item("9.1")

MAX_ENTRIES = 500
CYRILLIC = "Новости гавани сегодня утром"
HEAD = '<?xml version="1.0"?>'
DECLARED = '<?xml version="1.0" encoding="{}"?>'
UMLAUTS = "Grüße über Dächer: süße Äpfel"


def compare(sent: str, found: Sequence[dict[str, Any]], wanted: Sequence[Item]) -> None:
    """The entries must be those of these items, in their order."""
    if [one.get("url") for one in found] != [one.link for one in wanted]:
        fail(
            sent=sent,
            expected=f"{len(wanted)} entries: {[one.link for one in wanted][:5]}",
            got=[one.get("url") for one in found][:5],
        )
    for got, item_ in zip(found, wanted, strict=True):
        for name, value in {"title": item_.title, "text": item_.text}.items():
            if got.get(name) != value:
                fail(sent=sent, expected=f"{name}: {value!r}", got=got.get(name))
        if moment(got.get("published_at")) != item_.at:
            fail(
                sent=sent,
                expected=f"published_at: {item_.at.isoformat()}",
                got=got.get("published_at"),
            )


def test_formats(student: Student, rng: Random) -> None:
    """j, m, o, q: all entries of RSS 0.91 to 2.0, RDF, Atom and JSON Feed, in their order."""
    found = items(rng, rng.randint(3, 5))
    documents = {
        "RSS 0.91 with a document type": (rss(found, "0.91", RSS_091), "text/xml"),
        "RSS 0.92": (rss(found, "0.92"), "application/rss+xml"),
        "RSS 2.0": (rss(found), ""),
        "RDF (RSS 1.0)": (rdf(found), "application/rdf+xml"),
        "Atom": (atom(found), "application/atom+xml"),
        "Atom with HTML": (atom(found, "html"), "text/plain"),
        "JSON Feed": (json_feed([json_item(one) for one in found]), "application/feed+json"),
        "JSON Feed, sent as XML": (json_feed([json_item(one) for one in found]), "text/xml"),
        "RSS 2.0, sent as JSON": (rss(found), "application/json"),
    }
    for name, (body, kind) in documents.items():
        sent = f"read_entries() of a document in {name}"
        compare(sent, entries(student, sent, document(body, content_type=kind)), found)


def test_json_after_white_space(student: Student, rng: Random) -> None:
    """j: the first character decides, after white space or a byte order mark."""
    found = items(rng, 2)
    body = json_feed([json_item(one) for one in found]).encode()
    for start in (b" \r\n\t", b"\xef\xbb\xbf", b"\xef\xbb\xbf\n"):
        sent = f"read_entries() of a JSON Feed that begins with {start!r}"
        compare(sent, entries(student, sent, document(start + body)), found)


def test_guids(student: Student, rng: Random) -> None:
    """o, q: the ids that feeds give."""
    found = items(rng, 2)
    for name, body in {
        "RSS": rss(found),
        "JSON": json_feed([json_item(one) for one in found]),
    }.items():
        sent = f"read_entries() of {name}"
        guids = [one.get("guid") for one in entries(student, sent, document(body))]
        if guids != [one.guid for one in found]:
            fail(sent=sent, expected=f"the guids {[one.guid for one in found]}", got=guids)


def test_number_of_entries(student: Student, rng: Random) -> None:
    """k: the first 500 entries, in both kinds of documents."""
    found = [item(rng, text="") for _ in range(MAX_ENTRIES + 7)]
    bodies = {"RSS": rss(found), "a JSON Feed": json_feed([json_item(one) for one in found])}
    for name, body in bodies.items():
        sent = f"read_entries() of {name} with {len(found)} entries"
        compare(sent, entries(student, sent, document(body)), found[:MAX_ENTRIES])


def test_an_unfinished_entry_is_left_out(student: Student, rng: Random) -> None:
    """k: one bad entry costs only itself."""
    good = items(rng, 3)
    found = [good[0], item(rng, link="mailto:a@b.example"), good[1], item(rng, title=""), good[2]]
    bodies = {"RSS": rss(found), "a JSON Feed": json_feed([json_item(one) for one in found])}
    for name, body in bodies.items():
        sent = f"read_entries() of {name}; two of five entries have no title, or no address"
        compare(sent, entries(student, sent, document(body)), good)


def test_entities(student: Student, rng: Random) -> None:
    """l: a document that declares entities is refused, in every encoding."""
    laughs = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 10))
    types = {
        "a bomb of entities": f'<!DOCTYPE rss [<!ENTITY l0 "ha">{laughs}]>',
        "an entity that names a file": '<!DOCTYPE rss [<!ENTITY x SYSTEM "file:///etc/passwd">]>',
        "one harmless entity": f'<!DOCTYPE rss [<!ENTITY x "{words(rng, 1)}">]>',
    }
    for name, doctype in types.items():
        body = rss(items(rng, 2), doctype=doctype)
        for encoding in ("utf-8", "utf-16", "utf-16-be"):
            mark = "\ufeff" if encoding == "utf-16-be" else ""
            head = DECLARED.format(encoding.removesuffix("-be"))
            content = (mark + body.replace(HEAD, head)).encode(encoding)
            answer = student.ask(FEEDS, "read_entries", document(content))
            sent = f"read_entries() of RSS with {name}, in {encoding}"
            must_raise(sent, answer, MALFORMED, "ask `declares_entities` first")


def test_encodings(student: Student, rng: Random) -> None:
    """m: the encoding of the header or the document, or what fits if that is wrong."""
    western, eastern = item(rng, title=UMLAUTS), item(rng, title=CYRILLIC)
    cases = [
        (
            "declared in the document: ISO-8859-1",
            western,
            "iso-8859-1",
            DECLARED.format("iso-8859-1"),
            "",
        ),
        (
            "declared as UTF-8, which is wrong",
            western,
            "windows-1252",
            DECLARED.format("utf-8"),
            "",
        ),
        ("not declared: UTF-8", eastern, "utf-8", HEAD, ""),
        ("declared in the document: UTF-16", eastern, "utf-16", DECLARED.format("utf-16"), ""),
        ("named by the header alone: KOI8-R", eastern, "koi8-r", HEAD, "koi8-r"),
        ("named by the header alone: Windows-1251", eastern, "cp1251", HEAD, "windows-1251"),
    ]
    for name, one, encoding, head, charset in cases:
        body = rss([one]).replace(HEAD, head).encode(encoding)
        kind = "application/rss+xml" + (f"; charset={charset}" if charset else "")
        sent = f"read_entries() of RSS; its encoding is {name}"
        compare(sent, entries(student, sent, document(body, content_type=kind)), [one])


def test_relative_links(student: Student, rng: Random) -> None:
    """m, t: links are relative to the document, or to its `xml:base`."""
    home = "https://feeds.example/desk/"
    links = {"/a/b?x=1&y=2": "https://feeds.example/a/b?x=1&y=2", "c.html": f"{home}c.html"}
    links |= {"//cdn.example/d": "https://cdn.example/d", "?page=2": f"{HOME}?page=2"}
    for link, wanted in links.items():
        one = item(rng, link=link)
        bodies = {"RSS": rss([one]), "Atom": atom([one]), "JSON": json_feed([json_item(one)])}
        for name, body in bodies.items():
            sent = f"read_entries() of {name} at {HOME}; the link of an entry is {link!r}"
            compare(sent, entries(student, sent, document(body)), [one.moved(link=wanted)])
    one, base = item(rng, link="story.html"), "https://base.example/x/"
    sent = f"read_entries() of Atom with xml:base={base!r}; the link of an entry is 'story.html'"
    found = entries(student, sent, document(atom([one], base=base)))
    compare(sent, found, [one.moved(link=f"{base}story.html")])


def test_no_feed(student: Student, rng: Random) -> None:
    """n: what is no feed, and what makes feedparser fail."""
    text = words(rng, 5)
    bodies = {
        "nothing": b"",
        "a text": text.encode(),
        "a web page": f"<!DOCTYPE html><html><body><p>{text}</p></body></html>".encode(),
        "another XML document": f"<?xml version='1.0'?><letter><item>{text}</item></letter>".encode(),
        "a picture": b"\x89PNG\r\n\x1a\n" + rng.randbytes(200),
        "an encoding that makes feedparser raise UnicodeError": rss(items(rng, 1))
        .replace(HEAD, '<?xml version="1.0" encoding="undefined"?>')
        .encode(),
    }
    for name, body in bodies.items():
        sent = f"read_entries() of a document that is {name}"
        cause = "no `version`, or an exception of feedparser"
        must_raise(sent, student.ask(FEEDS, "read_entries", document(body)), MALFORMED, cause)


def test_the_name_of_a_file(student: Student, rng: Random) -> None:
    """m: a document that is the name of a file is not opened."""
    name = f"feed-{rng.getrandbits(40):x}.xml"
    (student.home / name).write_text(rss(items(rng, 1)))
    answer = student.ask(FEEDS, "read_entries", document(name))
    (student.home / name).unlink()
    sent = f"read_entries() of the document {name!r}, and a file of this name is in the folder"
    cause = "feedparser opens a file if the bytes are its name: pass `BytesIO(document.body)`"
    must_raise(sent, answer, MALFORMED, cause)


def test_no_entries(student: Student) -> None:
    """n: a feed without entries is a feed."""
    for name, body in {"RSS": rss([]), "Atom": atom([]), "JSON Feed": json_feed([])}.items():
        sent = f"read_entries() of {name} without entries"
        if found := entries(student, sent, document(body)):
            fail(sent=sent, expected="[]", got=found)


def test_broken_xml(student: Student, rng: Random) -> None:
    """n: what can be read of a broken document is read."""
    found = items(rng, 3)
    body = rss(found)
    bodies = {
        "that ends after its second entry": (
            body[: body.index("</item>", body.index("</item>") + 1)],
            2,
        ),
        "with an & that is not escaped": (body.replace("Harbour news", "Fish & Chips"), 3),
        "with an element that is not closed": (body.replace("<channel>", "<channel><b>"), 3),
    }
    for name, (text, count) in bodies.items():
        sent = f"read_entries() of RSS {name}"
        compare(sent, entries(student, sent, document(text)), found[:count])


def test_broken_json(student: Student, rng: Random) -> None:
    """p: what is no JSON Feed, and items that are no objects."""
    good = json_feed([json_item(item(rng))])
    bodies: dict[str, bytes | str] = {
        "half a document": good[: len(good) // 2],
        "nested 100,000 times": '{"a":' * 100_000,
        "without items": '{"version": "https://jsonfeed.org/version/1.1"}',
        "whose items are an object": '{"items": {"a": 1}}',
        "whose items are a text": '{"items": "abc"}',
        "in no encoding": b'{"items": [], "title": "\xff\xfe\xff"}',
    }
    for name, body in bodies.items():
        sent = f"read_entries() of a JSON document {name}"
        cause = "`json.loads` raises ValueError or RecursionError, or there is no list `items`"
        must_raise(sent, student.ask(FEEDS, "read_entries", document(body)), MALFORMED, cause)
    one = item(rng)
    strange: list[object] = [7, None, "text", [json_item(one)], json_item(one), {}]
    sent = f"read_entries() of a JSON Feed with the items {json.dumps(strange)[:60]}…"
    compare(sent, entries(student, sent, document(json_feed(strange))), [one])
