"""`/login` and `/logout`: a person signs in to the status page with a key. Given to students complete.

The page works without a script. The key stays in a cookie that no script can read.
"""

from __future__ import annotations

import html
from pathlib import Path
from urllib.parse import parse_qs

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse, HTMLResponse, RedirectResponse
from starlette.requests import ClientDisconnect
from starlette.responses import Response

from pipeline.api.auth import COOKIE, LOGIN_PATH, needed_scope, set_key_cookie, verified
from pipeline.api.dashboard import HEADERS
from pipeline.keys.errors import KeysUnavailable
from pipeline.keys.settings import key_settings

FOLDER = Path(__file__).resolve().parent.parent / "login"
PAGE = "login.html"
STYLE = "login.css"
PAGE_HEADERS = {**HEADERS, "Cache-Control": "no-store", "Referrer-Policy": "same-origin"}
"""With `no-referrer` a browser sends `Origin: null` with the form, and the origin check refuses it."""
MAX_FORM_BYTES = 4_096
"""The form needs no key, so a stranger may send it. What is longer is not read."""
NOT_VALID = "This key is not valid for the status page. Check that you have copied all of it."
TOO_LONG = "The form is too long."

router = APIRouter(include_in_schema=False)


def login_page(problem: str = "", status: int = 200) -> HTMLResponse:
    """Build the page, with a sentence about what went wrong."""
    text = (FOLDER / PAGE).read_text(encoding="utf-8")
    return HTMLResponse(text.replace("{problem}", html.escape(problem)), status, PAGE_HEADERS)


async def sent_key(request: Request) -> str | None:
    """Return the key in the form. None: the form is too long."""
    body = b""
    async for part in request.stream():
        body += part
        if len(body) > MAX_FORM_BYTES:
            return None
    fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=8)
    return fields.get("key", [""])[0].strip()


@router.get(LOGIN_PATH)
async def show_login() -> HTMLResponse:
    """Show the form."""
    return login_page()


@router.get(f"{LOGIN_PATH}/{STYLE}")
async def login_style() -> FileResponse:
    """The style sheet of the form."""
    return FileResponse(FOLDER / STYLE, headers=HEADERS, media_type="text/css; charset=utf-8")


@router.post(LOGIN_PATH)
async def log_in(request: Request) -> Response:
    """Verify the key of the form, and let the browser keep it in a cookie."""
    try:
        text = await sent_key(request)
    except (ValueError, ClientDisconnect):
        return login_page(NOT_VALID, 422)
    if text is None:
        return login_page(TOO_LONG, 413)
    try:
        key = await verified(text, request.state.keys)
    except KeysUnavailable as error:
        return login_page(error.message, error.http_status)
    if key is None or needed_scope("/") not in key.scopes:
        return login_page(NOT_VALID, 401)
    response = RedirectResponse("/", 303)
    set_key_cookie(response, text)
    return response


@router.post("/logout")
async def log_out() -> Response:
    """Delete the cookie. The key itself stays valid."""
    response = RedirectResponse(LOGIN_PATH, 303)
    response.delete_cookie(
        COOKIE,
        path="/",
        secure=key_settings().secure_cookie,
        httponly=True,
        samesite="strict",
    )
    return response
