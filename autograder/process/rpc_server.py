"""Runs in a student's process: calls one of its functions at a time, and answers in JSON.

Standard library only, and it imports nothing of ours: it is handed to `python -P` as a file. A request
is a line on standard input, an answer a line on what standard output was at the start; whatever
student code prints goes to standard error, which is the process's log.

Arguments may be objects of the student's: `{"__type__": "made", "module": …, "name": …, "args": […]}` is
what that call returns. `race`, in the module `__main__`, makes many calls at the same moment.

    {"id": 1, "module": "pipeline.producer", "name": "enqueue_articles", "args": [["a"]], "kwargs": {}}
    {"id": 1, "ok": true, "value": ["4f7c…"]}
    {"id": 2, "ok": false, "error": "KeyError", "bases": ["LookupError"], "message": "…", "where": "…"}

Nothing here is trusted: the grader treats every answer as the student's word.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import dataclasses
import datetime
import importlib
import inspect
import json
import math
import os
import sys
import threading
import traceback
from concurrent.futures import ThreadPoolExecutor
from typing import Any


def encode(value: Any) -> Any:
    """`value` as JSON can carry it. What JSON does not know becomes `{"__type__": …}`."""
    if value is None or isinstance(value, (bool, int, str)):
        return value  # json writes a subclass by its true value, not by what it says of itself
    if isinstance(value, float):
        return float(value) if math.isfinite(value) else {"__type__": repr(float(value))}
    if isinstance(value, (list, tuple)):
        return [encode(one) for one in value]
    if isinstance(value, dict):
        return {str(key): encode(one) for key, one in value.items()}
    if isinstance(value, (set, frozenset)):
        return {"__type__": "set", "value": sorted((encode(one) for one in value), key=repr)}
    if isinstance(value, (bytes, bytearray)):
        return {"__type__": "bytes", "value": base64.b64encode(value).decode()}
    if isinstance(value, (datetime.datetime, datetime.date)):
        return {"__type__": "datetime", "value": value.isoformat()}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return encode({f.name: getattr(value, f.name) for f in dataclasses.fields(value)})
    for method in ("model_dump", "tolist", "_asdict"):
        if callable(getattr(value, method, None)):
            return encode(getattr(value, method)())
    if inspect.isgenerator(value) or hasattr(value, "__next__"):
        return [encode(one) for one in value]
    return {"__type__": type(value).__name__, "value": str(value)[:1000]}


def decode(value: Any) -> Any:
    """The other way round, for arguments: bytes, and what the student's code makes."""
    if isinstance(value, list):
        return [decode(one) for one in value]
    if isinstance(value, dict):
        if value.get("__type__") == "bytes":
            return base64.b64decode(value["value"])
        if value.get("__type__") == "made":
            return value_of(value)
        return {key: decode(one) for key, one in value.items()}
    return value


def where(error: BaseException) -> str:
    """File and line of the innermost frame that lies in the pipeline."""
    if isinstance(error, SyntaxError) and error.filename:
        return f"{_short(error.filename)} line {error.lineno}"
    frames = traceback.extract_tb(error.__traceback__)
    ours = [frame for frame in frames if f"{os.sep}pipeline{os.sep}" in frame.filename]
    return f"{_short(ours[-1].filename)} line {ours[-1].lineno}" if ours else ""


def _short(path: str) -> str:
    return "pipeline" + path.rpartition(f"{os.sep}pipeline")[2].replace(os.sep, "/")


def value_of(request: dict[str, Any]) -> Any:
    """Import a module, read a name in it, or call it where there are arguments. Returns its value."""
    value: Any = importlib.import_module(request["module"])
    if request.get("name") is None:
        return None
    for part in request["name"].split("."):
        value = getattr(value, part)
    if "args" in request:
        return value(*decode(request["args"]), **decode(request.get("kwargs", {})))
    return value


def answer(request: dict[str, Any]) -> dict[str, Any]:
    """Do what a request asks, and say what came of it."""
    try:
        value = value_of(request)
        if inspect.iscoroutine(value):
            value = asyncio.run(value)
        return {"ok": True, "value": encode(value)}
    except BaseException as error:  # SystemExit too: leaving is an answer, not an end
        with contextlib.suppress(Exception):  # the log may be full
            traceback.print_exc()
        return {
            "ok": False,
            "error": type(error).__name__,
            "bases": [base.__name__ for base in type(error).__mro__[1:]],
            "message": str(error)[:2000],
            "where": where(error),
        }


def race(module: str, name: str, calls: list[list[Any]]) -> list[dict[str, Any]]:
    """Call a function once for each of these argument lists, on threads that start together.

    Returns their answers, as `answer` gives them, in the order of `calls`.
    """
    start = threading.Barrier(len(calls))

    def call(arguments: list[Any]) -> dict[str, Any]:
        start.wait()
        return answer({"module": module, "name": name, "args": arguments})

    with ThreadPoolExecutor(len(calls)) as threads:
        return list(threads.map(call, calls))


def main(most: int) -> None:
    """Answer requests until standard input closes. An answer of more than `most` bytes is refused."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    requests = os.fdopen(os.dup(0), "r", encoding="utf-8")
    os.dup2(2, 1)
    os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
    for line in requests:
        request = json.loads(line)
        text = json.dumps({"id": request["id"], **answer(request)})
        if len(text) > most:
            error = {"error": "AnswerTooLarge", "message": f"more than {most} bytes"}
            text = json.dumps({"id": request["id"], "ok": False, **error})
        sys.stderr.flush()
        answers.write(text + "\n")
        answers.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]))
