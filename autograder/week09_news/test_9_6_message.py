"""9.6: the message of a digest, with titles of hostile authors."""

from __future__ import annotations

import json
import sys
from datetime import UTC, datetime, time, timedelta
from email.message import EmailMessage
from email.utils import parsedate_to_datetime
from random import Random
from typing import Any

import pytest

from autograder.sdk import Student, answers, fail, made, until
from autograder.week09_news.digest_cases import (
    MAIL,
    MODEL,
    day_argument,
    desk,
    digest_argument,
    reader,
    some_day,
    story,
    word,
    written,
)
from autograder.week09_news.html_parts import Page

pytestmark = pytest.mark.item("9.6")

PROCESS_SECONDS = 30.0
MAX_BYTES = 100_000


# -- message_id_of --------------------------------------------------------------------------------


def message_id(student: Student, day: Any, identity: str, domain: str) -> str:
    value = student.call(MAIL, "message_id_of", day_argument(day), identity, domain)
    if not isinstance(value, str):
        fail(sent=f"message_id_of({day}, {identity!r}, {domain!r})", expected="a text", got=value)
    return value


def test_the_form_of_a_message_id(student: Student, rng: Random) -> None:
    """a: a value that mail programs accept."""
    domain = f"{word(rng)}.test"
    value = message_id(student, some_day(rng), reader(rng).subscriber_id, domain)
    name, _, rest = value.removeprefix("<").partition("@")
    good = value.startswith("<") and rest == f"{domain}>" and name and name.isprintable()
    if not good or any(one in name for one in " <>@\t"):
        fail(
            sent=f"message_id_of(day, subscriber, {domain!r})",
            expected=f"<…@{domain}>, with no white space and one @",
            got=value,
            cause="Message-ID has angle brackets, and the domain after the only @",
        )


def in_another_process(student: Student, keys: list[tuple[str, str, str]]) -> list[Any]:
    """The ids of a fresh Python, with other random numbers and another seed of `hash`."""
    code = (
        "import datetime, json, pathlib, sys; from pipeline.news.digest_mail import message_id_of\n"
        "ids = [message_id_of(datetime.date.fromisoformat(d), *k) for d, *k in json.loads(sys.argv[1])]\n"
        "pathlib.Path(sys.argv[2]).write_text(json.dumps(ids))"
    )
    file = student.home / f"{keys[0][2]}.json"
    process = student.process("ids", [sys.executable, "-c", code, json.dumps(keys), str(file)])
    if until(lambda: not process.alive, PROCESS_SECONDS) is None or not file.is_file():
        process.kill(group=True)
        fail(
            sent="message_id_of() in another process",
            expected="its ids",
            got="none",
            log=student.tail(process),
        )
    ids = json.loads(file.read_bytes()[:MAX_BYTES])
    return ids if isinstance(ids, list) and len(ids) == len(keys) else [None] * len(keys)


def test_every_try_has_the_same_message_id(student: Student, rng: Random) -> None:
    """b: the id depends on the day and the subscriber, and on nothing else."""
    day, domain = some_day(rng), f"{word(rng)}.test"
    first, second = (reader(rng).subscriber_id for _ in range(2))
    people = (first, second, first[:18] + second[18:], second[:18] + first[18:])
    keys = [(one, who) for one in (day, day + timedelta(days=1)) for who in people]
    before = [message_id(student, one, who, domain) for one, who in keys]
    after = in_another_process(student, [(str(one), who, domain) for one, who in keys])
    if before != after:
        fail(
            sent="message_id_of() of the same day and subscriber, in two processes",
            expected=before[0],
            got=next(two for one, two in zip(before, after, strict=True) if one != two),
            cause="a random number, the time or `hash` is in it: the server could not see that a "
            "second try is the same message",
        )
    if len(set(before)) != len(keys):
        fail(
            sent="message_id_of() of two days and four subscribers, some of whose ids begin or end alike",
            expected=f"{len(keys)} ids",
            got=str(before),
            cause="mail programs show only one of two messages that have the same id",
        )


# -- header_text ----------------------------------------------------------------------------------


# -- build_message --------------------------------------------------------------------------------


