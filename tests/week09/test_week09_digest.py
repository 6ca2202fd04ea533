"""The digest: a sender that dies at any line, and everything around it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import uuid4

import psycopg
import pytest

from bootcamp.course.layers import reference_layers
from bootcamp.course.weeks import find_week
from bootcamp.providers import Fault
from bootcamp.stack import Run
from bootcamp.stack.apps import layer_environment

LAYERS = reference_layers(find_week("week09_news"))
CRASHES = Path(__file__).with_name("digest_crashes.py")
HOUR = 7


def python(run: Run, *words: str, **more: str) -> str:
    """Run Python with the reference on its path, and return what it printed."""
    done = subprocess.run(
        [sys.executable, *words],
        check=False,
        env=layer_environment({**run.environment(), **more}, LAYERS),
        capture_output=True,
        text=True,
        timeout=240,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def rows(run: Run, text: str, *values: object) -> list[tuple[Any, ...]]:
    with psycopg.connect(run.database_url, autocommit=True) as database:
        cursor = database.execute(text.encode(), values)
        return cursor.fetchall() if cursor.description else []


@pytest.fixture
def desk(run: Run) -> Run:
    """A run whose stores are prepared."""
    python(run, "-m", "pipeline.migrate")
    return run


def subscribe(run: Run, number: int) -> list[str]:
    names = [f"reader{one}@mail.test" for one in range(number)]
    for name in names:
        rows(run, "INSERT INTO subscribers (address, token) VALUES (%s, %s)", name, uuid4().hex)
    return names


def publish(run: Run, *titles: str) -> None:
    """Articles with summaries, in the digest that is due now."""
    due = datetime.now(UTC) - timedelta(hours=HOUR)
    due = due.replace(hour=HOUR, minute=0, second=0, microsecond=0)
    for title in titles:
        identity = uuid4()
        rows(
            run,
            "INSERT INTO articles (article_id, url, content_hash, title, text, published_at)"
            " VALUES (%s, %s, sha256(%s::text::bytea), %s, 'It is lit.', %s)",
            *(identity, f"https://feed.test/{identity}", title, title, due - timedelta(hours=1)),
        )
        rows(
            run,
            "INSERT INTO article_summaries (article_id, summary, model, tokens, embedding)"
            " VALUES (%s, 'A lamp is lit.', 'model', 1, %s::vector)",
            *(identity, str([1.0] * 1536)),
        )


def send_due(run: Run, **more: str) -> int:
    return int(python(run, "-m", "pipeline.news.digest_run", **more).split()[0])


@pytest.mark.parametrize(("file", "step"), [("digest.py", 1), ("smtplib.py", 5)])
def test_a_sender_that_dies_at_any_line_loses_nothing(desk, file, step):
    died = json.loads(python(desk, str(CRASHES), file, str(step)))
    assert len(died) > 20
    messages: dict[str, list[str | None]] = {}
    for mail in desk.mail.messages():
        messages.setdefault(mail.recipients[0], []).append(mail.header("Message-ID"))
    sent = dict(
        rows(
            desk,
            "SELECT s.address, d.sent_at FROM subscribers s JOIN digests d USING (subscriber_id)",
        )
    )
    for one in died:
        ids = messages.get(one["address"], [])
        assert ids, f"nothing was sent after a crash at {one}"
        assert len(set(ids)) == 1, f"two ids after a crash at {one}"
        assert len(ids) <= 2, f"more than one repetition after a crash at {one}"
        assert sent[one["address"]] is not None, one
    copies = Counter(len(messages[one["address"]]) for one in died)
    assert copies[1] > 10
    assert copies[2] >= 1  # a crash after the 250 and before the record: SMTP cannot promise more
    assert len({ids[0] for ids in messages.values()}) == len(messages)


def test_a_digest_is_sent_to_everybody_once(desk):
    names = subscribe(desk, 3)
    assert send_due(desk) == 0  # there is no news
    publish(desk, "One lamp", "Two lamps")
    assert send_due(desk) == 3
    assert send_due(desk) == 0
    mails = desk.mail.attempts()
    assert sorted(mail.recipients[0] for mail in mails) == names
    assert all("lamp" in (mail.header("Subject") or "") for mail in mails)
    assert len({mail.header("List-Unsubscribe") for mail in mails}) == 3


def test_one_refused_and_one_busy_address_do_not_hold_up_the_others(desk):
    names = subscribe(desk, 4)
    publish(desk, "A lamp")
    desk.mail.script(
        Fault.status(550, on="recipient", matching=names[0]),
        Fault.status(421, on="recipient", matching=names[1]),
    )
    assert send_due(desk, DIGEST_RETRY_SECONDS="0") == 2
    assert send_due(desk) == 1
    assert send_due(desk) == 0
    assert sorted(mail.recipients[0] for mail in desk.mail.messages()) == names[1:]
    [(address, reason)] = rows(
        desk,
        "SELECT address, last_error FROM digests JOIN subscribers USING (subscriber_id)"
        " WHERE failed_at IS NOT NULL",
    )
    assert address == names[0]
    assert "550" in reason


def test_who_has_left_gets_nothing_and_a_run_is_bounded(desk):
    names = subscribe(desk, 4)
    publish(desk, "A lamp")
    rows(desk, "UPDATE subscribers SET left_at = now() WHERE address = %s", names[0])
    assert send_due(desk, DIGEST_BATCH="2") == 2
    assert send_due(desk, DIGEST_BATCH="2") == 1
    assert send_due(desk) == 0
    assert sorted(mail.recipients[0] for mail in desk.mail.messages()) == names[1:]


def test_many_runs_at_once_send_each_message_once(desk):
    names = subscribe(desk, 12)
    publish(desk, "A lamp")
    env = layer_environment(desk.environment(), LAYERS)
    command = [sys.executable, "-m", "pipeline.news.digest_run"]
    started = [subprocess.Popen(command, env=env, stdout=subprocess.PIPE) for _ in range(4)]
    counts = [int(one.communicate(timeout=120)[0].split()[0]) for one in started]
    assert sum(counts) == len(names)
    assert sorted(mail.recipients[0] for mail in desk.mail.attempts()) == sorted(names)


def test_without_a_mail_server_nothing_is_claimed(desk):
    subscribe(desk, 1)
    publish(desk, "A lamp")
    assert send_due(desk, SMTP_URL="") == 0
    assert rows(desk, "SELECT 1 FROM digests") == []


def test_no_password_is_sent_without_tls_in_production(desk):
    subscribe(desk, 1)
    publish(desk, "A lamp")
    assert send_due(desk, APP_ENV="production", WEBHOOK_ALLOWED_TARGETS="") == 0
    assert desk.mail.attempts() == []
    [(reason,)] = rows(desk, "SELECT last_error FROM digests")
    assert "TLS" in reason
