"""Whose fault it is when a grader cannot look at what it needs: its own, or the submission's.

A submission has its Redis server, its database and its DynamoDB account to itself, and its processes
too. Where they answer at all, they answer as the submission left them: keys of another type, rights
taken away, tables that are gone. The graders' own commands work on the reference.
"""

from __future__ import annotations

import psutil
import psycopg
import redis
from botocore.exceptions import ClientError

from autograder.card import Card
from autograder.process.browser import Chrome
from bootcamp.providers.clients import JournalForgot
from bootcamp.stack import Run

SERVER_ERROR = 500


def blamed(run: Run, error: BaseException) -> Card | None:
    """The card for an error that the submission has brought about; None: it is the grader's."""
    if isinstance(error, psutil.NoSuchProcess):
        return Card(
            expected="processes of the submission that live as long as they are needed",
            got=f"process {error.pid} was gone when the grader turned to it",
            cause="something in the code ends its own processes, or those beside it",
        )
    if isinstance(error, JournalForgot):
        return Card(
            expected="as many requests as the task needs",
            got=error.message,
            cause="something in the code sends without an end, to the provider or to a webhook",
        ).cleaned()
    if place := _changed(run, error):
        return Card(
            expected=f"{place} as the pipeline uses it",
            got=f"{place} gave the grader {type(error).__name__}: {error}",
            cause="something in the code has changed keys, tables, rights or settings that are not "
            "its business, or has shut the server down",
        ).cleaned()
    return None


def page_blamed(browser: Chrome, error: BaseException) -> Card | None:
    """The card for an error of the browser: only the page can have brought it about."""
    if not type(error).__module__.startswith("playwright."):
        return None
    first = " ".join(str(error).strip().splitlines()[:1])
    endless = browser.ended or first.startswith("Page.goto: Timeout")
    return Card(
        sent="the page, in a browser",
        expected="a page that answers",
        got=browser.ended or first,
        cause="a script of the page never ends, or leads away from the page"
        if endless
        else "what the check looks for is not on the page, or a script has ended it",
    ).cleaned()


def _changed(run: Run, error: BaseException) -> str:
    """The store that is there, and is not as it must be; or ""."""
    if isinstance(error, redis.RedisError):
        cut_off = isinstance(error, redis.ResponseError | redis.ConnectionError)
        return "Redis" if cut_off or not run.redis.sound else ""  # else the machine was slow
    if isinstance(error, psycopg.Error):
        return "PostgreSQL" if run.database_bytes() >= 0 else ""
    if isinstance(error, ClientError):
        status = error.response.get("ResponseMetadata", {}).get("HTTPStatusCode", SERVER_ERROR)
        return "DynamoDB" if status < SERVER_ERROR else ""
    return ""