def single(message: EmailMessage, name: str, sent: str) -> str:
    """The value of a header that a message has once."""
    values = message.get_all(name, [])
    if len(values) != 1:
        fail(sent=sent, expected=f"one header {name}", got=f"{len(values)}: {values}")
    return str(values[0]).strip()


def test_the_headers(student: Student, rng: Random) -> None:
    """e, f, g: who sends it, to whom, when, and how a subscription is ended."""
    for public_url in ("", f"https://{'news.' * 12}{word(rng)}.test"):
        day, who, sender = some_day(rng), reader(rng), desk(rng, public_url)
        title = f"Grüße vom {word(rng)}"
        stories = [story(rng, title=title), story(rng)]
        identity = f"<{word(rng)}@{sender['domain']}>"
        sent = "build_message() of two stories"
        digest = digest_argument(day, stories)
        message = written(
            student, sent, digest, who.argument, made(MODEL, "Desk", **sender), identity
        )
        link = f"{sender['public_url']}/unsubscribe?token={who.token}"
        expected = {
            "From": sender["sender"],
            "To": who.address,
            "Message-ID": identity,
            "List-Unsubscribe": f"<{link}>",
            "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
        }
        for name, value in expected.items():
            got = single(message, name, sent)
            if got != value:
                fail(sent=sent, expected=f"{name}: {value}", got=f"{name}: {got}")
        subject = single(message, "Subject", sent)
        if str(day) not in subject or title not in subject:
            cause = "the day, and the title of the first story"
            fail(sent=sent, expected=f"Subject: {day} … {title}", got=subject, cause=cause)
        date = single(message, "Date", sent)
        if parsedate_to_datetime(date) != datetime.combine(day, time(7), UTC):
            cause = "the date is `digest.made_at`, so every try is the same message"
            fail(sent=sent, expected=f"Date: {day} 07:00 UTC", got=date, cause=cause)


def test_a_long_address_is_not_encoded(student: Student, rng: Random) -> None:
    """g: mail programs do not decode this header, so it must be sent as it is."""
    sender = desk(rng, f"https://{'long-name.' * 8}test")
    who = reader(rng)
    arguments = (
        digest_argument(some_day(rng), [story(rng)]),
        who.argument,
        made(MODEL, "Desk", **sender),
        f"<{word(rng)}@{sender['domain']}>",
    )
    sent = "build_message() with an address of a hundred characters"
    value = student.call(
        "email.message", "EmailMessage.as_string", made(MAIL, "build_message", *arguments)
    )
    link = f"<{sender['public_url']}/unsubscribe?token={who.token}>"
    if link not in str(value):
        lines = [one for one in str(value).splitlines() if one.startswith("List-Unsub")]
        cause = "the message must keep `MAIL_POLICY`: use the object that the given line makes"
        fail(sent=sent, expected=f"List-Unsubscribe: {link}", got=str(lines[:1]), cause=cause)


def test_a_title_cannot_add_a_header(student: Student, rng: Random) -> None:
    """f: a title with a line break is neutralised, and the digest is still sent."""
    for ending in ("\r\n", "\n", "\r", "\u2028"):
        name = word(rng, "x")
        title = f"Lamp{ending}X-{name}: yes{ending}{ending}<p>body"
        sender, day = desk(rng), some_day(rng)
        sent = f"build_message() with the title {title!r}"
        message = written(
            student,
            sent,
            digest_argument(day, [story(rng, title=title)]),
            reader(rng).argument,
            made(MODEL, "Desk", **sender),
            f"<{name}@{sender['domain']}>",
        )
        subject = single(message, "Subject", sent)
        if f"X-{name}" in message or f"Lamp X-{name}: yes <p>body" not in subject:
            cause = "make the title fit by `header_text`"
            fail(sent=sent, expected="a subject of one line", got=subject, cause=cause)


def parts_of(message: EmailMessage, sent: str) -> tuple[str, str]:
    """The text and the HTML of a message."""
    kinds = [part.get_content_type() for part in message.walk() if not part.is_multipart()]
    if message.get_content_type() != "multipart/alternative" or kinds != [
        "text/plain",
        "text/html",
    ]:
        expected = "multipart/alternative: text/plain, and then text/html, which a reader prefers"
        cause = "`set_content` first, and `add_alternative` second"
        got = f"{message.get_content_type()}: {', '.join(kinds)}"
        fail(sent=sent, expected=expected, got=got, cause=cause)
    plain, rich = message.get_body(("plain",)), message.get_body(("html",))
    assert plain is not None and rich is not None
    return str(plain.get_content()), str(rich.get_content())


