"""Writes the message of a digest. Titles and summaries come from outside, so each place has its own rule."""

from __future__ import annotations

from datetime import date
from email.message import EmailMessage
from email.policy import SMTP
from html import escape

from pipeline.news.digest_model import Desk, Digest, Subscriber

MAX_HEADER_CHARS = 120
"""How much of a title the subject may contain."""
MAIL_POLICY = SMTP.clone(max_line_length=900)
"""How a message is written. The usual policy has lines of 78 characters, and encodes a longer address in
`List-Unsubscribe` in a way that mail programs do not read. SMTP allows lines of 998 characters."""


def message_id_of(day: date, subscriber_id: str, domain: str) -> str:
    """Return the id of the message that a subscriber gets on a day.

    Args:
        day: the day of the digest.
        subscriber_id: a UUID as text.
        domain: the part after the `@`.

    Returns:
        The value of the header Message-ID, with its angle brackets.
    """
    # TODO 9.6:
    #   a) Return `<…@domain>`. The part before the `@` has no white space and no further `@`.
    #   b) Make it of the day and the subscriber alone. Every try and every process gets the same
    #      id, and another day or another subscriber gets another one.
    raise NotImplementedError("9.6")


def header_text(text: str) -> str:
    """Make text from outside fit for a header.

    Args:
        text: for example the title of an article.

    Returns:
        One line of at most `MAX_HEADER_CHARS` characters.
    """
    # TODO 9.6:
    #   c) Replace each run of white space and of characters that cannot be printed
    #      (`str.isprintable`) by one space. A line break would begin another header, which the
    #      author of the title chooses.
    #   d) Remove spaces at both ends. Then keep the first `MAX_HEADER_CHARS` characters, and change
    #      no other character. If the cut is after a space, you may keep or remove this space.
    raise NotImplementedError("9.6")


def build_message(
    digest: Digest, subscriber: Subscriber, desk: Desk, message_id: str
) -> EmailMessage:
    """Write the message for one subscriber.

    Args:
        digest: what is in it.
        subscriber: who gets it.
        desk: who sends it.
        message_id: the value of the header Message-ID.

    Returns:
        A message with a text part and an HTML part.
    """
    message = EmailMessage(MAIL_POLICY)
    # TODO 9.6:
    #   e) Set From (`desk.sender`), To (the subscriber's address), Date (`digest.made_at`) and
    #      Message-ID.
    #   f) Set Subject to a line with the day in the form 2026-11-30, and with the title of the
    #      first story as `header_text` returns it.
    #   g) Set List-Unsubscribe to `desk.unsubscribe_url(…)` in angle brackets, and
    #      List-Unsubscribe-Post to `List-Unsubscribe=One-Click`. A mail program then shows a button
    #      (RFC 8058).
    #   h) Set the content to plain text. It has each story's title, summary and URL as they are, in
    #      the order of the digest, the trends, and the address to unsubscribe.
    #   i) Add an HTML part as the alternative (`add_alternative`), with the same things. Each URL
    #      is the `href` of a link.
    #   j) In the HTML part, escape all text from outside and all URLs (`escape`), so that a title
    #      cannot bring markup of its own.
    raise NotImplementedError("9.6")
    return message
