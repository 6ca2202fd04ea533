"""The student's API under test, as a local process, and the client that graders talk to it with."""

from __future__ import annotations

import time
from typing import Any, NoReturn

import httpx

from autograder.card import Card, CheckFailed, TookTooLong, show
from autograder.process.fork_client import Forked
from autograder.process.service import Service
from bootcamp import bounds
from bootcamp.ports import KEEP_ALIVE_SECONDS, LOOPBACK, answers_health

REQUEST_SECONDS = 10.0
"""How long an answer may take, from the request to its last byte."""


class Api(Service):
    """One API process. Requests answer with `httpx.Response`; anything else becomes a card.

    Redirects are not followed. Safe to use from several threads at once.
    """

    def __init__(self, process: Forked, name: str, port: int) -> None:
        super().__init__(process, name)
        self.port = port
        self.url = f"http://{LOOPBACK}:{port}"
        self._client = httpx.Client(base_url=self.url, trust_env=False)

    @staticmethod
    def command(port: int) -> list[str]:
        """What `python` is given for the API on one loopback port."""
        words = ["uvicorn", "pipeline.api.app:app", "--host", LOOPBACK, "--port", str(port)]
        return ["-m", *words, "--timeout-keep-alive", str(KEEP_ALIVE_SECONDS)]

    def is_ready(self) -> bool:
        """Whether `GET /health` answers 200."""
        return answers_health(self.port)

    def request(
        self, method: str, path: str, *, timeout: float = REQUEST_SECONDS, **options: Any
    ) -> httpx.Response:
        """Send a request: `options` are httpx's own (`json`, `files`, `headers`, `content`, …).

        Args:
            timeout: seconds for the whole answer, its body too.

        Raises:
            CheckFailed: no connection, no whole answer, or one that is too long.
            TookTooLong: none within `timeout`.
        """
        deadline = time.monotonic() + timeout
        try:
            with self._client.stream(method, path, timeout=timeout, **options) as response:
                body = bytearray()
                for part in response.iter_bytes():
                    body += part
                    if len(body) > bounds.MAX_ANSWER_BYTES:
                        self._fail(method, path, f"more than {bounds.MAX_ANSWER_BYTES} bytes")
                    if time.monotonic() > deadline:
                        raise httpx.ReadTimeout("the body did not end")
        except httpx.TimeoutException:
            card = self._card(method, path, f"no whole answer within {timeout:g} s")
            raise TookTooLong(card) from None
        except (httpx.TransportError, httpx.DecodingError, httpx.InvalidURL, UnicodeError) as error:
            self._fail(method, path, f"{type(error).__name__}: {error}")
        return _complete(response, bytes(body))

    def get(self, path: str, **options: Any) -> httpx.Response:
        """`GET path`; see `request`."""
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        """`POST path`; see `request`."""
        return self.request("POST", path, **options)

    def delete(self, path: str, **options: Any) -> httpx.Response:
        """`DELETE path`; see `request`."""
        return self.request("DELETE", path, **options)

    def json(self, response: httpx.Response) -> Any:
        """The JSON in a response.

        Raises:
            CheckFailed: there is none.
        """
        try:
            return response.json()
        except ValueError:
            request = response.request
            card = Card(
                sent=f"{request.method} {request.url.path}",
                expected="a body in JSON",
                got=f"status {response.status_code} and {show(response.text[:300])}",
                log=self.tail(),
            )
            raise CheckFailed(card.cleaned()) from None

    def _fail(self, method: str, path: str, got: str) -> NoReturn:
        raise CheckFailed(self._card(method, path, got))

    def _card(self, method: str, path: str, got: str) -> Card:
        return Card(
            sent=f"{method} {path}",
            expected="an answer",
            got=got if self.alive else f"{got}: the API has ended",
            cause="" if self.alive else "the last lines of its log say why",
            log=self.tail(),
        ).cleaned()


class _Response(httpx.Response):
    """A response whose text and JSON cannot break the grader."""

    @property
    def charset_encoding(self) -> str | None:
        """Nothing here is coded otherwise than in UTF-8, whatever the header says."""
        return None

    def json(self, **options: Any) -> Any:
        """As httpx has it. Raises ValueError also for what is nested too deep."""
        try:
            return super().json(**options)
        except RecursionError:
            raise ValueError("nested too deep") from None


def _complete(response: httpx.Response, body: bytes) -> httpx.Response:
    """The same response with its body, which is decoded already."""
    coded = (b"content-encoding", b"transfer-encoding")
    return _Response(
        response.status_code,
        headers=[one for one in response.headers.raw if one[0].lower() not in coded],
        content=body,
        request=response.request,
        extensions=response.extensions,
        default_encoding="utf-8",
    )
