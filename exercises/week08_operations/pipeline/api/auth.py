"""Every request needs an API key: who sends it, what it may do, and what a stranger gets.

`Authenticate` is the outermost middleware, so nothing of a stranger's request is read before its key is
verified. A key is in the header `Authorization: Bearer`, or in the cookie that the login page sets.
"""

from __future__ import annotations

import hmac
from collections.abc import Awaitable, Callable

import anyio
from fastapi import APIRouter
from starlette.datastructures import Headers
from starlette.middleware import Middleware
from starlette.requests import cookie_parser
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from pipeline.api.same_origin import is_foreign
from pipeline.errors import error_body
from pipeline.keys.errors import KeyRequired, KeysUnavailable, ScopeMissing
from pipeline.keys.key import KeyRow, Permission, hash_of, now, split_key
from pipeline.keys.known import KnownKeys, knowing_keys
from pipeline.keys.settings import key_settings
from pipeline.owners import OWNER, PUBLIC

COOKIE = "pipeline_key"
LOGIN_PATH = "/login"
OPEN_PATHS = frozenset({"/health", LOGIN_PATH, "/login/login.css", "/logout"})
"""Everybody may ask for these. Every other path needs a key, also one that does not exist."""
ADMIN_PATHS = ("/admin", "/metrics")
"""These paths, and those below them, need the scope `admin`."""
POLICY_VIOLATION = 1008
"""The code that closes a WebSocket. The pipeline has none."""

router = APIRouter(lifespan=knowing_keys)


def presented_key(headers: Headers) -> str | None:
    """Return what a request presents as its key.

    A browser adds its cookies to every request for this address, also when another site's page is behind
    it. So a cookie does not count in a request that another site has caused.
    """
    scheme, _, credentials = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        return credentials.strip()
    if is_foreign(headers):
        return None
    return cookie_parser(headers.get("cookie", "")).get(COOKIE)


def needed_scope(path: str) -> Permission:
    """Return the scope that a path needs."""
    admin = any(path == one or path.startswith(f"{one}/") for one in ADMIN_PATHS)
    return Permission.ADMIN if admin else Permission.DOCUMENTS


def is_page_view(scope: Scope, headers: Headers) -> bool:
    """Whether a person opens a page in a browser, as opposed to a program that asks for data."""
    return scope["method"] == "GET" and "text/html" in headers.get("accept", "")


async def verified(text: str | None, keys: KnownKeys) -> KeyRow | None:
    """Find the key that a client presents, if it is valid now.

    Args:
        text: what the client presents: a key, any other text, or None for nothing.
        keys: finds the row of a key by its id.

    Returns:
        The row of the key. None: the key is not valid, whatever the reason.

    Raises:
        KeysUnavailable: the keys cannot be read now.
    """
    # TODO 8.5:
    #   a) Split the text (`split_key`), and read the row of its id (`await keys.find`). Return None
    #      if the text is not a key, or if there is no such row.
    #   b) Compare the hash of the secret (`hash_of`) with the stored one by `hmac.compare_digest`,
    #      which takes the same time wherever the two differ. Return None if they differ.
    #   c) Return None if the key is revoked, or if `expires_at` is reached (`now()`). Otherwise
    #      return the row.
    raise NotImplementedError("8.5")


def refusal(key: KeyRow | None, needed: str, page_view: bool) -> Response | None:
    """Decide whether a request is refused, and with which response.

    Args:
        key: the row of the valid key that the request presents. None: it presents none.
        needed: the scope that the request needs.
        page_view: whether a person opens a page in a browser.

    Returns:
        The response that refuses the request. None: the request may pass.
    """
    # TODO 8.5:
    #   d) Without a valid key: answer 401 with the body of `KeyRequired` (`error_body`) and the
    #      header `WWW-Authenticate: Bearer`. A person who opens a page gets a redirect to
    #      `LOGIN_PATH` instead, with status 303.
    #   e) With a key that lacks the needed scope: answer 403 with the body of `ScopeMissing`.
    #   f) Otherwise return None.
    raise NotImplementedError("8.5")


def set_key_cookie(response: Response, key: str) -> None:
    """Let a browser keep a key in a cookie, which it sends with each request to this server.

    Args:
        response: the response that gets the cookie.
        key: the text of a key that has been verified.
    """
    settings = key_settings()
    # TODO 8.5:
    #   g) Set the cookie `COOKIE` to the key, for the path `/` and for `settings.login_seconds`.
    #   h) Make it `HttpOnly`, so that no script can read it, and `SameSite=Strict`, so that no
    #      other site's page can use it.
    #   i) Make it `Secure` if `settings.secure_cookie` says so, and only then.
    raise NotImplementedError("8.5")


class Authenticate:
    """Refuses a request without a valid key, and answers every other one as the key's owner."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        OWNER.set(PUBLIC)  # a connection may hand its variables on to its next request
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
        elif scope["type"] != "http" or is_open(scope["path"]):
            await self._app(scope, receive, send)
        else:
            await self._closed(scope, receive, send)

    async def _closed(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a request for a path that needs a key."""
        headers = Headers(scope=scope)
        text, keys = presented_key(headers), scope["state"]["keys"]
        try:
            key = await verified(text, keys)
        except KeysUnavailable as error:
            wait = {"Retry-After": str(error.retry_after_seconds)}
            response = JSONResponse(error_body(error), error.http_status, wait)
            return await response(scope, receive, send)
        refused = refusal(key, needed_scope(scope["path"]), is_page_view(scope, headers))
        if refused is not None:
            return await refused(scope, receive, send)
        assert key is not None
        await self._as_owner(key, scope, while_valid(receive, text, keys), send)

    async def _as_owner(self, key: KeyRow, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the application answer a request in the name of the key's owner."""
        # TODO 8.5:
        #   j) Set the context variable `OWNER` to the key's owner, and then let the application
        #      answer (`self._app`). The routes read the variable, so each of them sees this owner's
        #      things alone.
        raise NotImplementedError("8.5")


def is_open(path: str) -> bool:
    """Whether a path needs no key."""
    return path in OPEN_PATHS or key_settings().api_keys == "off"


def while_valid(receive: Receive, text: str | None, keys: KnownKeys) -> Receive:
    """Wrap `receive`: when the key is no longer valid, it says that the client is gone.

    Only a response that takes long waits for this message: a stream. Starlette ends it then. While
    PostgreSQL is away nobody can revoke a key, so the stream stays open.
    """
    body_read = False

    async def invalid() -> None:
        while True:
            await anyio.sleep(key_settings().key_check_seconds)
            try:
                if await verified(text, keys) is None:
                    return
            except KeysUnavailable:
                continue

    async def received() -> Message:
        nonlocal body_read
        if body_read:
            return await first_of(receive, invalid)
        message = await receive()
        body_read = message["type"] == "http.request" and not message.get("more_body", False)
        return message

    return received


async def first_of(receive: Receive, end: Callable[[], Awaitable[None]]) -> Message:
    """The client's next message or, once `end` has returned, the message that the client is gone."""
    message: Message = {"type": "http.disconnect"}
    async with anyio.create_task_group() as group:

        async def ended() -> None:
            await end()
            group.cancel_scope.cancel()

        group.start_soon(ended)
        message = await receive()
        group.cancel_scope.cancel()
    return message


MIDDLEWARE = [Middleware(Authenticate)]
