"""Writes the message of a digest. Titles and summaries come from outside, so each place has its own rule."""

from __future__ import annotations

from datetime import date, datetime
from email.message import EmailMessage
from email.policy import SMTP
from html import escape

from pipeline.news.digest_model import Desk, Digest, Story, Subscriber

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
    return f"<digest.{day.isoformat()}.{subscriber_id}@{domain}>"


def header_text(text: str) -> str:
    """Make text from outside fit for a header.

    Args:
        text: for example the title of an article.

    Returns:
        One line of at most `MAX_HEADER_CHARS` characters.
    """
    shown = "".join(char if char.isprintable() else " " for char in text)
    return " ".join(shown.split())[:MAX_HEADER_CHARS].rstrip()


def headers_of(
    digest: Digest, subscriber: Subscriber, desk: Desk, message_id: str, leave: str
) -> dict[str, str | datetime]:
    """Return the headers of a message. `leave` is the address to unsubscribe."""
    return {
        "From": desk.sender,
        "To": subscriber.address,
        "Date": digest.made_at,
        "Message-ID": message_id,
        "Subject": f"News of {digest.day.isoformat()}: {header_text(digest.stories[0].title)}",
        "List-Unsubscribe": f"<{leave}>",
        "List-Unsubscribe-Post": "List-Unsubscribe=One-Click",
    }


def text_part(digest: Digest, leave: str) -> str:
    """Write the plain text, in which nothing has to be escaped."""
    stories = (f"{story.title}\n{story.summary}\n{story.url}" for story in digest.stories)
    trends = (f"More than usual: {', '.join(digest.trends)}",) if digest.trends else ()
    return "\n\n".join([*stories, *trends, f"Unsubscribe: {leave}"])


def html_part(digest: Digest, leave: str) -> str:
    """Write the HTML, in which everything from outside is escaped."""
    stories = (html_story(story) for story in digest.stories)
    trends = (f"<p>More than usual: {escape(', '.join(digest.trends))}</p>",) if digest.trends else ()
    lines = [*stories, *trends, f"<p>{html_link(leave, 'Unsubscribe')}</p>"]
    return "\n".join(["<!DOCTYPE html>", "<html><body>", *lines, "</body></html>"])


def html_story(story: Story) -> str:
    """Write one story in HTML."""
    return f"<h2>{html_link(story.url, story.title)}</h2>\n<p>{escape(story.summary)}</p>"


def html_link(url: str, text: str) -> str:
    """Write a link in HTML."""
    return f'<a href="{escape(url)}">{escape(text)}</a>'


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
    leave = desk.unsubscribe_url(subscriber.token)
    for name, value in headers_of(digest, subscriber, desk, message_id, leave).items():
        message[name] = value
    message.set_content(text_part(digest, leave))
    message.add_alternative(html_part(digest, leave), subtype="html")
    return message
