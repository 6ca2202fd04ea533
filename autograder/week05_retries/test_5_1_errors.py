"""5.1: which errors are transient.

What a submission could fake:
- counts: nothing is counted.
- witness: the returned values.
- place: a part of the statuses is random. Every class comes with and without a text, and so does a class
  derived from it, so neither a text nor a name tells what is expected.
- store: nothing is stored.
- probe: the function sees an error only. What a worker retries is judged by 5.3 and 5.4.
"""

from __future__ import annotations

from itertools import product
from random import Random
from typing import Any

import pytest

from autograder.sdk import fail, made
from autograder.sdk.answers import Code, must_return

pytestmark = pytest.mark.item("5.1")

RETRY = "pipeline.tasks.retry"
URL = "http://127.0.0.1/v1/embeddings"
TRANSIENT = (408, 429, 500, 502, 503, 504, 520, 529, 600)
PERMANENT = (304, 400, 401, 403, 404, 405, 409, 413, 415, 422, 425, 451, 499)
MORE_TRANSIENT = range(505, 1000)
MORE_PERMANENT = (402, 406, 410, 411, 412, 414, 416, 417, 426, 428, 431)
"""Each run draws some of these, so a list of statuses cannot pass."""
DRAWS = 6
QUOTA = "insufficient_quota"
TYPES = (None, "requests", "server_error", "invalid_request_error", "api_error", QUOTA)
"""The `type` in an error's body. It must not decide anything."""
NO_ANSWER = (
    ("psycopg", "OperationalError"),
    ("psycopg_pool", "PoolTimeout"),
    ("psycopg.errors", "AdminShutdown"),
    ("redis.exceptions", "ConnectionError"),
    ("redis.exceptions", "TimeoutError"),
    ("kombu.exceptions", "OperationalError"),
    ("builtins", "ConnectionResetError"),
    ("builtins", "ConnectionRefusedError"),
    ("builtins", "TimeoutError"),
)
MISTAKES = (
    ("builtins", "KeyError"),
    ("builtins", "ValueError"),
    ("builtins", "TypeError"),
    ("builtins", "ZeroDivisionError"),
    ("builtins", "FileNotFoundError"),
    ("builtins", "PermissionError"),
    ("builtins", "Exception"),
    ("openai", "OpenAIError"),
    ("psycopg.errors", "UndefinedTable"),
    ("psycopg.errors", "NotNullViolation"),
)
HANDLED = "(lambda error: (setattr(error, '{name}', ConnectionError('cut')), error)[1])(KeyError('colour'))"
"""A bug that appears while a connection error is handled. The exception refers to that error."""
OURS = (
    ("pipeline.errors", "BlobStoreUnavailable", True),
    ("pipeline.steps.errors", "BadEmbeddings", True),
    ("pipeline.errors", "BlobNotFound", False),
    ("pipeline.steps.errors", "DamagedDocument", False),
)

Made = dict[str, Any]


def request() -> Made:
    return made("httpx2", "Request", "POST", URL)


def answered(status: int, code: str | None, kind: str | None) -> Made:
    """Return the error that the `openai` client raises for such an answer."""
    body = {"error": {"message": "No.", "type": kind, "param": None, "code": code}}
    response = made("httpx2", "Response", status, json=body, request=request())
    client = made("openai", "OpenAI", api_key="none", base_url="http://127.0.0.1/v1")
    return made("openai", "OpenAI._make_status_error_from_response", client, response)


def derived(rng: Random, module: str, name: str, *arguments: str) -> Made:
    """Return an error of a new class that has this class as its base."""
    base = made("operator", "attrgetter", name)
    bases = made(
        "builtins",
        "tuple",
        [made("operator", "call", base, made("importlib", "import_module", module))],
    )
    kind = made("builtins", "type", f"Error{rng.getrandbits(32):x}", bases, {})
    return made("operator", "call", kind, *arguments)


def both_ways(rng: Random, module: str, name: str) -> list[tuple[str, Made]]:
    """Return an error without a text and one with a text, each also of a class that is derived from it."""
    found = []
    for arguments in ((), (f"text {rng.getrandbits(16)}",)):
        found += [(name, made(module, name, *arguments))]
        found += [(f"a class derived from {name}", derived(rng, module, name, *arguments))]
    return found


