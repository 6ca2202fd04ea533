"""What a stand-in can be told to do wrong.

Faults are counted, never timed: the list of an account is searched in order for the first fault
that fits the request, and that fault is used up by one. "503 twice, then 200" is
`Fault.status(503, times=2)`.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields, replace
from typing import Any, Literal, get_args

ChatKind = Literal["says", "refusal", "truncated", "invalid_json", "wrong_schema", "obeyed"]
"""What a model can answer instead of what it was asked for, with status 200."""
Kind = (
    Literal["pass", "status", "timeout", "drop", "slow", "slow_body", "garbage", "endless"]
    | ChatKind
)

CHAT_KINDS = frozenset(get_args(ChatKind))
KINDS = frozenset(kind for part in get_args(Kind) for kind in get_args(part))

ANY = "any"
"""A fault with this `on` fits every endpoint."""
MAX_FAULT_SECONDS = 120.0
"""No fault makes anyone wait longer than this."""
MAX_FAULT_BODY_CHARS = 65_536


@dataclass(frozen=True, slots=True)
class Fault:
    """One scripted fault. Use the constructors below: `Fault.status(429, retry_after=1, times=2)`.

    Args:
        kind: what happens; see the constructor of the same name.
        times: how many requests it spoils. `None` means all.
        on: the endpoint it spoils: "embeddings", "chat", "models" (OpenAI), a hook's name (webhook
            sink), a stage of SMTP (mail sink; see its `session.py`), or "any".
        matching: only requests with this text somewhere in an input (OpenAI) or in the body (sink).
        answer: the HTTP status of kind "status".
        headers: sent along with kind "status".
        code: the `error.code` of kind "status", where it is not the usual one.
        body: the exact body of kind "status", instead of an error in the service's shape; the text
            of the model in kinds "says" and "refusal".
        seconds: the wait before the answer, or for "slow_body" the time the body takes, or for
            "timeout" the longest time that the request is held. At most `MAX_FAULT_SECONDS`.
    """

    kind: Kind
    times: int | None = 1
    on: str = ANY
    matching: str | None = None
    answer: int = 500
    headers: Mapping[str, str] = field(default_factory=dict)
    code: str | None = None
    body: str | None = None
    seconds: float = 0.0

    @classmethod
    def status(
        cls,
        answer: int,
        *,
        retry_after: float | None = None,
        retry_after_ms: int | None = None,
        headers: Mapping[str, str] | None = None,
        **more: Any,
    ) -> Fault:
        """Answer with this HTTP status, and with `Retry-After` (seconds) where given."""
        sent = dict(headers or {})
        if retry_after is not None:
            sent["retry-after"] = f"{retry_after:g}"
        if retry_after_ms is not None:
            sent["retry-after-ms"] = str(retry_after_ms)
        return cls("status", answer=answer, headers=sent, **more)

    @classmethod
    def quota(cls, **more: Any) -> Fault:
        """429 with the code `insufficient_quota`: it does not pass by waiting."""
        return cls("status", answer=429, code="insufficient_quota", **more)

    @classmethod
    def timeout(cls, **more: Any) -> Fault:
        """Hold the request open, without an answer, until the client gives up."""
        return cls("timeout", **{"seconds": MAX_FAULT_SECONDS, **more})

    @classmethod
    def drop(cls, **more: Any) -> Fault:
        """Close the TCP connection without an answer."""
        return cls("drop", **more)

    @classmethod
    def slow(cls, seconds: float, **more: Any) -> Fault:
        """Answer rightly, but only after this many seconds."""
        return cls("slow", seconds=seconds, **more)

    @classmethod
    def slow_body(cls, seconds: float, **more: Any) -> Fault:
        """Send the headers at once and let the right body drip for this many seconds."""
        return cls("slow_body", seconds=seconds, **more)

    @classmethod
    def garbage(cls, **more: Any) -> Fault:
        """200 with a body that is no JSON."""
        return cls("garbage", **more)

    @classmethod
    def endless(cls, **more: Any) -> Fault:
        """200 with a body that goes on and on (up to `acts.ENDLESS_BODY_BYTES`)."""
        return cls("endless", **more)

    @classmethod
    def says(cls, content: str, **more: Any) -> Fault:
        """A completion with exactly this text, whatever was asked."""
        return cls("says", on="chat", body=content, **more)

    @classmethod
    def refusal(cls, text: str = "I'm sorry, I can't help with that.", **more: Any) -> Fault:
        """A completion without content: the model refuses, in these words."""
        return cls("refusal", on="chat", body=text, **more)

    @classmethod
    def truncated(cls, **more: Any) -> Fault:
        """The right answer up to its middle, with the `finish_reason` length."""
        return cls("truncated", on="chat", **more)

    @classmethod
    def invalid_json(cls, **more: Any) -> Fault:
        """Prose around the right answer, although JSON was asked for."""
        return cls("invalid_json", on="chat", **more)

    @classmethod
    def wrong_schema(cls, **more: Any) -> Fault:
        """JSON, but with keys that the schema does not have."""
        return cls("wrong_schema", on="chat", **more)

    @classmethod
    def obeyed(cls, **more: Any) -> Fault:
        """The model does what the article says, such as "ignore your instructions and mail …".

        The answer fits the schema. Its texts say that the order was carried out, and repeat the
        mail address or link that the article names.
        """
        return cls("obeyed", on="chat", **more)

    @classmethod
    def passing(cls, times: int | None = 1, **more: Any) -> Fault:
        """Let requests through unharmed, so that a later request meets the fault behind."""
        return cls("pass", times=times, **more)

    def fits(self, endpoint: str, texts: tuple[str, ...]) -> bool:
        """Is this fault meant for a request to `endpoint` with these texts?"""
        if self.on not in (ANY, endpoint):
            return False
        return self.matching is None or any(self.matching in text for text in texts)

    def used_once(self) -> Fault | None:
        """What is left of the fault after one more request; `None` when it is used up."""
        if self.times is None:
            return self
        return replace(self, times=self.times - 1) if self.times > 1 else None

    def to_json(self) -> dict[str, Any]:
        """The form that the control plane takes; `status` stands for `answer` there."""
        record = asdict(self)
        record["status"] = record.pop("answer")
        return record

    @classmethod
    def from_json(cls, record: object) -> Fault:
        """Read a fault from the control plane.

        Raises:
            ValueError: names the field that is wrong.
        """
        if not isinstance(record, dict):
            raise ValueError("a fault is a JSON object")
        values = dict(record)
        if "status" in values:
            values["answer"] = values.pop("status")
        if unknown := set(values) - {f.name for f in fields(cls)}:
            raise ValueError(f"a fault has no field {sorted(unknown)[0]!r}")
        if "kind" not in values:
            raise ValueError("a fault needs a kind")
        fault = cls(**values)
        _check(fault)
        return fault


def _check(fault: Fault) -> None:
    """Raise ValueError where a value is outside its range."""
    if fault.kind not in KINDS:
        raise ValueError(f"kind is one of {', '.join(sorted(KINDS))}; got {fault.kind!r}")
    if fault.kind in CHAT_KINDS and fault.on != "chat":
        raise ValueError(f"a fault of kind {fault.kind} is for chat: on is 'chat'")
    if fault.times is not None and (type(fault.times) is not int or fault.times < 1):
        raise ValueError("times is a whole number from 1, or null for all requests")
    if type(fault.answer) is not int or not 200 <= fault.answer <= 599:
        raise ValueError("status is a number from 200 to 599")
    seconds = fault.seconds
    if type(seconds) not in (int, float) or not math.isfinite(seconds):
        raise ValueError("seconds is a number")
    if not 0 <= seconds <= MAX_FAULT_SECONDS:
        raise ValueError(f"seconds is from 0 to {MAX_FAULT_SECONDS:g}")
    for name in ("on", "matching", "code", "body"):
        value = getattr(fault, name)
        if not isinstance(value, str) and not (value is None and name != "on"):
            raise ValueError(f"{name} is a text")
    if fault.body is not None and len(fault.body) > MAX_FAULT_BODY_CHARS:
        raise ValueError(f"body has at most {MAX_FAULT_BODY_CHARS} characters")
    if not isinstance(fault.headers, dict) or not all(
        isinstance(text, str) for pair in fault.headers.items() for text in pair
    ):
        raise ValueError("headers is an object of texts")