def in_order(text: str, wanted: list[str]) -> str | None:
    """The first of these texts that does not follow those before it."""
    place = 0
    for one in wanted:
        found = text.find(one, place)
        if found < 0:
            return one
        place = found + len(one)
    return None


def test_both_parts(student: Student, rng: Random) -> None:
    """h, i, j: the same things as text and as HTML, and nothing of an author becomes markup."""
    tag, attribute = word(rng, "t"), word(rng, "a")
    stories = [
        story(rng, title=f"<{tag}>Fish & chips</{tag}> {word(rng)}"),
        story(rng, summary=f'</p><{tag} src="x"> said "{word(rng)}" & \'so\''),
        story(rng, url=f'https://feed.test/{word(rng)}?a=1&copy=2" {attribute}="{word(rng)}'),
        story(rng, url=f"https://feed.test/{word(rng)}' {attribute}='x"),
        story(rng),
    ]
    trends = [word(rng), f"r&d<{tag}>{word(rng)}"]
    who, sender = reader(rng), desk(rng, f"https://desk.test/{word(rng)}?a&copy")
    sent = "build_message() of five stories, some with HTML in them"
    text, rich = parts_of(
        written(
            student,
            sent,
            digest_argument(some_day(rng), stories, trends),
            who.argument,
            made(MODEL, "Desk", **sender),
            f"<{word(rng)}@{sender['domain']}>",
        ),
        sent,
    )
    link = f"{sender['public_url']}/unsubscribe?token={who.token}"
    check_text(sent, text, stories, trends, link)
    check_html(sent, rich, stories, trends, link, (tag, attribute))


def check_text(
    sent: str, text: str, stories: list[dict[str, str]], trends: list[str], link: str
) -> None:
    """The text part has all of it, as it is."""
    missing = in_order(text, [one["title"] for one in stories])
    parts = (one[name] for one in stories for name in ("title", "summary", "url"))
    missing = missing or next((one for one in (*parts, *trends, link) if one not in text), None)
    if missing is not None:
        cause = "the text part has no markup, so nothing is escaped in it; stories keep their order"
        fail(sent=sent, expected=f"in the text part, in order: {missing}", got=text, cause=cause)


def check_html(
    sent: str,
    rich: str,
    stories: list[dict[str, str]],
    trends: list[str],
    link: str,
    foreign: tuple[str, str],
) -> None:
    """The HTML part shows the same, and has no markup from outside."""
    page = Page(rich)
    brought = [one for one in foreign if one in page.tags or one in page.attributes]
    if brought:
        cause = "`escape` everything that comes from outside, quotes included, also in `href`"
        fail(sent=sent, expected="no markup of an author", got=rich, cause=cause)
    missing = in_order(page.text, [" ".join(one["title"].split()) for one in stories])
    others = (" ".join(text.split()) for text in (*(one["summary"] for one in stories), *trends))
    missing = missing or next((one for one in others if one not in page.text), None)
    if missing is not None:
        cause = (
            "a reader sees the text as it is: escape it once, not twice; stories keep their order"
        )
        fail(sent=sent, expected=f"a reader of the HTML sees: {missing}", got=rich, cause=cause)
    links = [one["url"] for one in stories] + [link]
    missing = next((one for one in links if one not in page.links), None)
    if missing is not None:
        cause = "each URL is the `href` of a link, escaped once and with quotes"
        fail(sent=sent, expected=f"a link to {missing}", got=str(page.links), cause=cause)


def test_a_digest_without_trends(student: Student, rng: Random) -> None:
    """h, i: there is no trend in the first days."""
    sender = desk(rng)
    answer = student.ask(
        "email.message",
        "EmailMessage.as_bytes",
        made(
            MAIL,
            "build_message",
            digest_argument(some_day(rng), [story(rng)]),
            reader(rng).argument,
            made(MODEL, "Desk", **sender),
            f"<{word(rng)}@{sender['domain']}>",
        ),
    )
    answers.must_return("build_message() of a digest without trends", answer)
