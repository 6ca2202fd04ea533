"""A toy week 10, made of nothing but its own folders. `FILES` is all that it consists of."""

from __future__ import annotations

NAME = "week10_toy"
SOLUTIONS = f"solutions/{NAME}/pipeline"
GRADER = f"autograder/{NAME}"

WIRING = '''"""What week 10 adds: its own parser, its own way to accept, and an outbox of its own process."""

from pipeline.lifecycle.due import DueHandler
from pipeline.lifecycle.hooks import JobHook
from pipeline.lifecycle.retries import Alerts, Retries
from pipeline.models import job
from pipeline.models.steps import ENTRY_TASK as DOCUMENT_TASK
from pipeline.tasks.job_task import JobTask as PipelineTask
from pipeline.webhooks import deliveries
from pipeline.webhooks.hook import Webhooks, notify_or_resume, send_delivery

SUBMIT = "pipeline.toy.acceptance:accept"
TASK_STATE = "pipeline.lifecycle.lookup:task_state"
PARSER = "pipeline.toy.parser:parse"
RESULTS_ARE_THE_RECORD = False
OUTBOX_IN_API = False
HOOKS: tuple[JobHook, ...] = (Retries(), Alerts(), Webhooks())
ROW_WRITTEN: str | None = None
DUE_HANDLERS: dict[str, DueHandler] = {job.KIND: notify_or_resume, deliveries.KIND: send_delivery}

__all__ = ["DOCUMENT_TASK", "PipelineTask"]
'''
PARSER = '''"""Reads every document as one page of text, and says so."""

from typing import BinaryIO

from pipeline.steps.types import Page


def parse(document: BinaryIO, content_type: str) -> list[Page]:
    return [Page(number=1, text="Read by the toy parser: " + document.read().decode())]
'''
ACCEPTANCE = '''"""Accepts a document as week 4 does, and publishes its id once the row is written."""

import redis.asyncio

from pipeline.api import jobs
from pipeline.api.threads import on_thread
from pipeline.documents import DocumentRef
from pipeline.models.listing import find
from pipeline.settings import worker_settings
from pipeline.submission import Accepted


async def accept(document: DocumentRef, owner: str, key: str | None = None) -> Accepted:
    accepted = await jobs.accept(document, owner, key)
    row = await on_thread(find, accepted.document.document_id, owner)
    async with redis.asyncio.from_url(worker_settings().redis_database(2)) as client:
        await client.rpush("toy", row.id)
    return accepted
'''
LIMITS = '''"""Embedding has a queue of its own, and at most five steps a second."""

from kombu import Queue

from pipeline.tasks.celery_config import app

EMBED = "pipeline.embed_chunks"
RATE = "5/s"

app.conf.task_queues = [Queue("celery"), Queue("toy")]
app.conf.task_routes = {EMBED: {"queue": "toy"}}
app.conf.task_annotations = {**app.conf.task_annotations, EMBED: {"rate_limit": RATE}}
'''
MIGRATION = '''"""A table of this week's own."""

from typing import Any


def up(database: Any) -> None:
    database.execute("CREATE TABLE toys (name text PRIMARY KEY)")
'''
PAGE = '''"""A page."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

router = APIRouter()


@router.get("/toy", response_class=HTMLResponse)
async def page() -> str:
    return "<h1>The toy page</h1>"
'''
HOMEWORK = '''"""Homework of week 10."""


def triple(number: int) -> int:
    """Three times the number."""
    # BEGIN SOLUTION 10.1
    # ? Return three times the number.
    return number * 3
    # END SOLUTION
'''
MANIFEST = """
[[items]]
id = "10.1"
title = "Three times a number"
points = 2
files = ["pipeline/toy/homework.py"]
lesson = "01_toys.md"
"""
HINTS = """# Hints for 10.1

## pipeline/toy/homework.py: triple

### Question

What is three times four?

### Lesson

Read [the lesson about toys](../../../lessons/week10_toy/01_toys.md).

### Similar case

```python
return number * 2
```

### Answer

```python
return number * 3
```
"""
GRADE = '''"""10.1: a number is tripled."""

import pytest

from autograder.card import fail

pytestmark = pytest.mark.item("10.1")


def test_a_number_is_tripled(student, rng):
    number = rng.randint(10, 10**6)
    value = student.call("pipeline.toy.homework", "triple", number, timeout=10.0)
    if value != 3 * number:
        fail(sent=f"triple({number})", expected=str(3 * number), got=value)
'''
LESSON = """# Toys

*Week 10 · lesson 1 · 15 minutes*
"""
WEEK = """title = "toys"
adds = "a parser, a queue and a page"

[blocks]
lines = [1, 20]
"""
FILES = {
    f"{SOLUTIONS}/wiring.py": WIRING,
    f"{SOLUTIONS}/toy/parser.py": PARSER,
    f"{SOLUTIONS}/toy/acceptance.py": ACCEPTANCE,
    f"{SOLUTIONS}/toy/homework.py": HOMEWORK,
    f"{SOLUTIONS}/tasks/toy_limits.py": LIMITS,
    f"{SOLUTIONS}/migrations/m1001_toys.py": MIGRATION,
    f"{SOLUTIONS}/api/toy.py": PAGE,
    f"{GRADER}/manifest.toml": MANIFEST,
    f"{GRADER}/hints/10.1.md": HINTS,
    f"{GRADER}/test_10_1_triple.py": GRADE,
    f"lessons/{NAME}/01_toys.md": LESSON,
    f"lessons/{NAME}/week.toml": WEEK,
    f"exercises/{NAME}/README.md": "# Homework of week 10\n",
}
