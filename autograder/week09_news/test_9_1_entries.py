"""9.1: one entry: its title and text, its address, and its time."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from email.utils import format_datetime
from random import Random
from typing import Any

import pytest

from autograder.sdk import Student, fail
from autograder.week09_news.feed_calls import document, entries, moment
from autograder.week09_news.feed_documents import Item, atom, item, json_feed, json_item, rss, words

pytestmark = pytest.mark.item("9.1")

MAX_TITLE_CHARS = 300
MAX_TEXT_CHARS = 20_000
GONE = None


def one_entry(student: Student, sent: str, body: str) -> dict[str, Any]:
    """The only entry of a document."""
    found = entries(student, sent, document(body))
    if len(found) != 1:
        fail(sent=sent, expected="one entry", got=f"{len(found)} entries")
    return found[0]


def check(sent: str, found: dict[str, Any], cause: str, **wanted: object) -> None:
    """The entry has these fields."""
    for name, value in wanted.items():
        if found.get(name) != value:
            fail(sent=sent, expected=f"{name}: {value!r}", got=found.get(name), cause=cause)


def test_html(student: Student, rng: Random) -> None:
    """s: HTML becomes the text that a reader sees, and plain text stays as it is."""
    word = words(rng, 1)
    html = f"<b>Fish</b> &amp; <i>{word}</i><script>steal()</script>"
    body = f"<p>One<p>{word}<br>a &lt; b<style>p {{}}</style>"
    cause = "`text_of` for HTML only: the raw entry says what is HTML"
    one = item(rng, title=html, text=body)
    for name, written in {"RSS": rss([one]), "Atom (type html)": atom([one], "html")}.items():
        sent = f"read_entries() of {name}; the title is {html!r}, the text is {body!r}"
        found = one_entry(student, sent, written)
        check(sent, found, cause, title=f"Fish & {word}", text=f"One {word} a < b")
    plain = f"if a<b> {word} &amp; c"
    sent = f"read_entries() of Atom; title and text are plain text: {plain!r}"
    found = one_entry(student, sent, atom([item(rng, title=plain, text=plain)]))
    check(sent, found, cause, title=plain, text=plain)
    values = json_item(item(rng, title=plain)) | {"content_html": body}
    sent = f"read_entries() of a JSON Feed; the title is {plain!r}, `content_html` is {body!r}"
    found = one_entry(student, sent, json_feed([values]))
    check(sent, found, cause, title=plain, text=f"One {word} a < b")
    sent = f"read_entries() of a JSON Feed; `content_text` is {plain!r}"
    found = one_entry(student, sent, json_feed([json_item(item(rng, text=plain))]))
    check(sent, found, cause, text=plain)


def test_lengths_and_characters(student: Student, rng: Random) -> None:
    """s: title and text are cut, have single spaces, and nothing that PostgreSQL refuses."""
    cause = "pass both through `clean`, with their limits"
    for count in (0, 1):
        title, text = "t" * (MAX_TITLE_CHARS + count), "x" * (MAX_TEXT_CHARS + count)
        for name, body in {
            "RSS": rss([item(rng, title=title, text=text)]),
            "a JSON Feed": json_feed([json_item(item(rng, title=title, text=text))]),
        }.items():
            sent = f"read_entries() of {name}; title and text have {len(title)}, {len(text)} characters"
            found = one_entry(student, sent, body)
            check(sent, found, cause, title=title[:MAX_TITLE_CHARS], text=text[:MAX_TEXT_CHARS])
    word = words(rng, 1)
    dirty = f" \n {word}\x00\t\t{word}\ud800 "
    sent = "read_entries() of a JSON Feed; title and text have a NUL, half a character, more spaces"
    found = one_entry(student, sent, json_feed([json_item(item(rng, title=dirty, text=dirty))]))
    check(sent, found, cause, title=f"{word} {word}", text=f"{word} {word}")


def test_addresses(student: Student, rng: Random) -> None:
    """t: an entry without an address on the web is left out."""
    bad = [
        "",
        " \t ",
        "javascript:alert(1)",
        "mailto:a@b.example",
        "ftp://a.example/b",
        "http://[broken/",
    ]
    bad += ["https://user:word@a.example/", "https://a.example:99999/", "data:text/html,x"]
    bad += ["https://a.example/" + "x" * 2000]
    for link in bad:
        one = item(rng, link=link)
        for name, body in {"RSS": rss([one]), "a JSON Feed": json_feed([json_item(one)])}.items():
            sent = f"read_entries() of {name}; the link of its entry is {link[:60]!r}"
            if found := entries(student, sent, document(body)):
                cause = "`is_web_address` judges the resolved address, and an empty link is none"
                fail(sent=sent, expected="no entry", got=found, cause=cause)


def test_titles(student: Student, rng: Random) -> None:
    """t: an entry without a title is left out, and one without a text is not."""
    for title in ("", "  ", "<img src=x>", "<script>x()</script>"):
        sent = f"read_entries() of RSS; the title of its entry is {title!r}"
        if more := entries(student, sent, document(rss([item(rng, title=title)]))):
            cause = "the title is empty when its HTML and white space are gone"
            fail(sent=sent, expected="no entry", got=more, cause=cause)
    found = one_entry(student, "an entry without a text", rss([item(rng, text="")]))
    check(
        "read_entries() of RSS; its entry has no text", found, "only the title is needed", text=""
    )


def test_times(student: Student, rng: Random) -> None:
    """u: times are in UTC, and impossible ones are None."""
    now = datetime.now(UTC).replace(microsecond=0)
    east = timezone(timedelta(hours=rng.randint(3, 9), minutes=30))
    cases = {
        "with another time zone": (now - timedelta(hours=30)).astimezone(east),
        "an hour ahead of our clock": now + timedelta(hours=1),
        "23 hours ahead of our clock": now + timedelta(hours=23),
        "of 1990": datetime(1990, 1, 1, rng.randint(1, 20), tzinfo=UTC),
    }
    wrong = {
        "of 1989": datetime(1989, 12, 31, 10, tzinfo=UTC),
        "of year 1": datetime(1, 1, 1, 10, tzinfo=UTC),
        "25 hours ahead of our clock": now + timedelta(hours=25),
        "two days ahead of our clock": now + timedelta(days=2),
        "of year 9999": datetime(9999, 12, 31, 23, tzinfo=timezone(timedelta(hours=-5))),
    }
    for what, at in {**cases, **wrong}.items():
        one = item(rng, at=at)
        bodies = {"Atom": atom([one]), "a JSON Feed": json_feed([json_item(one)])}
        if at.utcoffset() == timedelta(0):
            bodies["RSS"] = rss([one])
        for name, body in bodies.items():
            sent = f"read_entries() of {name}; the time is {at.isoformat()}, {what}"
            found = one_entry(student, sent, body).get("published_at")
            if what in wrong and found is not GONE:
                fail(sent=sent, expected="published_at: None", got=found)
            if what in cases and moment(found) != at:
                expected = f"published_at: {at.astimezone(UTC).isoformat()}, in UTC"
                fail(sent=sent, expected=expected, got=found)


def test_unreadable_times(student: Student, rng: Random) -> None:
    """o, r, u: a time that is missing or cannot be read is None."""
    one = item(rng)
    stamp = format_datetime(one.at, usegmt=True)
    for text in (
        "yesterday",
        "",
        "Thu, 32 Foo 2026 99:99:99 GMT",
        "Sat, 01 Jan 99999 00:00:00 GMT",
    ):
        sent = f"read_entries() of RSS; the time is {text!r}"
        check(
            sent, one_entry(student, sent, rss([one]).replace(stamp, text)), "", published_at=None
        )
    for value in ("yesterday", "", 5, None, ["2026-01-01"], "2026-13-01T00:00:00Z"):
        sent = f"read_entries() of a JSON Feed; `date_published` is {value!r}"
        found = one_entry(student, sent, json_feed([json_item(one) | {"date_published": value}]))
        check(sent, found, "a time that cannot be read is None", published_at=None)


def changed(one: Item, *without: str, **more: object) -> str:
    """A JSON Feed with the item, but for these fields."""
    values = {key: value for key, value in json_item(one).items() if key not in without}
    return json_feed([values | more])


def test_fields_of_json(student: Student, rng: Random) -> None:
    """q: what a field is replaced by, and values that are no text."""
    one, other = item(rng), item(rng)
    cases: list[tuple[str, str, dict[str, object]]] = [
        (
            "has `external_url` alone",
            changed(one, "url", external_url=other.link),
            {"url": other.link},
        ),
        ("has `url` and `external_url`", changed(one, external_url=other.link), {"url": one.link}),
        (
            "has a number as `url`",
            changed(one, url=7, external_url=other.link),
            {"url": other.link},
        ),
        (
            "has `summary` alone",
            changed(one, "content_text", summary=other.text),
            {"text": other.text},
        ),
        ("has `content_text`, `summary`", changed(one, summary=other.text), {"text": one.text}),
        ("has two contents", changed(one, content_html=other.text), {"text": other.text}),
        ("has an empty `content_html`", changed(one, content_html=""), {"text": one.text}),
        (
            "has an empty `content_html` and a text with a sign of HTML",
            changed(one, content_html="", content_text="2 <b> 1 &amp; 3"),
            {"text": "2 <b> 1 &amp; 3"},
        ),
        ("has a list as `content_html`", changed(one, content_html=["a"]), {"text": one.text}),
        ("has no text", changed(one, "content_text"), {"text": ""}),
        ("has no id", changed(one, "id"), {"guid": None}),
        ("has a number as id", changed(one, id=7), {"guid": None}),
    ]
    for what, body, wanted in cases:
        sent = f"read_entries() of a JSON Feed; its item {what}"
        found = one_entry(student, sent, body)
        check(sent, found, "the first of the names that has a text which is not empty", **wanted)
    for value in (7, None, ["a"], {"a": 1}):
        sent = f"read_entries() of a JSON Feed; the title of its item is {value!r}"
        if entries(student, sent, document(changed(one, title=value))):
            fail(sent=sent, expected="no entry: it has no title", got="an entry")


def test_times_of_json(student: Student, rng: Random) -> None:
    """r: which time counts, and a time without a time zone."""
    one, other = item(rng), item(rng)
    moved = other.at.isoformat()
    naive = one.at.replace(tzinfo=None).isoformat()
    cases = [
        ("`date_modified` alone", changed(one, "date_published", date_modified=moved), other.at),
        ("both times", changed(one, date_modified=moved), one.at),
        ("a time that ends with Z", changed(one, date_published=f"{naive}Z"), one.at),
        ("a time without a time zone", changed(one, date_published=naive), one.at),
        (
            "an empty `date_published`",
            changed(one, date_published="", date_modified=moved),
            other.at,
        ),
    ]
    for what, body, wanted in cases:
        sent = f"read_entries() of a JSON Feed; its item has {what}"
        found = one_entry(student, sent, body).get("published_at")
        if moment(found) != wanted:
            fail(sent=sent, expected=f"published_at: {wanted.isoformat()}", got=found)
    sent = "read_entries() of a JSON Feed; `date_published` cannot be read, and `date_modified` can"
    body = changed(one, date_published="yesterday", date_modified=moved)
    cause = "`date_modified` counts only if `date_published` is missing"
    check(sent, one_entry(student, sent, body), cause, published_at=None)
