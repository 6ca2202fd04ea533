"""Digests, subscribers and rows of the grader's own, and how a message is read."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from random import Random
from typing import Any
from uuid import UUID

from autograder.sdk import Run, Student, answers, fail, made
from autograder.sdk.database import kept_connection, query

DIGEST = "pipeline.news.digest"
MAIL = "pipeline.news.digest_mail"
MODEL = "pipeline.news.digest_model"
SETTINGS = "pipeline.news.digest_settings"
CLOCK_SECONDS = 30.0
"""How far a time in a row may be from the expected one: the machine may be busy."""
COLUMNS = (
    "message_id",
    "generation",
    "attempts",
    "sent_at",
    "failed_at",
    "last_error",
    "lease_until",
)


def word(rng: Random, prefix: str = "w") -> str:
    """A word that stands nowhere else."""
    return f"{prefix}{rng.getrandbits(48):012x}"


@dataclass(frozen=True)
class Reader:
    """A subscriber, in the database if `stored` made it."""

    subscriber_id: str
    address: str
    token: str

    @property
    def argument(self) -> dict[str, Any]:
        """`Subscriber` as an argument."""
        return made(MODEL, "Subscriber", self.subscriber_id, self.address, self.token)


def reader(rng: Random) -> Reader:
    """A subscriber of chance."""
    identity = str(UUID(int=rng.getrandbits(128), version=4))
    return Reader(identity, f"{word(rng, 'reader')}@mail.test", word(rng, "token"))


def stored(run: Run, rng: Random) -> Reader:
    """A subscriber of chance, with a row."""
    one = reader(rng)
    kept_connection(run).execute(
        "INSERT INTO subscribers (subscriber_id, address, token) VALUES (%s, %s, %s)",
        (one.subscriber_id, one.address, one.token),
    )
    return one


def some_day(rng: Random) -> date:
    """A day of the last years."""
    return date(2024, 1, 1) + timedelta(days=rng.randint(0, 700))


def day_argument(day: date) -> dict[str, Any]:
    """A day as an argument."""
    return made("datetime", "date.fromisoformat", day.isoformat())


def desk(rng: Random, public_url: str = "") -> dict[str, Any]:
    """A sender with a domain and an address of chance, as values."""
    name = word(rng, "desk")
    url = public_url or f"https://{name}.test:8443"
    return {"sender": f"The desk <{name}@{name}.test>", "domain": f"{name}.test", "public_url": url}


def story(rng: Random, **parts: str) -> dict[str, str]:
    """An article, as values."""
    own = {
        "title": f"Keeper {word(rng)} lights the lamp",
        "url": f"https://feed.test/{word(rng)}",
        "summary": f"A lamp was lit by {word(rng)}.",
    }
    return {**own, **parts}


def digest_argument(
    day: date, stories: list[dict[str, str]], trends: list[str] | None = None
) -> dict[str, Any]:
    """`Digest` as an argument. It is due at seven."""
    due = datetime.combine(day, time(7), UTC)
    return made(
        MODEL,
        "Digest",
        day_argument(day),
        made("datetime", "datetime.fromisoformat", due.isoformat()),
        made("builtins", "tuple", [made(MODEL, "Story", **one) for one in stories]),
        made("builtins", "tuple", trends or []),
    )


def database(run: Run) -> dict[str, Any]:
    """A connection of the student's process as an argument."""
    return made("psycopg", "connect", run.database_url, autocommit=True)


def written(student: Student, sent: str, *arguments: Any) -> EmailMessage:
    """The message that `build_message` returns, as it would be sent."""
    message = made(MAIL, "build_message", *arguments)
    value = answers.must_return(
        sent, student.ask("email.message", "EmailMessage.as_bytes", message)
    )
    content = made_bytes(value)
    if content is None:
        fail(sent=sent, expected="an EmailMessage", got=value)
    return message_from_bytes(content, policy=policy.default)


def made_bytes(value: Any) -> bytes | None:
    """Bytes in an answer."""
    import base64

    if isinstance(value, dict) and value.get("__type__") == "bytes":
        return base64.b64decode(str(value.get("value", "")))
    return None


# -- rows -----------------------------------------------------------------------------------------


def put_row(run: Run, day: date, who: Reader, **values: Any) -> None:
    """A row of `digests`, whose lease ended a minute ago unless `lease` (seconds from now) says otherwise."""
    row = {"generation": 1, "attempts": 1, "sent": False, "failed": False, "lease": -60, **values}
    kept_connection(run).execute(
        "INSERT INTO digests (digest_day, subscriber_id, message_id, lease_until, generation, attempts,"
        " sent_at, failed_at, last_error) VALUES (%s, %s, %s, now() + make_interval(secs => %s), %s, %s,"
        " CASE WHEN %s THEN now() END, CASE WHEN %s THEN now() END, 'an older error')",
        (
            day,
            who.subscriber_id,
            row.get("message_id", f"<{day}.{who.subscriber_id}@rows.test>"),
            row["lease"],
            row["generation"],
            row["attempts"],
            row["sent"],
            row["failed"],
        ),
    )


def row_of(run: Run, day: date, who: Reader) -> dict[str, Any]:
    """The row of a subscriber's digest, `lease` in seconds from now; empty if there is none."""
    found = query(
        run,
        "SELECT message_id, generation, attempts, sent_at, failed_at, last_error, lease_until,"
        " extract(epoch FROM lease_until - now())::float FROM digests"
        " WHERE digest_day = %s AND subscriber_id = %s",
        day,
        who.subscriber_id,
    )
    return dict(zip((*COLUMNS, "lease"), found[0], strict=True)) if found else {}


def unchanged(before: dict[str, Any], after: dict[str, Any]) -> bool:
    """Whether a row is as it was. The time that is left is not a part of it."""
    return {**before, "lease": 0} == {**after, "lease": 0}


def end_lease(run: Run) -> None:
    """Let the lease of every claim be over."""
    kept_connection(run).execute("UPDATE digests SET lease_until = now() - interval '1 second'")


def near(value: Any, seconds: float) -> bool:
    """Whether a time that is left is about this long."""
    return isinstance(value, float) and abs(value - seconds) <= CLOCK_SECONDS
