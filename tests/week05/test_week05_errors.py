"""5.1, 5.2: which errors pass, and how long to wait. Functions alone."""

from __future__ import annotations

import email.utils
import time

import httpx2
import kombu.exceptions
import openai
import psycopg
import psycopg_pool
import pytest
import redis.exceptions

REQUEST = httpx2.Request("POST", "http://127.0.0.1/v1/embeddings")


def answered(status: int, code: str | None = None, **headers: str) -> openai.APIStatusError:
    """What the `openai` client raises for this answer."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    response = httpx2.Response(
        status, json={"error": {"code": code, "message": "no"}}, headers=named, request=REQUEST
    )
    client = openai.OpenAI(api_key="x", base_url="http://127.0.0.1")
    return client._make_status_error_from_response(response)


def ours(name: str) -> Exception:
    from pipeline import errors
    from pipeline.models import errors as of_jobs
    from pipeline.steps import errors as of_steps

    for module in (errors, of_steps, of_jobs):
        if hasattr(module, name):
            return getattr(module, name)()
    raise AssertionError(name)


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 529])
def test_answers_that_pass(status):
    from pipeline.tasks.retry import is_transient

    assert is_transient(answered(status))


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422])
def test_answers_that_stay(status):
    from pipeline.tasks.retry import is_transient

    assert not is_transient(answered(status))


def test_a_used_up_quota_stays_though_it_is_a_429():
    from pipeline.tasks.retry import is_transient

    assert not is_transient(answered(429, "insufficient_quota"))
    assert is_transient(answered(429, "rate_limit_exceeded"))


@pytest.mark.parametrize(
    "error",
    [
        openai.APITimeoutError(REQUEST),
        openai.APIConnectionError(request=REQUEST),
        psycopg.OperationalError(),
        psycopg_pool.PoolTimeout(),
        redis.exceptions.ConnectionError(),
        redis.exceptions.TimeoutError(),
        kombu.exceptions.OperationalError(),
        ConnectionResetError(),
        TimeoutError(),
    ],
    ids=lambda error: type(error).__name__,
)
def test_no_answer_passes(error):
    from pipeline.tasks.retry import is_transient

    assert is_transient(error)


@pytest.mark.parametrize("name", ["BlobStoreUnavailable", "BadEmbeddings", "JobStoreUnavailable"])
def test_our_own_say_that_they_pass(name):
    from pipeline.tasks.retry import is_transient

    assert is_transient(ours(name))


@pytest.mark.parametrize("name", ["BlobNotFound", "DamagedDocument", "TextTooLong"])
def test_our_own_say_that_they_stay(name):
    from pipeline.tasks.retry import is_transient

    assert not is_transient(ours(name))


@pytest.mark.parametrize(
    "error",
    [KeyError("x"), ValueError(), MemoryError(), PermissionError(), psycopg.ProgrammingError()],
    ids=lambda error: type(error).__name__,
)
def test_what_nobody_thought_of_stays(error):
    from pipeline.tasks.retry import is_transient

    assert not is_transient(error)


def waits(attempt: int, asked: float | None = None) -> list[float]:
    from pipeline.tasks.retry import backoff

    return [backoff(attempt, 1.0, 60.0, asked) for _ in range(2000)]


@pytest.mark.parametrize(("attempt", "longest"), [(1, 1), (2, 2), (5, 16), (7, 60), (5000, 60)])
def test_a_wait_is_anything_from_zero_to_the_doubled_and_capped_base(attempt, longest):
    found = sorted(waits(attempt))
    assert 0 <= found[0] < 0.02 * longest
    assert 0.98 * longest < found[-1] <= longest
    assert 0.4 * longest < found[1000] < 0.6 * longest


def test_what_was_asked_is_the_least_and_the_jitter_is_on_top():
    found = waits(3, asked=20.0)
    assert min(found) >= 20
    assert 3.5 < max(found) - min(found) <= 4


def test_nobody_makes_us_wait_for_ever():
    assert max(waits(1, asked=10.0**9)) <= 3600 + 60


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"retry_after": "7"}, 7),
        ({"retry_after": "0.5"}, 0.5),
        ({"retry_after_ms": "250", "retry_after": "9"}, 0.25),
        ({"retry_after_ms": "soon", "retry_after": "9"}, 9),
        ({"retry_after": "-3"}, 0),
        ({"retry_after": "Wed, 21 Oct 2015 07:28:00 GMT"}, 0),
        ({"retry_after": "tomorrow"}, None),
        ({"retry_after": "nan"}, None),
        ({"retry_after": "inf"}, None),
        ({}, None),
    ],
)
def test_what_an_answer_asks_for(headers, seconds):
    from pipeline.retry_after import asked_wait

    assert asked_wait(answered(429, **headers)) == seconds


def test_a_date_is_a_wait_too(monkeypatch):
    from pipeline.retry_after import asked_wait

    monkeypatch.setenv("TZ", "Asia/Tokyo")
    time.tzset()
    try:
        for form in (True, False):  # "GMT", and "-0000"
            date = email.utils.formatdate(time.time() + 30, usegmt=form)
            assert 25 < (asked_wait(answered(503, retry_after=date)) or 0) <= 30
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_fingerprint_is_the_same_for_the_same_kind():
    from pipeline.tasks.dead_letter import fingerprint

    one = fingerprint("embed", ValueError("job 6f1c1c0e-3c0b-4c86-9d43-0f3f2b6b5a53 took 3.5 s"))
    two = fingerprint("embed", ValueError("job 11111111-3c0b-4c86-9d43-0f3f2b6b5a53 took 12.25 s"))
    assert one == two
    others = {
        fingerprint("parse", ValueError("job 1 took 2 s")),
        fingerprint("embed", KeyError("job 1 took 2 s")),
        fingerprint("embed", ValueError("no answer")),
    }
    assert len({one, *others}) == 4
