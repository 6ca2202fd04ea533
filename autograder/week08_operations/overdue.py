"""Items that are due, made without the student's code, and the student's settings in one process."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from typing import Any

import pytest

from autograder.sdk import Run, Student, broker
from autograder.sdk.answers import Code
from autograder.sdk.blobs import write_below
from autograder.sdk.jobs_table import SHARDS, Item, JobsTable, job, moment, new_id


@pytest.fixture
def code(student: Student, stores: None) -> Code:
    """The student's functions."""
    return Code(student)


CACHES = (
    ("pipeline.models.settings", "job_settings"),
    ("pipeline.models.operation_settings", "operation_settings"),
)


@contextmanager
def settings(student: Student, **values: float) -> Iterator[None]:
    """Let the process that calls the student's functions have these settings, inside the block."""
    names = {name.upper(): str(value) for name, value in values.items()}
    student.call("os", "environ.update", names)
    renew_settings(student)
    try:
        yield
    finally:
        for name in names:
            student.call("os", "environ.pop", name, None)
        renew_settings(student)


def renew_settings(student: Student) -> None:
    """Let the process read its settings again."""
    for module, name in CACHES:
        student.call(module, f"{name}.cache_clear")


def due(rng: Random, **more: Any) -> Item:
    """The row of a pending job whose message was lost."""
    row = job(rng, due_at=moment(-rng.uniform(1, 50)), kind="job", **more)
    row["blob_key"] = row["document"]["blob_key"]
    return row


def broken(rng: Random) -> Item:
    """An item that is due, of a kind that no handler knows. Its handling raises an error."""
    return {
        "id": f"strange#{new_id(rng)}",
        "kind": f"strange-{rng.getrandbits(32):x}",
        "due_shard": rng.randrange(SHARDS),
        "due_at": moment(-rng.uniform(100, 200)),  # before all jobs
    }


def published(run: Run) -> list[str]:
    """The ids of the jobs whose message is in a queue, in any order."""
    return sorted(str(one.headers.get("id")) for one in broker.waiting(run) if one.headers)


def stored(run: Run, table: JobsTable, rng: Random, text: str, **more: Any) -> Item:
    """Store a text and the row of its job."""
    content = text.encode()
    key = f"uploads/{hashlib.sha256(content).hexdigest()}"
    write_below(run.blob_folder, key, content)
    row = due(rng, **more)
    row["document"]["blob_key"] = row["blob_key"] = key
    table.put(row)
    return row


__all__ = ["Item", "JobsTable", "code", "moment"]
