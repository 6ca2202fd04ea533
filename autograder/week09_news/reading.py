"""Requests of week 9's graders for the news, and what their answers must be."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime
from typing import Any

import httpx

from autograder.sdk import Api, Run, fail, until
from autograder.sdk.api_log import log_of
from autograder.sdk.database import NAME, connect, query
from autograder.week09_news.stored_news import Article

READ_SECONDS = 20.0


def must_answer(api: Api, path: str, sent: str, **params: Any) -> dict[str, Any]:
    """The JSON object of a request that must succeed."""
    response = api.get(path, params=params, timeout=READ_SECONDS)
    if response.status_code != 200:
        fail(
            sent=sent,
            expected="200",
            got=f"{response.status_code}: {response.text[:300]}",
            cause="the lines of the API's log say why: PostgreSQL rejects the statement, the answer "
            "does not fit its model, or connections are taken and not given back",
            log=log_of(api, response),
        )
    answer = api.json(response)
    if not isinstance(answer, dict):
        fail(sent=sent, expected="a JSON object", got=answer)
    return answer


def items_of(answer: dict[str, Any], name: str, sent: str) -> list[dict[str, Any]]:
    """The articles in an answer."""
    items = answer.get(name)
    if not isinstance(items, list) or not all(isinstance(one, dict) for one in items):
        fail(sent=sent, expected=f'an object with "{name}", a list of articles', got=answer)
    return items


def check_articles(
    sent: str, found: Sequence[dict[str, Any]], expected: Sequence[Article], cause: str
) -> None:
    """Check that exactly these articles were found, in this order, with all their fields."""
    got = [one.get("article_id") for one in found]
    right = [str(one.article_id) for one in expected]
    if got != right:
        fail(
            sent=sent,
            expected=named(expected, right),
            got=named(expected, got),
            cause=cause,
        )
    for one, article in zip(found, expected, strict=True):
        for name, value in article.shown().items():
            if one.get(name) != value:
                fail(
                    sent=sent,
                    expected=f"{name}: {value!r} of the article {article.title!r}",
                    got=one.get(name),
                    cause="select `COLUMNS`, and join the summary of the same article",
                )
        if moment_of(one) != article.published_at:
            fail(
                sent=sent,
                expected=f"published_at: {article.published_at}",
                got=one.get("published_at"),
            )


def named(expected: Sequence[Article], ids: Sequence[Any]) -> str:
    """Ids as their places among the expected articles: 1 is the first. `?` is another article."""
    place = {str(one.article_id): str(number) for number, one in enumerate(expected, 1)}
    shown = [place.get(str(one), "?") for one in ids]
    return f"{len(shown)} articles: {', '.join(shown[:30])}" if shown else "no articles"


def moment_of(item: dict[str, Any]) -> datetime | None:
    """When an article was published, as an answer says it."""
    try:
        return datetime.fromisoformat(str(item.get("published_at")))
    except ValueError:
        return None


def check_unavailable(
    api: Api, sent: str, response: httpx.Response, kind: str, detail: str
) -> None:
    """Check for 503 with `Retry-After`, and an error of the pipeline without other words."""
    body = api.json(response) if response.content else None
    right = {"detail": detail, "type": kind}
    if response.status_code != 503 or body != right or "retry-after" not in response.headers:
        error = "".join(word.title() for word in kind.split("_"))
        fail(
            sent=sent,
            expected=f"503, Retry-After, and {right}",
            got=f"{response.status_code}: {response.text[:300]}",
            cause=f"raise `{error}` without a message in place of the library's error",
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
        self.join(READ_SECONDS + 5)
        if self.failure is not None:
            raise self.failure
        if self.answer is None:
            raise TimeoutError("the request did not end")
        return self.answer


@contextmanager
def locked(run: Run) -> Iterator[None]:
    """Let nobody read the articles for the time of the block."""
    with connect(run) as database, database.transaction():
        database.execute("LOCK TABLE articles IN ACCESS EXCLUSIVE MODE")
        yield


def interrupted(run: Run, send: Callable[[], httpx.Response], how: str) -> httpx.Response:
    """The answer to a request whose statement PostgreSQL interrupts, as in an outage.

    Args:
        how: `cancel`: the statement ends, as after its time limit. `terminate`: its connection ends.
    """
    with locked(run):
        asking = Asking(send)
        until(lambda: asking.done or _waiting(run), READ_SECONDS)
        for pid in _waiting(run):
            if how == "cancel":
                query(run, "SELECT pg_cancel_backend(%s)", pid)
            else:
                query(run, "SELECT pg_terminate_backend(%s)", pid)
        until(lambda: asking.done, READ_SECONDS)
    return asking.finish()


def _waiting(run: Run) -> list[int]:
    found = query(
        run,
        "SELECT pid FROM pg_stat_activity WHERE datname = current_database() "
        "AND wait_event_type = 'Lock' AND application_name <> %s",
        NAME,
    )
    return [int(row[0]) for row in found]
