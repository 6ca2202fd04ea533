"""5.1: which errors pass by themselves."""

from __future__ import annotations

from random import Random
from typing import Any

import pytest

from autograder.sdk import fail, made
from autograder.sdk.answers import Code, must_return

pytestmark = pytest.mark.item("5.1")

RETRY = "pipeline.tasks.retry"
URL = "http://127.0.0.1/v1/embeddings"
NOT_NOW = (408, 429, 500, 502, 503, 504, 520, 529)
NOT_LIKE_THIS = (400, 401, 403, 404, 405, 413, 415, 422, 451)
DRAWN_NOT_NOW = range(505, 600)
DRAWN_NOT_LIKE_THIS = (402, 406, 410, 411, 412, 414, 416, 417, 426, 428, 431)
"""More of both: who has learned the others by heart does not know which."""
DRAWS = 6
TYPES = (None, "requests", "server_error", "invalid_request_error", "api_error")
"""What an answer says of its own type: nothing that its status does not say better."""
QUOTA = "insufficient_quota"
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
    ("psycopg.errors", "UndefinedTable"),
    ("psycopg.errors", "NotNullViolation"),
)
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
    """What the `openai` client raises for an answer like this."""
    body = {"error": {"message": "No.", "type": kind, "param": None, "code": code}}
    response = made("httpx2", "Response", status, json=body, request=request())
    client = made("openai", "OpenAI", api_key="none", base_url="http://127.0.0.1/v1")
    return made("openai", "OpenAI._make_status_error_from_response", client, response)


def derived(rng: Random, module: str, name: str) -> Made:
    """An error whose class nobody has seen before, with this one as its base."""
    base = made("operator", "attrgetter", name)
    bases = made(
        "builtins",
        "tuple",
        [made("operator", "call", base, made("importlib", "import_module", module))],
    )
    kind = made("builtins", "type", f"Error{rng.getrandbits(32):x}", bases, {})
    return made("operator", "call", kind)


def check(code: Code, what: str, error: Made, passes: bool, cause: str) -> None:
    sent = f"is_transient() of {what}"
    said = must_return(sent, code.ask(RETRY, "is_transient", error))
    if bool(said) is not passes:
        expected = "true: tried again, it may work" if passes else "false: it stays as it is"
        fail(sent=sent, expected=expected, got=said, cause=cause)


def test_answers(code: Code, rng: Random) -> None:
    """The provider said something."""
    broken = (*NOT_NOW, *rng.sample(DRAWN_NOT_NOW, DRAWS))
    for status in rng.sample(broken, len(broken)):
        cause = {
            408: "408 says that the request came too slowly: nothing is wrong with it",
            429: "too many requests now; later there will be fewer. Of all codes, only "
            "insufficient_quota makes a 429 permanent",
        }.get(status, "from 500 on the trouble is the provider's, and may be over soon")
        for named in codes_of(status, rng):
            error = answered(status, named, rng.choice(TYPES))
            code_too = f" with the code {named}" if status == 429 else ""
            check(code, f"the provider's answer {status}{code_too}", error, True, cause)
    refused = (*NOT_LIKE_THIS, *rng.sample(DRAWN_NOT_LIKE_THIS, DRAWS))
    for status in rng.sample(refused, len(refused)):
        error = answered(status, None, rng.choice(TYPES))
        cause = (
            "the request itself is refused: sent again, it is refused again, and paid for in time"
        )
        check(code, f"the provider's answer {status}", error, False, cause)


def codes_of(status: int, rng: Random) -> tuple[str | None, ...]:
    """The codes that an answer with this status may have: a 429 has many, and often none."""
    if status != 429:
        return (None,)
    return ("rate_limit_exceeded", None, f"limit_{rng.getrandbits(32):x}")


def test_quota(code: Code) -> None:
    """A 429 that no waiting ends, whatever its type says."""
    for kind in (QUOTA, "requests", None):
        error = answered(429, QUOTA, kind)
        cause = "the account has no money left: look at the error's `code`, not at the status alone"
        check(code, "a 429 with the code insufficient_quota", error, False, cause)


def test_no_answer(code: Code, rng: Random) -> None:
    """Nobody said anything. A class that is derived from one of these is one of these."""
    silent = [(name, made(module, name)) for module, name in NO_ANSWER]
    silent += [
        (f"a class derived from {name}", derived(rng, module, name)) for module, name in NO_ANSWER
    ]
    silent += [
        ("openai.APITimeoutError", made("openai", "APITimeoutError", request())),
        ("openai.APIConnectionError", made("openai", "APIConnectionError", request=request())),
    ]
    for name, error in rng.sample(silent, len(silent)):
        cause = "a service that does not answer now may answer in a second: `CONNECTION_ERRORS`"
        check(code, f"{name}", error, True, cause)


def test_all_else(code: Code, rng: Random) -> None:
    """Mistakes in programs, and errors of our own, which say it themselves."""
    mistakes = [
        (name, made(module, name, f"text {rng.randint(0, 99)}")) for module, name in MISTAKES
    ]
    mistakes += [("a class of error that nobody has seen", derived(rng, "builtins", "Exception"))]
    for name, error in rng.sample(mistakes, len(mistakes)):
        cause = "no error that a wait mends: a person replays the job when the cause is gone"
        check(code, name, error, False, cause)
    for module, name, passes in OURS:
        cause = "errors of our own say it by their class: TransientError or PermanentError"
        check(code, name, made(module, name), passes, cause)
