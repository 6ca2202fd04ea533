"""1.2: a named task that runs on a worker, returns the model's summary and logs its task id.

What a submission could fake:
- counts: requests to the model are counted by title, and must be exactly one. So more requests lose.
- witness: the journal of the model and the log of the worker. The summary must be that of the journal's
  model.
- place: titles, ids and the answer of the model are random.
- store: requests under another key are in another journal, and then none is counted here, so the item
  fails.
- probe: none: a worker that runs a task cannot tell a check from a client.
"""

from __future__ import annotations

import json
import re
import uuid
from random import Random
from typing import Any

import httpx
import pytest

from autograder.sdk import (
    Fault,
    OpenAIControl,
    Run,
    Student,
    Worker,
    broker,
    fail,
    show,
    until,
)
from autograder.week01_first_task import articles

pytestmark = pytest.mark.item("1.2")

RESULT_SECONDS = 10.0
CELERYS_OWN = re.compile(
    r"Task [\w.]+\[[0-9a-f-]+\] (received|succeeded|raised|retry)|ForkPoolWorker.*Traceback"
)
"""Lines that Celery itself writes about every task."""
PREFIX = re.compile(r"^\[[^\]]*\] (?:[\w.]+\[[0-9a-f-]+\]: )?")
"""What Celery's log format writes before the text: time, level and process, and the task's id."""
LOGGING_ERROR = "--- Logging error ---"
"""What `logging` prints, with the arguments, where text and arguments do not fit together."""
SPOILED = re.compile(r"^(Arguments: \(|Message: ['\"])")
"""Lines of such an error. They are no log line, although they contain the arguments."""


def test_runs_on_a_worker(
    student: Student, run: Run, worker: Worker, openai: OpenAIControl, rng: Random
) -> None:
    """a, b, c: one request, one log line with the id, and the dict."""
    [title] = articles.titles(rng, 1)
    root_id = str(uuid.UUID(int=rng.getrandbits(128)))  # as in a workflow that another task began
    task_id = articles.enqueue(student, title, root_id=root_id)
    sent = f"summarize_article.apply_async([{title!r}], root_id={root_id!r})"
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
        return any(task_id in text for text in own_texts(worker))

    if until(own_line, 2.0):
        return
    if LOGGING_ERROR in worker.recent():
        got = "an error of `logging`, and no line"
        cause = "text and arguments of the log call do not fit: each argument needs a `%s`"
    elif any(
        task_id in line and PREFIX.sub("", line) in own_texts(worker) for line in recent(worker)
    ):
        got = "a line with the id only in the prefix that Celery's log format adds"
        cause = "another log format has no such prefix: put `self.request.id` into the text itself"
    else:
        got = "only the lines that Celery writes itself"
        cause = "your code logs nothing at INFO, or its text does not contain `self.request.id`"
    fail(
        sent=sent,
        expected=f"a log line written by your code, with the task id {task_id} in its text",
        got=got,
        cause=cause,
        log=worker.tail(),
    )


def recent(worker: Worker) -> list[str]:
    """The lines of this test that Celery did not write itself."""
    return [line for line in worker.recent().splitlines() if not CELERYS_OWN.search(line)]


def own_texts(worker: Worker) -> list[str]:
    """The texts of these lines, without the prefix."""
    texts = [PREFIX.sub("", line) for line in recent(worker)]
    return [text for text in texts if not SPOILED.match(text)]


def test_the_id_is_logged_with_any_title(
    student: Student, run: Run, worker: Worker, rng: Random
) -> None:
    """a: a title with percent signs and braces is no format."""
    [title] = articles.titles(rng, 1)
    title = f"{title}: 50% of {{0}}, %(id)s %d"
    task_id = articles.enqueue(student, title)
    articles.outcome(run, task_id, RESULT_SECONDS)
    check_log(f"summarize_article.delay({title!r})", task_id, worker)


