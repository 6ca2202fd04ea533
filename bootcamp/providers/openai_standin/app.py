"""The HTTP side of the stand-in: keys, journal, faults, and the three endpoints."""

from __future__ import annotations

import asyncio
import json
import re
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Message, Receive, Scope, Send

from bootcamp.providers.accounts import Account, Accounts, Entry
from bootcamp.providers.acts import serve
from bootcamp.providers.control import control_routes, not_found
from bootcamp.providers.faults import CHAT_KINDS, Fault
from bootcamp.providers.openai_standin import chat, embeddings, models
from bootcamp.providers.openai_standin.errors import ServiceError, scripted
from bootcamp.providers.openai_standin.misbehaviour import scripted_completion
from bootcamp.providers.openai_standin.tokens import count_all

REQUESTS_A_MINUTE = 10_000
"""What `x-ratelimit-limit-requests` says. It is not enforced: rate limits are scripted."""
SMALL_BODY_BYTES = 64 * 1024
"""Tokens of a smaller body are counted in a few milliseconds."""
_KEY = re.compile(r"Bearer ([!-~]{1,256})")


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One `/v1` endpoint. An ASGI app, so that the journal knows when the answer was sent."""

    name: str
    accounts: Accounts
    texts_of: Callable[[dict[str, Any]], tuple[str, ...]]
    answer: Callable[[dict[str, Any], Fault | None], Response]
    details_of: Callable[[dict[str, Any]], dict[str, Any]] = lambda _: {}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Read, take note, obey the fault or answer, take note."""
        request = Request(scope, receive)
        key = _KEY.fullmatch(request.headers.get("authorization", ""))
        try:
            body = await _read(request)
        except ClientDisconnect:
            return
        if key is None:
            message = "No API key was sent, or it is malformed: use 'Authorization: Bearer KEY'."
            refusal = ServiceError(401, message).response()
            await refusal(scope, receive, send)
            return
        account = self.accounts.of_traffic(key[1])
        entry = await self._note(account, request, body)

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                _add_headers(message, account, entry)
            await send(message)

        async def answer(fault: Fault | None) -> Response:
            if fault and fault.kind not in CHAT_KINDS:
                return scripted(fault)
            return await self._answer(body, fault)

        await serve(account, entry, request, send_with_headers, answer)

    async def _note(self, account: Account, request: Request, body: bytes) -> Entry:
        parsed = _parse(body)
        record = parsed if isinstance(parsed, dict) else {}
        texts = self.texts_of(record)
        # A large request takes seconds to count, and other clients must not wait for it.
        small = len(body) < SMALL_BODY_BYTES
        tokens = count_all(texts) if small else await asyncio.to_thread(count_all, texts)
        retries = request.headers.get("x-stainless-retry-count", "0")
        model = record.get("model")
        return account.arrive(
            self.name,
            texts,
            len(body),
            inputs=texts,
            tokens=tokens,
            model=model if isinstance(model, str) else None,
            retry_count=int(retries) if retries.isdecimal() else 0,
            **self.details_of(record),
        )

    async def _answer(self, body: bytes, fault: Fault | None) -> Response:
        try:
            if len(body) > models.MAX_BODY_BYTES:
                raise ServiceError(413, f"The body has more than {models.MAX_BODY_BYTES} bytes.")
            parsed = _parse(body) if body else {}
            if not isinstance(parsed, dict):
                raise ServiceError(400, "The body is no JSON object.")
            return await asyncio.to_thread(self.answer, parsed, fault)
        except ServiceError as error:
            return error.response()


def create_app(token: str) -> Starlette:
    """The stand-in. `token` opens its control plane."""
    accounts = Accounts()

    def endpoint(name: str, module: Any, answer: Callable[..., Response], **more: Any) -> Endpoint:
        texts_of = module.texts_of if module else lambda _: ()
        return Endpoint(name, accounts, texts_of, answer, **more)

    talk = endpoint("chat", chat, _chat, details_of=chat.details_of)

    app = Starlette(
        routes=[
            Route("/health", _health, methods=["GET"]),
            Route("/v1/embeddings", endpoint("embeddings", embeddings, _embed), methods=["POST"]),
            Route("/v1/chat/completions", talk, methods=["POST"]),
            Route("/v1/models", endpoint("models", None, _models), methods=["GET"]),
            *control_routes(token, accounts),
        ],
        exception_handlers={404: _no_such_address, 405: _no_such_address},
    )
    app.router.redirect_slashes = False
    return app


async def _health(_: Request) -> Response:
    return JSONResponse({"status": "ok"})


async def _no_such_address(_: Request, __: Exception) -> Response:
    return not_found()


def _embed(body: dict[str, Any], _: Fault | None) -> Response:
    return JSONResponse(embeddings.answer(embeddings.read_request(body)))


def _chat(body: dict[str, Any], fault: Fault | None) -> Response:
    request = chat.read_request(body)
    whole = scripted_completion(request, fault) if fault else chat.answer(request)
    if request.stream:
        events = chat.events(whole, request.with_usage)
        return StreamingResponse(events, media_type="text/event-stream")
    return JSONResponse(whole)


def _models(_: dict[str, Any], __: Fault | None) -> Response:
    names = [*models.EMBEDDING_DIMENSIONS, *models.CHAT_MODELS]
    record = {"object": "model", "created": models.CREATED, "owned_by": "bootcamp"}
    return JSONResponse({"object": "list", "data": [{"id": name, **record} for name in names]})


async def _read(request: Request) -> bytes:
    """The body, up to one byte more than is allowed."""
    body = bytearray()
    async for piece in request.stream():
        if len(body) <= models.MAX_BODY_BYTES:
            body += piece
    return bytes(body[: models.MAX_BODY_BYTES + 1])


def _parse(body: bytes) -> Any:
    """The JSON of a body, None where it is none. Half characters (lone surrogates) are no text."""
    try:
        parsed = json.loads(body)
        json.dumps(parsed, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        return None
    return parsed


def _add_headers(start: Message, account: Account, entry: Entry) -> None:
    left = max(0, REQUESTS_A_MINUTE - account.recent(60))
    headers = MutableHeaders(scope=start)
    for name, value in {
        "x-request-id": f"req_{uuid.uuid4().hex}",
        "openai-processing-ms": str(int((time.monotonic() - entry["started"]) * 1000)),
        "openai-version": "2020-10-01",
        "x-ratelimit-limit-requests": str(REQUESTS_A_MINUTE),
        "x-ratelimit-remaining-requests": str(left),
        "x-ratelimit-reset-requests": "60s",
    }.items():
        headers.setdefault(name, value)
