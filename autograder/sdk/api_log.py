"""What the log of a student's API or worker says of an error."""

from __future__ import annotations

import re

import httpx

from autograder.process import wait
from autograder.process.api import Api

LOG_SECONDS = 1.0


_EXCEPTION = re.compile(
    r"^(?:[\w.]+(?:Error|Exception|Timeout|Found)|(?:\w+\.)+[A-Z]\w*)\b.*(?:\n.*){0,3}\s*\Z",
    re.MULTILINE,
)
"""Drivers name errors without the word, `psycopg.errors.UndefinedTable`, and add lines of SQL."""


_FRAME = re.compile(r'File "\S*/layer/pipeline')


def log_of(api: Api, response: httpx.Response) -> tuple[str, ...]:
    """What the API's log says of a 500. It comes a moment later than the answer."""
    if response.status_code != 500:
        return ()
    wait.until(lambda: _EXCEPTION.search(api.recent()[-400:]), LOG_SECONDS)
    return traceback_in(api.recent())


def traceback_in(log: str) -> tuple[str, ...]:
    """The last traceback: the pipeline's own lines and the exception, nothing of libraries.

    Empty for the scaffold's NotImplementedError: a card names that itself.
    """
    lines = log.rpartition("Traceback (most recent call last)")[2].splitlines()
    ours = [at for at, line in enumerate(lines) if _FRAME.search(line)]
    found = [_FRAME.sub('File "pipeline', line) for at in ours for line in lines[at : at + 2]]
    ends = [line for line in lines if _EXCEPTION.match(line)][:1]
    return () if any("NotImplementedError" in end for end in ends) else (*found, *ends)