@pytest.mark.usefixtures("worker")
def test_texts_stay_as_they_are(
    student: Student, run: Run, openai: OpenAIControl, rng: Random
) -> None:
    """b, c: spaces, line breaks, other alphabets, a long title, an empty one."""
    one, two, three = articles.titles(rng, 3)
    titles = [
        f"  {one}\n twice  spaced ",
        f"Über {two}: 北京, naïve 🐜",
        f"{three} " + "news " * 80,
        "",
    ]
    ids = [articles.enqueue(student, title) for title in titles]
    for title, task_id in zip(titles, ids, strict=True):
        sent = f"summarize_article.delay({show(title)})"
        value = (articles.outcome(run, task_id, RESULT_SECONDS) or {}).get("result")
        asked = [entry.inputs for entry in openai.journal("chat") if title in entry.inputs]
        if len(asked) != 1:
            fail(
                sent=sent,
                expected="one request to the model, with exactly this title",
                got=f"{len(asked)} such requests",
                cause="the title is changed or tested before the call of `summarize(title)`",
            )
        expected = {"title": title, "summary": model_answer(run, title)}
        if not isinstance(value, dict) or {key: value.get(key) for key in expected} != expected:
            fail(
                sent=sent,
                expected=f"a result with {show(expected)}",
                got=show(value),
                cause="the title or the summary is shortened or changed in the result",
            )


def test_each_run_asks_the_model(student: Student, openai: OpenAIControl, rng: Random) -> None:
    """b: two runs with the same title in the same process."""
    [title] = articles.titles(rng, 1)
    for _ in range(2):
        student.call(articles.TASK, "summarize_article.apply", [title])
    asked = articles.requests_for(openai, title)
    if len(asked) != 2:
        fail(
            sent=f"summarize_article.apply([{title!r}]), two times in one process",
            expected="two requests to the model, one in each run",
            got=f"{len(asked)} requests",
            cause="a summary is kept in the memory of the process",
        )


@pytest.mark.usefixtures("worker")
def test_the_answer_stays_as_it_is(
    student: Student, run: Run, openai: OpenAIControl, rng: Random
) -> None:
    """c: an answer with spaces and line breaks at both ends."""
    [title] = articles.titles(rng, 1)
    answer = f"\n  A summary of\n{rng.getrandbits(32):08x}. \n"
    message = {"role": "assistant", "content": answer}
    choice = {"index": 0, "message": message, "finish_reason": "stop"}
    body = {"id": "c", "object": "chat.completion", "created": 0, "model": "m", "choices": [choice]}
    openai.script(Fault.status(200, body=json.dumps(body), matching=title))
    task_id = articles.enqueue(student, title)
    value = (articles.outcome(run, task_id, RESULT_SECONDS) or {}).get("result")
    if not isinstance(value, dict) or value.get("summary") != answer:
        fail(
            sent=f"summarize_article.delay({title!r}), and the model answers {answer!r}",
            expected=f"a result with the summary {answer!r}",
            got=value,
            cause="the summary is changed: return what `summarize(title)` returned",
        )


@pytest.mark.usefixtures("worker")
@pytest.mark.parametrize("status", [500, 429, 401])
def test_an_error_of_the_model_fails_the_task(
    student: Student, run: Run, openai: OpenAIControl, rng: Random, status: int
) -> None:
    """b, d: after one request, the error of `summarize` is the error of the task."""
    [title] = articles.titles(rng, 1)
    openai.script(Fault.status(status, matching=title, times=None))
    task_id = articles.enqueue(student, title)
    ended = articles.outcome(run, task_id, RESULT_SECONDS) or {}
    value = ended.get("result")
    sent = f"summarize_article.delay({title!r}), while the model answers {status}"
    asked = articles.requests_for(openai, title)
    if len(asked) != 1:
        fail(
            sent=sent,
            expected="one request to the model",
            got=f"{len(asked)} requests",
            cause="`summarize` is called again after an error, or the task is retried; "
            "retries come in week 5",
        )
    origin = str(value.get("exc_module")) if isinstance(value, dict) else ""
    if ended.get("status") != "FAILURE" or not origin.startswith("openai"):
        failed = ended.get("status") == "FAILURE"
        fail(
            sent=sent,
            expected="the state FAILURE, with an error of the openai library",
            got=exception(value)
            if failed
            else f"{ended.get('status', 'no result')}: {show(value)}",
            cause="the error is replaced by another one: let it through"
            if failed
            else "the error is caught, so the task seems to have succeeded: let it through",
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
