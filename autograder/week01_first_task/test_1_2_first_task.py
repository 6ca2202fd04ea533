"""1.2: a named task that runs on a worker, returns the model's summary and logs its task id."""

from __future__ import annotations

import re
from random import Random
from typing import Any

import httpx
import pytest

from autograder.sdk import OpenAIControl, Run, Student, Worker, broker, fail, show, until
from autograder.week01_first_task import articles

pytestmark = pytest.mark.item("1.2")

RESULT_SECONDS = 10.0
CELERYS_OWN = re.compile(
    r"Task [\w.]+\[[0-9a-f-]+\] (received|succeeded|raised|retry)|ForkPoolWorker.*Traceback"
)
"""Lines that Celery itself writes about every task."""


def test_runs_on_a_worker(
    student: Student, run: Run, worker: Worker, openai: OpenAIControl, rng: Random
) -> None:
    [title] = articles.titles(rng, 1)
    task_id = articles.enqueue(student, title)
    sent = f"summarize_article.delay({title!r})"
    ended = articles.outcome(run, task_id, RESULT_SECONDS)
    if ended is None:
        fail(
            sent=sent,
            expected="a result",
            got=f"none within {RESULT_SECONDS:g} s",
            cause="the task waits for something that never happens",
            log=worker.tail(),
        )
    check_value(sent, title, ended, openai, run)
    check_log(sent, task_id, worker)


def check_value(
    sent: str, title: str, ended: dict[str, Any], openai: OpenAIControl, run: Run
) -> None:
    value = ended["result"]
    if ended["status"] != "SUCCESS":
        fail(
            sent=sent,
            expected="the task succeeds",
            got=exception(value),
            cause="the body of the task raised this exception",
        )
    asked = articles.requests_for(openai, title)
    if len(asked) != 1:
        fail(
            sent=sent,
            expected="one request to the model, made by the worker",
            got=f"{len(asked)} requests",
            cause="the body does not call `summarize(title)` exactly once",
        )
    if not isinstance(value, dict) or value.get("title") != title:
        fail(
            sent=sent,
            expected=f"a result with 'title': {title!r}",
            got=value,
            cause="return a dict with the keys title and summary",
        )
    if value.get("summary") != model_answer(run, title):
        fail(
            sent=sent,
            expected="a result whose 'summary' is the model's answer",
            got=value,
            cause="return what `summarize(title)` returned, unchanged",
        )


def exception(value: Any) -> str:
    """Format a stored exception as Python prints it."""
    if not isinstance(value, dict):
        return show(value)
    return f"{value.get('exc_type')}: {value.get('exc_message')}"


def model_answer(run: Run, title: str) -> Any:
    """Ask the stand-in about a title. It gives everybody the same answer."""
    answer = httpx.post(
        f"{run.environment()['OPENAI_BASE_URL']}/chat/completions",
        headers={"Authorization": "Bearer sk-grader-witness"},
        json={
            "model": "gpt-4o-mini",
            "messages": [
                {"role": "system", "content": "Summarise the article in one sentence."},
                {"role": "user", "content": title},
            ],
        },
    )
    return answer.raise_for_status().json()["choices"][0]["message"]["content"]


def check_log(sent: str, task_id: str, worker: Worker) -> None:
    def own_line() -> bool:
        lines = worker.logs().splitlines()
        return any(task_id in line and not CELERYS_OWN.search(line) for line in lines)

    if not until(own_line, 2.0):
        fail(
            sent=sent,
            expected=f"a log line written by your code, with the task id {task_id}",
            got="only the lines that Celery writes itself",
            cause="your code logs nothing, or its log line does not contain `self.request.id`",
            log=worker.tail(),
        )


def test_is_found_under_its_name(student: Student, run: Run, rng: Random) -> None:
    [title] = articles.titles(rng, 1)
    student.call(articles.TASK, "summarize_article.apply_async", [title], queue=broker.ASIDE)
    names = [message.headers.get("task") for message in broker.put_aside(run)]
    if names != ["pipeline.summarize_article"]:
        fail(
            sent="summarize_article.apply_async(…)",
            expected="a message for the task 'pipeline.summarize_article'",
            got=f"messages for {show(names)}",
            cause="the `name` in the decorator was changed, but other producers send the old one",
        )
