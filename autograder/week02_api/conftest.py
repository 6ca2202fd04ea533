"""Fixtures of week 2's graders: one API, one worker, and a limit that students cannot know."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from autograder.sdk import Api, Run, Session, Student
from autograder.week02_api.inside import Inside
from autograder.week02_api.redis_proxy import RedisProxy

MEBIBYTE = 1024 * 1024
ONE_THREAD = {
    "REDIS_THREADS": "1",
    "REDIS_TURN_TIMEOUT_SECONDS": "0.5",
    "REDIS_ANSWER_TIMEOUT_SECONDS": "30",
}
"""The proxied API has one thread for Redis, and waits long for an answer."""


@pytest.fixture(scope="session")
def limit(session: Session) -> int:
    """Return `MAX_UPLOAD_BYTES` of this run's API."""
    return session.random("limit").randint(16 * MEBIBYTE, 20 * MEBIBYTE)


@pytest.fixture(scope="session")
def environment(limit: int) -> dict[str, str]:
    """Return the settings of the API and the worker."""
    return {"MAX_UPLOAD_BYTES": str(limit), "WORKER_CONCURRENCY": "2"}


@pytest.fixture
def inside(student: Student) -> Inside:
    """Return the grader's own functions in the student's process."""
    return Inside(student)


@pytest.fixture(scope="session")
def proxy(run: Run) -> Iterator[RedisProxy]:
    """Return the proxy between the proxied API and Redis."""
    proxy = RedisProxy(run.redis_url)
    yield proxy
    proxy.close()


@pytest.fixture(scope="session")
def launched_proxied(student: Student, proxy: RedisProxy) -> Api:
    """Return an API behind the proxy, while it starts."""
    return student.launch_api("proxied", {"REDIS_URL": proxy.url, **ONE_THREAD})


@pytest.fixture(scope="session")
def proxied(student: Student, launched_proxied: Api) -> Api:
    """Return the API behind the proxy, ready."""
    student.await_api(launched_proxied)
    return launched_proxied
