"""Searches of week 3's graders, and what their answers must be."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any

import httpx

from autograder.sdk import Api, fail, show
from autograder.sdk.api_log import log_of
from autograder.week03_pipeline.library import Indexed, Library

DEFAULT_LIMIT, MAX_LIMIT = 10, 50
SCORE_CLOSE = 1e-3
SEARCH_SECONDS = 20.0


def search(api: Api, sent: str, **params: Any) -> list[dict[str, Any]]:
    """The results of a search that must succeed."""
    response = api.get("/search", params=params, timeout=SEARCH_SECONDS)
    if response.status_code != 200:
        fail(
            sent=sent,
            expected="200",
            got=f"{response.status_code}: {response.text[:300]}",
            cause="no connection of the pool was free, because a search does not give its connection "
            "back, or PostgreSQL rejected the statement: see the API's log"
            if response.status_code == 503
            else "an exception in the route: the lines of the API's log below name it",
            log=log_of(api, response),
        )
    answer = api.json(response)
    results = answer.get("results") if isinstance(answer, dict) else None
    if not isinstance(results, list) or not all(isinstance(one, dict) for one in results):
        fail(sent=sent, expected='{"query": …, "results": […]}', got=answer)
    return results


def check_ranking(api: Api, library: Library, limit: int, params: dict[str, int]) -> None:
    sent = f"GET /search?q=…&limit={limit}" if params else "GET /search?q=…, without a limit"
    found = search(api, sent, q=library.question, **params)
    expected = library.chunks[:limit]
    if len(found) != len(expected):
        fail(
            sent=f"{sent}, {len(library.chunks)} chunks in the index",
            expected=f"{len(expected)} results",
            got=f"{len(found)} results",
            cause="the query does not use `limit`, the join loses or repeats rows, or only one chunk of "
            "each document is returned",
        )
    texts = [one.get("text") for one in found]
    wanted = [one.text for one in expected]
    if len(set(map(str, texts))) < len(texts):
        fail(
            sent=sent,
            expected="each chunk once",
            got=f"{len(texts)} results, {len(set(map(str, texts)))} of them different",
            cause="the join pairs a chunk with documents that are not its own",
        )
    if texts != wanted:
        cosine_of = {one.text: one.cosine for one in library.chunks}
        fail(
            sent=sent,
            expected=f"the nearest by angle first: cosines {short(one.cosine for one in expected)}",
            got=f"cosines {short(cosine_of.get(str(text), float('nan')) for text in texts)}",
            cause=why_not(library, texts),
        )
    for one, right in zip(found, expected, strict=True):
        check_result(sent, one, right)


def short(values: Any) -> str:
    return ", ".join(f"{value:.2f}" for value in list(values)[:6]) + " …"


def why_not(library: Library, texts: list[Any]) -> str:
    """Which order the results have, if not that of the angle."""
    known = {one.text for one in library.chunks}
    if other := [text for text in texts if text not in known]:
        return (
            f"a text is not that of a chunk, but {show(other[0])}: return the columns as they are"
        )
    farthest = [one.text for one in reversed(library.chunks)]
    if texts == farthest[: len(texts)]:
        return "the farthest come first: order the distance ascending"
    return (
        "another operator than `<=>` was used: `<->` is the Euclidean distance, `<#>` the negative "
        "inner product, and both depend on the lengths of the vectors"
    )


def check_result(sent: str, found: dict[str, Any], right: Indexed) -> None:
    for key in ("document_id", "filename", "page", "text"):
        if found.get(key) != getattr(right, key):
            fail(
                sent=sent,
                expected=f"{key} {getattr(right, key)!r} for the chunk {right.text!r}",
                got=found.get(key),
                cause="the join pairs a chunk with another document",
            )
    score = found.get("score")
    number = float(score) if isinstance(score, (int, float)) else math.nan
    if not abs(number - right.cosine) <= SCORE_CLOSE:
        distance = abs(number - 1 + right.cosine) < SCORE_CLOSE
        fail(
            sent=sent,
            expected=f"score {right.cosine:.3f}, the cosine of the angle: from 1 to -1",
            got=score,
            cause="this is the distance: similarity is one minus distance"
            if distance
            else "the score is not one minus the cosine distance",
        )


def check_unavailable(sent: str, response: httpx.Response, api: Api) -> None:
    """Check for 503 with `Retry-After` and an error type of the pipeline."""
    try:
        body = response.json()
    except ValueError:
        body = None
    known = isinstance(body, dict) and body.get("type") == "search_unavailable"
    if response.status_code != 503 or not known or "retry-after" not in response.headers:
        fail(
            sent=sent,
            expected="503, Retry-After, and the type search_unavailable",
            got=f"{response.status_code}: {response.text[:300]}",
            cause="an exception of a library got through: raise `SearchUnavailable` in its place, for "
            "every `openai.OpenAIError` and every `psycopg.OperationalError`",
            log=log_of(api, response),
        )


class Asking(threading.Thread):
    """A request that runs in a thread."""

    def __init__(self, send: Callable[[], httpx.Response]) -> None:
        super().__init__(daemon=True)
        self.send = send
        self.answer: httpx.Response | None = None
        self.failure: BaseException | None = None
        self.start()

    def run(self) -> None:
        try:
            self.answer = self.send()
        except BaseException as failure:
            self.failure = failure

    @property
    def done(self) -> bool:
        return not self.is_alive()

    def finish(self) -> httpx.Response:
        """Wait for the answer and return it, or raise the failure."""
        self.join(SEARCH_SECONDS + 5)
        if self.failure is not None:
            raise self.failure
        if self.answer is None:
            raise TimeoutError("the request did not end")
        return self.answer


def fail_blocked(sent: str) -> None:
    fail(
        sent=f"{sent}, and GET /health at the same time",
        expected="other requests are answered meanwhile",
        got="GET /health waited for the search",
        cause="the event loop is blocked: wait with `await` for the provider and for the database",
    )
