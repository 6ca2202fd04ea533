"""Sends one POST to a checked address, with limits on time and bytes. Given to students complete.

httpcore is the layer below httpx. It follows no redirects, reads no proxy variables and decompresses
nothing, and we can decide how it opens a connection.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable, Mapping
from contextlib import suppress
from functools import cache
from typing import Any

import httpcore
import httpx
from httpcore import SyncBackend

from pipeline.errors import PipelineError
from pipeline.models.settings import DAY
from pipeline.retry_after import parse_retry_after
from pipeline.webhooks.deliveries import Attempt
from pipeline.webhooks.safety import Target, checked
from pipeline.webhooks.settings import webhook_settings

USER_AGENT = "document-pipeline-webhooks/1"
ANSWER_BYTES = 1024
"""How many bytes of the response body are read."""
ANSWER_CHARS = 200
"""How many characters of it are recorded, so that the owner can find a mistake."""
BODY_SECONDS = 1.0
"""How long we wait for the body after the status has arrived. The result does not depend on the body."""
FAILURES = (httpcore.TimeoutException, httpcore.NetworkError, httpcore.ProtocolError)
RETRY_AFTER_STATUS = frozenset({429, 503})


class Deadline:
    """One time limit for everything that an attempt waits for.

    With a limit for each wait, a receiver that sends one byte every few seconds could keep a worker busy
    without end.
    """

    def __init__(self, seconds: float) -> None:
        self._end = time.monotonic() + seconds

    def at_most(self, seconds: float) -> None:
        """Move the deadline so that at most `seconds` are left."""
        self._end = min(self._end, time.monotonic() + seconds)

    def left(self) -> float:
        """Return the seconds that are left. Raises TimeoutError if the deadline has passed."""
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError
        return left


class TlsError(httpcore.ConnectError):
    """The TLS handshake failed, or the certificate is not valid for this name."""


class TimedStream(httpcore.NetworkStream):
    """A connection on which no wait lasts longer than the deadline."""

    def __init__(self, stream: httpcore.NetworkStream, deadline: Deadline) -> None:
        self._stream = stream
        self._deadline = deadline

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, self._deadline.left())

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, self._deadline.left())

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self,
        ssl_context: ssl.SSLContext,
        server_hostname: str | None = None,
        timeout: float | None = None,
    ) -> httpcore.NetworkStream:
        try:
            secure = self._stream.start_tls(ssl_context, server_hostname, self._deadline.left())
        except httpcore.ConnectError as error:
            raise TlsError from error
        return TimedStream(secure, self._deadline)

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)


class PinnedBackend(SyncBackend):
    """Connects to the checked addresses only, whatever the name resolves to now.

    httpcore calls `connect_tcp` with the host's name. It still uses the name for TLS and the header `Host`.
    """

    def __init__(self, target: Target, deadline: Deadline) -> None:
        self._target = target
        self._deadline = deadline

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        error: Exception = httpcore.ConnectError("no address")
        for address in self._target.addresses:
            try:
                stream = super().connect_tcp(address, port, self._deadline.left())
                return TimedStream(stream, self._deadline)
            except httpcore.ConnectError as refused:
                error = refused
        raise error


@cache
def certificates() -> ssl.SSLContext:
    """Return the TLS settings: a known authority must have signed a certificate for this name."""
    return httpx.create_ssl_context(trust_env=False)


def post(url: str, headers: Mapping[str, str], body: bytes) -> Attempt:
    """Check the URL, send one POST, and return the result as an attempt.

    This blocks, at most for `webhook_timeout_seconds` and the time to resolve the name.

    Args:
        url: where to send.
        headers: these are added to `user-agent` and `content-type: application/json`.
        body: the exact bytes to send.

    Returns:
        An attempt with `status` if a response arrived, else with `error`. Nothing that a receiver does
        raises an exception.
    """
    began, begun = time.time(), time.monotonic()
    outcome: dict[str, Any] = {}
    try:
        target = checked(url)
        outcome = _exchange(target, headers, body)
    except PipelineError as refused:
        outcome = {"error": refused.kind}
    except (TimeoutError, httpcore.TimeoutException):
        outcome = {"error": "timeout"}
    except TlsError:
        outcome = {"error": "tls"}
    except (httpcore.NetworkError, OSError):
        outcome = {"error": "connection"}
    except httpcore.ProtocolError:
        outcome = {"error": "no_http"}
    return Attempt(at=began, seconds=round(time.monotonic() - begun, 3), **outcome)


def _exchange(target: Target, headers: Mapping[str, str], body: bytes) -> dict[str, Any]:
    deadline = Deadline(webhook_settings().webhook_timeout_seconds)
    url = target.url
    where = httpcore.URL(scheme=url.scheme, host=url.bracketed, port=url.port, target=url.target)
    ours = {"user-agent": USER_AGENT, "content-type": "application/json"}
    sent = list({**ours, **headers}.items())
    with (
        httpcore.ConnectionPool(
            ssl_context=certificates(), network_backend=PinnedBackend(target, deadline)
        ) as pool,
        pool.stream(
            "POST", where, headers=sent, content=body, extensions={"sni_hostname": url.host}
        ) as response,
    ):
        deadline.at_most(BODY_SECONDS)
        return {
            "status": response.status,
            "answer": _beginning(response),
            "retry_after": _retry_after(response),
        }


def _beginning(response: httpcore.Response) -> str:
    """Return the first printable characters of the body. It may be endless, or never arrive."""
    body = bytearray()
    with suppress(TimeoutError, *FAILURES):
        for piece in response.iter_stream():
            body += piece
            if len(body) >= ANSWER_BYTES:
                break
    text = bytes(body[:ANSWER_BYTES]).decode(errors="replace")
    return "".join(char if char.isprintable() else " " for char in text[:ANSWER_CHARS])


def _retry_after(response: httpcore.Response) -> float | None:
    """Return the seconds that the receiver asks us to wait, at most a day, or None."""
    found = [value for name, value in response.headers if name.lower() == b"retry-after"]
    if not found or response.status not in RETRY_AFTER_STATUS:
        return None
    seconds = parse_retry_after(found[0].decode("latin-1").strip())
    return None if seconds is None else min(seconds, DAY)
