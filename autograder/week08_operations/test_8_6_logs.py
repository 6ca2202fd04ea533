"""8.6: the fields of a log line."""

from __future__ import annotations

import logging
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from autograder.sdk import Student, fail, made
from autograder.sdk.answers import must_return

pytestmark = pytest.mark.item("8.6")

LOGS = "pipeline.json_logs"
ALWAYS = {"time", "level", "logger", "message"}


def line(
    student: Student,
    rng: Random,
    job_id: str | None = None,
    task_id: str | None = None,
    error: str | None = None,
    cause: str = "",
    **more: Any,
) -> dict[str, Any]:
    """The fields of a record with random values. `cause` is for a card that says that it raised."""
    level = rng.choice(["INFO", "WARNING", "ERROR"])
    record = {
        "created": 1_700_000_000 + rng.randrange(10**6) + rng.randrange(1, 999) / 1000,
        "levelname": level,
        "levelno": logging.getLevelNamesMapping()[level],
        "name": f"pipeline.tasks.t{rng.getrandbits(24):x}",
        "msg": "document %(name)s has %(pages)d pages",
        "args": {"name": f"d{rng.getrandbits(24):x}.pdf", "pages": rng.randint(1, 99)},
        **more,
    }
    made_record = made("logging", "makeLogRecord", record)
    sent = f"fields(record, …) for a record of the level {record['levelname']}"
    answer = student.ask(LOGS, "fields", made_record, job_id, task_id, error)
    if not answer.ok and cause:
        fail(sent=sent, expected="a dict", got=f"{answer.error}: {answer.message}", cause=cause)
    found = must_return(sent, answer)
    if not isinstance(found, dict):
        fail(sent=sent, expected="a dict", got=found)
    return {"record": record, "found": found}


def check(name: str, wanted: object, found: dict[str, Any], cause: str) -> None:
    if found.get(name) != wanted:
        got = found.get(name, f"no `{name}`")
        fail(sent=f"fields(record, …)[{name!r}]", expected=str(wanted), got=got, cause=cause)


def test_the_time_is_utc(student: Student, rng: Random) -> None:
    """k: the time of the record, in UTC, with its offset."""
    seen = line(student, rng)
    text, created = seen["found"].get("time"), seen["record"]["created"]
    sent, wanted = "fields(record, …)['time']", datetime.fromtimestamp(created, UTC)
    try:
        found = datetime.fromisoformat(str(text))
    except ValueError:
        fail(sent=sent, expected=wanted.isoformat(), got=text, cause="use `isoformat()`")
    if found.utcoffset() != timedelta(0):
        cause = "lines of two machines are compared, so each time is in UTC and says so"
        fail(sent=sent, expected=wanted.isoformat(), got=text, cause=cause)
    if abs((found - wanted).total_seconds()) > 0.002:
        cause = "use `record.created`: a line can be written later than its event"
        fail(sent=sent, expected=wanted.isoformat(), got=text, cause=cause)


def test_what_every_line_has(student: Student, rng: Random) -> None:
    """l, m: level, logger, the whole message, and nothing that is not known."""
    seen = line(student, rng)
    record, found = seen["record"], seen["found"]
    check("level", record["levelname"], found, "`record.levelname`")
    check("logger", record["name"], found, "`record.name`")
    cause = "`record.getMessage()` fills the arguments in. `record.msg` is the pattern"
    check("message", record["msg"] % record["args"], found, cause)
    for message in (f"{rng.randint(1, 99)} % of %s pages", rng.randint(100, 999)):
        cause = (
            "`record.getMessage()` leaves a message without arguments as it is, and makes it a text"
        )
        nothing = made("builtins", "tuple")
        found = line(student, rng, cause=cause, msg=message, args=nothing)["found"]
        check("message", str(message), found, cause)
    if set(found) != ALWAYS:
        cause = "leave out what is None: a reader would search for jobs named `null`"
        fail(
            sent="fields(record, None, None, None)",
            expected=str(sorted(ALWAYS)),
            got=sorted(found),
            cause=cause,
        )


def test_the_ids(student: Student, rng: Random) -> None:
    """m: each of the three is there if it is known, alone or with the others."""
    values = {
        "job_id": f"job-{rng.getrandbits(32):x}",
        "task_id": f"task-{rng.getrandbits(32):x}",
        "error": f"Traceback\nValueError: {rng.getrandbits(32):x}",
    }
    for chosen in ({"job_id"}, {"task_id"}, {"error"}, set(values)):
        given = {name: values[name] for name in chosen}
        found = line(student, rng, **given)["found"]  # type: ignore[arg-type]
        for name in chosen:
            check(name, values[name], found, f"`{name}` as it is given")
        if set(found) != ALWAYS | chosen:
            sent = f"fields(record, …) with {', '.join(sorted(chosen))}"
            fail(sent=sent, expected=str(sorted(ALWAYS | chosen)), got=sorted(found))
