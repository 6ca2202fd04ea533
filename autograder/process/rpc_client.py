"""Calls into the student's code: one process that takes requests and answers in JSON lines."""

from __future__ import annotations

import base64
import contextlib
import json
import os
import queue
import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import IO, Any

from autograder.card import Card, CheckFailed, TookTooLong, clean, show
from autograder.process.fork_client import Forked, last_lines
from bootcamp import bounds

Request = Mapping[str, Any]
"""`module`, and optionally `name`, `args` and `kwargs`: see `rpc_server.py`."""
UNREAD_ANSWERS = 8
"""More lines than this are not taken from a process that answers what nobody asked."""


@dataclass(frozen=True)
class Answer:
    """What a call came to, by the student's process's own word."""

    ok: bool
    value: Any
    seconds: float
    error: str = ""
    """Name of the exception's class."""
    bases: tuple[str, ...] = ()
    """Names of its base classes."""
    message: str = ""
    where: str = ""
    """File and line in the pipeline."""

    @classmethod
    def of(cls, said: Mapping[str, Any], seconds: float) -> Answer:
        """What a process said. It may say anything, so each field is made what it must be."""
        bases = said.get("bases")
        return cls(
            ok=said.get("ok") is True,
            value=said.get("value"),
            seconds=seconds,
            error=str(said.get("error", "")),
            bases=tuple(map(str, bases)) if isinstance(bases, list) else (),
            message=clean(str(said.get("message", ""))),
            where=clean(str(said.get("where", ""))),
        )


WITH_PASSWORD = re.compile(r"(\w+://)[^\s'\"/@]+@[^\s'\"]*")
"""An address with a user and a password, such as that of the database. It belongs in no card."""


def call_of(
    module: str, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]
) -> dict[str, Any]:
    """The request for a call."""
    return {"module": module, "name": name, "args": [*args], "kwargs": kwargs}


class Caller:
    """A student's process that answers calls. Started at the first one, and again after it died.

    Args:
        launch: starts a process that runs `rpc_server.py`.
    """

    def __init__(self, launch: Callable[[], Forked]) -> None:
        self._launch = launch
        self._process: Forked | None = None
        self._answers: queue.Queue[str | None] = queue.Queue()
        self._number = 0

    def start(self) -> None:
        """Start the process, so that it boots while the grader does other things."""
        if self._process is not None and self._process.alive:
            return
        process = self._launch()
        self._process, self._answers = process, queue.Queue(UNREAD_ANSWERS)
        assert process.stdout is not None
        stream = os.fdopen(os.dup(process.stdout.fileno()), "rb")
        threading.Thread(target=_pump, args=(stream, self._answers), daemon=True).start()

    def ask(self, request: Request, timeout: float) -> Answer:
        """Send one request and wait for its answer. A process that did not answer is ended.

        Raises:
            CheckFailed: no answer within `timeout` seconds, or the process ended.
        """
        self.start()
        assert self._process is not None
        self._number += 1
        sent = describe(request)
        started = time.monotonic()
        line = json.dumps({"id": self._number, **request}) + "\n"
        _send(self._process, line.encode())
        try:
            said = self._answers.get(timeout=timeout)
        except queue.Empty:
            got, cause = f"no answer within {timeout:g} s", "a loop or a wait that does not end"
            raise TookTooLong(self._gone(sent, got, cause)) from None
        except BaseException:  # the test is over: its late answer must not meet the next one
            self.stop()
            raise
        if said is None:
            cause = "does the code call exit, or use up its memory?"
            raise CheckFailed(self._gone(sent, "the process ended", cause))
        return self._read(said, sent, time.monotonic() - started)

    def _read(self, line: str, sent: str, seconds: float) -> Answer:
        try:
            said = json.loads(line)
            if said["id"] != self._number or "ok" not in said:
                raise ValueError("an answer to another call, or to none")
            return Answer.of(said, seconds)
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            got = f"an answer that is not one: {show(line[:200])}"
            raise CheckFailed(self._gone(sent, got, "")) from None

    def _gone(self, sent: str, got: str, cause: str) -> Card:
        """End the process, and say what is known of its end."""
        assert self._process is not None
        log = last_lines(self._process.logs())
        self.stop()
        return Card(sent=sent, expected="an answer", got=got, cause=cause, log=log).cleaned()

    def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            self._process.stop(grace=0.2)
            self._process = None


def _send(process: Forked, line: bytes) -> None:
    """Write in a thread: a process that reads nothing must not hold up the grader.

    On a descriptor of the thread's own, here and in `_pump`: what a student's process leaves behind
    may hold the other end open, and closing a file in which a thread waits would wait with it.
    """
    assert process.stdin is not None
    with contextlib.suppress(OSError, ValueError):  # it has died: no answer will come
        stream = os.fdopen(os.dup(process.stdin.fileno()), "wb")
        threading.Thread(target=_write, args=(stream, line), daemon=True).start()


def _write(stream: IO[bytes], line: bytes) -> None:
    with contextlib.suppress(OSError), stream:
        stream.write(line)


def _pump(stream: IO[bytes], answers: queue.Queue[str | None]) -> None:
    with stream:
        while line := stream.readline(bounds.MAX_CALL_BYTES + 1024):
            answers.put(line.decode("utf-8", "replace"))
    answers.put(None)


def describe(request: Request) -> str:
    """A request as a person would write it: `producer.enqueue_articles(['a', 'b'])`."""
    target = request["module"].removeprefix("pipeline.")
    if request.get("name") is None:
        return f"import {request['module']}"
    if "args" not in request:
        return f"{target}.{request['name']}"
    return f"{target}.{request['name']}({_arguments(request)})"


def _arguments(call: Mapping[str, Any]) -> str:
    words = [_argument(one) for one in call["args"]]
    words += [f"{key}={_argument(value)}" for key, value in call.get("kwargs", {}).items()]
    return ", ".join(words)


def _argument(value: Any) -> str:
    """An argument as a person would write it. A value of `sdk.made` is the call that makes it."""
    kind = value.get("__type__") if isinstance(value, dict) else None
    if kind == "made":
        return f"{value['name']}({_arguments(value)})"
    shown = show(base64.b64decode(value["value"]) if kind == "bytes" else value)
    return WITH_PASSWORD.sub(r"\1…", shown)


def failure_card(sent: str, answer: Answer) -> Card:
    """The card for an exception where none was expected."""
    at = f" ({answer.where})" if answer.where else ""
    cause = (
        "the line named above"
        if answer.where
        else "no line of yours: a setting or an argument that a library refuses"
    )
    if answer.error == "NotImplementedError":
        cause = "this part is still to be written"
    elif answer.error in ("ModuleNotFoundError", "ImportError"):
        cause = "a name or module that is not there: look at the imports"
    elif answer.error == "AttributeError" and "has no attribute" in answer.message and not at:
        cause = "a name that is asked for is gone: was it renamed, deleted or indented?"
    elif answer.error == "TypeError" and "positional argument" in answer.message:
        cause = "too few or too many arguments. `args=` takes a list: a text is one for each letter"
    elif answer.error == "SerializerNotInstalled":
        cause = "a name that Celery does not know. `accept_content` is a list of names"
    elif "File too large" in answer.message:
        cause = "the process printed or wrote more than it may: is there a print in a loop?"
    return Card(
        sent=sent,
        expected="no exception",
        got=f"{answer.error}: {answer.message}{at}",
        cause=cause,
    ).cleaned()
