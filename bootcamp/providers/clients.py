"""What graders, tests and the demo use to script a stand-in and to read what it saw."""

from __future__ import annotations

import base64
import time
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from bootcamp.errors import StackError
from bootcamp.providers.faults import Fault

if TYPE_CHECKING:
    import httpx

POLL_SECONDS = 0.02
CONTROL_TIMEOUT_SECONDS = 30.0


class JournalForgot(StackError):
    """An account was sent more than its journal holds: it cannot tell what arrived."""


@dataclass(frozen=True, slots=True)
class JournalEntry:
    """One request that the OpenAI stand-in was sent.

    `endpoint` is "embeddings", "chat" or "models"; `inputs` are the texts to embed, or the text of
    each chat message. Times are seconds of `time.monotonic()` on this machine. `ended` is None
    while the request is under way; `status` is None then, and when no whole answer was sent.
    `in_flight` counts the other requests of the account that were under way when this one arrived.
    `retry_count` is what the `openai` client says about its own retries (0: its first attempt).
    `fault` is the kind of the fault that the request met. Of a chat, `roles` says who says each
    message, and `response_format` and `max_tokens` are what the request has under these names
    (`max_completion_tokens` too).
    """

    sequence: int
    endpoint: str
    started: float
    ended: float | None
    status: int | None
    in_flight: int
    fault: str | None
    inputs: tuple[str, ...]
    tokens: int
    model: str | None
    retry_count: int
    roles: tuple[str, ...] = ()
    response_format: Any = None
    max_tokens: Any = None


@dataclass(frozen=True, slots=True)
class Delivery:
    """One request that the webhook sink was sent, byte for byte.

    `name` is the last part of the address. `headers` keep their order and case. `started`, `ended`,
    `status`, `in_flight` and `fault` are as in `JournalEntry`; `received_at` is seconds since 1970.
    """

    sequence: int
    name: str
    started: float
    ended: float | None
    status: int | None
    in_flight: int
    fault: str | None
    method: str
    path: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    received_at: float

    def header(self, name: str) -> str | None:
        """The first header of this name, in any case."""
        found = (value for key, value in self.headers if key.lower() == name.lower())
        return next(found, None)


class Control:
    """The control plane of one account."""

    def __init__(self, url: str, token: str, account: str) -> None:
        self.base_url = url.rstrip("/").removesuffix("/v1")
        self._token = token
        self._account = f"/control/accounts/{quote(account, safe='')}"

    def script(self, *faults: Fault) -> None:
        """Put faults behind those that still wait. The first that fits a request is used."""
        self._call("POST", "/faults", json={"faults": [fault.to_json() for fault in faults]})

    def clear(self) -> None:
        """Delete the journal and all waiting faults."""
        self._call("DELETE", "")

    def close(self) -> None:
        """Close the connection. Using the client again opens another."""
        self._http.close()
        del self._http

    @cached_property
    def _http(self) -> httpx.Client:
        import httpx  # here, so that the stand-ins, which share this package, start without it

        return httpx.Client(
            base_url=self.base_url,
            headers={"authorization": f"Bearer {self._token}"},
            timeout=CONTROL_TIMEOUT_SECONDS,
            trust_env=False,
        )

    def _call(self, method: str, path: str, **options: Any) -> httpx.Response:
        import httpx

        try:
            response = self._http.request(method, self._account + path, **options)
        except httpx.HTTPError as error:
            message = f"The stand-in at {self.base_url} does not answer: {error!r}."
            raise StackError(message, "Start the stack again: bootcamp up") from error
        if not response.is_success:
            raise StackError(
                f"The stand-in at {self.base_url} refused {method} {self._account}{path} "
                f"({response.status_code}): {response.text[:300]}",
                "A 404 means that the control token belongs to another stack.",
            )
        return response

    def _entries(self, after: int = 0) -> list[dict[str, Any]]:
        answer = self._call("GET", "/journal", params={"after": after}).json()
        if answer["forgotten"]:
            raise JournalForgot(
                f"The journal dropped {answer['forgotten']} of {answer['arrived']} requests.",
                "Call clear() before each part, or send fewer and smaller requests.",
            )
        entries: list[dict[str, Any]] = answer["entries"]
        return entries

    def _poll(self, count: int, timeout: float, name: str | None = None) -> list[dict[str, Any]]:
        """Entries, as soon as `count` of them have ended, or whatever there is at the deadline."""
        deadline = time.monotonic() + timeout
        done: list[dict[str, Any]] = []
        while True:
            fresh = self._entries(after=done[-1]["sequence"] if done else 0)
            under_way = next((i for i, e in enumerate(fresh) if e["ended"] is None), len(fresh))
            done += fresh[:under_way]  # what has ended does not change: it is not asked for again
            found = done + fresh[under_way:]
            wanted = [e for e in found if name in (None, e["endpoint"])]
            ended = sum(e["ended"] is not None for e in wanted)
            if ended >= count or time.monotonic() >= deadline:
                return wanted
            time.sleep(POLL_SECONDS)


class OpenAIControl(Control):
    """Script the OpenAI stand-in for one key, and read what was sent with that key.

    Args:
        url: the stand-in's address, with or without `/v1`.
        token: the stack's control token.
        key: the OpenAI key whose account this is.
    """

    def __init__(self, url: str, token: str, key: str) -> None:
        super().__init__(url, token, key)
        self.key = key

    def journal(self, endpoint: str | None = None) -> list[JournalEntry]:
        """Every request of this key since the last `clear()`, in the order of arrival.

        Raises:
            StackError: the stand-in does not answer, or its bounded memory overflowed.
        """
        return [_entry(e) for e in self._entries() if endpoint in (None, e["endpoint"])]

    def wait_for(
        self, count: int, timeout: float, endpoint: str | None = None
    ) -> list[JournalEntry]:
        """The journal, once `count` requests have ended. At the deadline, whatever there is."""
        return [_entry(e) for e in self._poll(count, timeout, endpoint)]


class WebhookSink(Control):
    """Script the webhook sink for one run, and read what was delivered.

    Args:
        url: the sink's address.
        token: the stack's control token.
        run: a name that nobody else uses; it keeps runs apart.
    """

    def __init__(self, url: str, token: str, run: str) -> None:
        if "/" in run:
            raise ValueError(f"A run's name has no slash: {run!r}")
        super().__init__(url, token, run)
        self.run = run

    def url(self, name: str) -> str:
        """The address to deliver to. Faults name it by `on=name`."""
        return f"{self.base_url}/hooks/{quote(self.run, safe='')}/{quote(name, safe='')}"

    def deliveries(self, name: str | None = None) -> list[Delivery]:
        """Every request to this run (or to one name of it), in the order of arrival.

        Raises:
            StackError: the sink does not answer, or its bounded memory overflowed.
        """
        return [_delivery(e) for e in self._entries() if name in (None, e["endpoint"])]

    def wait_for(self, count: int, timeout: float, name: str | None = None) -> list[Delivery]:
        """The deliveries, once `count` have ended. At the deadline, whatever there is."""
        return [_delivery(e) for e in self._poll(count, timeout, name)]


def _entry(record: dict[str, Any]) -> JournalEntry:
    lists = {name: tuple(record.get(name, ())) for name in ("inputs", "roles")}
    return JournalEntry(**{**record, **lists})


def _delivery(record: dict[str, Any]) -> Delivery:
    values = {key: value for key, value in record.items() if key != "endpoint"}
    values["name"] = record["endpoint"]
    values["headers"] = tuple((name, value) for name, value in record["headers"])
    values["body"] = base64.b64decode(record["body"])
    return Delivery(**values)