def check(code: Code, what: str, error: Made, passes: bool, cause: str) -> None:
    sent = f"is_transient() of {what}"
    said = must_return(sent, code.ask(RETRY, "is_transient", error))
    if bool(said) is not passes:
        expected = "True: the error is transient" if passes else "False: the error is permanent"
        fail(sent=sent, expected=expected, got=said, cause=cause)


def test_answers(code: Code, rng: Random) -> None:
    """a, b, c: the provider's answers, by status."""
    broken = (*TRANSIENT, *rng.sample(MORE_TRANSIENT, DRAWS))
    for status in rng.sample(broken, len(broken)):
        cause = {
            408: "408 means that the request arrived too slowly. The same request may succeed later",
            429: "429 means too many requests at this moment, so a later one may succeed. Of all codes, only "
            "insufficient_quota makes a 429 permanent",
        }.get(status, "a status from 500 on is a fault of the provider, which may end soon")
        kinds = TYPES if status == 429 else rng.sample(TYPES, 1)
        for named, kind in product(codes_of(status, rng), kinds):
            error = answered(status, named, kind)
            code_too = f" with the code {named}" if status == 429 or named else ""
            if kind == QUOTA and status == 429:
                code_too += f" and the type {kind}"
            if named == QUOTA:
                cause = "this code makes only a 429 permanent: look at the status first"
            check(code, f"the provider's answer {status}{code_too}", error, True, cause)
    refused = (*PERMANENT, *rng.sample(MORE_PERMANENT, DRAWS))
    for status in rng.sample(refused, len(refused)):
        error = answered(status, None, rng.choice(TYPES))
        cause = "the provider rejects the request itself, so the same request is rejected again"
        check(code, f"the provider's answer {status}", error, False, cause)


def codes_of(status: int, rng: Random) -> tuple[str | None, ...]:
    """The codes that an answer with this status may have. Only of a 429 the code decides."""
    if status != 429:
        return (None, QUOTA)
    return ("rate_limit_exceeded", None, f"limit_{rng.getrandbits(32):x}")


def test_quota(code: Code) -> None:
    """b: a 429 with this code is permanent, whatever its type is."""
    for kind in TYPES:
        error = answered(429, QUOTA, kind)
        cause = "the account has no money left, and waiting does not change that: check `error.code`, too"
        check(code, "a 429 with the code insufficient_quota", error, False, cause)


def test_no_answer(code: Code, rng: Random) -> None:
    """d: there was no answer. Subclasses of these errors are transient, too."""
    silent = [one for module, name in NO_ANSWER for one in both_ways(rng, module, name)]
    silent += [
        ("openai.APITimeoutError", made("openai", "APITimeoutError", request())),
        ("openai.APIConnectionError", made("openai", "APIConnectionError", request=request())),
    ]
    for name, error in rng.sample(silent, len(silent)):
        cause = "a service that does not answer now may answer in a second: use `CONNECTION_ERRORS`"
        check(code, f"{name}", error, True, cause)


def bug(name: str) -> str:
    """Return an expression for a bug that appears while a connection error is handled."""
    return HANDLED.format(name=name)


def unreadable() -> list[tuple[str, Made]]:
    """Return errors of the `openai` client that are neither a bad status nor silence."""
    answer = made("httpx2", "Response", 200, text="no JSON", request=request())
    return [
        ("openai.APIError", made("openai", "APIError", "No.", request(), body=None)),
        (
            "openai.APIResponseValidationError, a 200 that the client cannot read",
            made("openai", "APIResponseValidationError", answer, None),
        ),
    ]


def test_all_else(code: Code, rng: Random) -> None:
    """e: bugs are permanent. Errors of the pipeline say by their class what they are."""
    mistakes = [one for module, name in MISTAKES for one in both_ways(rng, module, name)]
    mistakes += [
        (f"a KeyError whose {name} is a ConnectionError", made("builtins", "eval", bug(name)))
        for name in ("__cause__", "__context__")
    ]
    mistakes += unreadable()
    for name, error in rng.sample(mistakes, len(mistakes)):
        cause = "an unknown error is probably a bug, which no retry fixes: only known errors are transient"
        if "whose" in name:
            cause = "the class of the error itself decides: a bug in the code that handles a connection "
            cause += "error is still a bug"
        check(code, name, error, False, cause)
    for module, name, passes in OURS:
        cause = "the class of the pipeline's own errors decides: TransientError or PermanentError"
        check(code, name, made(module, name), passes, cause)
