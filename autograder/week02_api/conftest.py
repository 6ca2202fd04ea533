"""What week 2's graders share: one API, one worker, and a limit that no student can know before."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from autograder.process.api import Api
from autograder.process.student import Student
from autograder.process.worker import Worker
from autograder.run.session import Session

MEBIBYTE = 1024 * 1024


@pytest.fixture(scope="session")
def limit(session: Session) -> int:
    """`MAX_UPLOAD_BYTES` of this run's API."""
    return session.random("limit").randint(16 * MEBIBYTE, 20 * MEBIBYTE)


@dataclass
class _Launched:
    api: Api
    worker: Worker


@pytest.fixture(scope="session")
def _launched(student: Student, limit: int) -> _Launched:
    """API and worker boot side by side."""
    return _Launched(
        student.launch_api("shared", {"MAX_UPLOAD_BYTES": str(limit)}),
        student.launch_worker("shared", {"WORKER_CONCURRENCY": "2"}),
    )


@pytest.fixture(scope="session")
def api(student: Student, _launched: _Launched) -> Api:
    """The API that all items share."""
    student.await_api(_launched.api)
    return _launched.api


@pytest.fixture(scope="session")
def worker(student: Student, _launched: _Launched) -> Worker:
    """The worker that all items share."""
    student.await_worker(_launched.worker)
    return _launched.worker
