"""`GET /`: the status page, and the files that it loads. Given to students complete.

The page is a few static files. `Content-Security-Policy` allows it to load from this server and nowhere
else, and forbids scripts and styles inside the page. So a file name that is markup after all can do little:
its script does not run.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException

FOLDER = Path(__file__).resolve().parent.parent / "dashboard"
PAGE = "index.html"
TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
"""The kinds of files that are served. Nothing else in the folder is."""
POLICY = (
    "default-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'; "
    "object-src 'none'"
)
HEADERS = {
    "Content-Security-Policy": POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-cache",
}
"""`no-cache`: the browser asks each time whether its copy is still good, so a change is seen at once."""

router = APIRouter(include_in_schema=False)


def files() -> dict[str, Path]:
    """The files that may be served, by name. A name is looked up, and never becomes a path."""
    return {path.name: path for path in FOLDER.iterdir() if path.suffix in TYPES and path.is_file()}


def served(name: str) -> FileResponse:
    """One of the files.

    Raises:
        HTTPException: there is no such file.
    """
    path = files().get(name)
    if path is None:
        raise HTTPException(404)
    return FileResponse(path, headers=HEADERS, media_type=TYPES[path.suffix])


@router.get("/")
async def page() -> FileResponse:
    """The status page."""
    return served(PAGE)


@router.get("/dashboard/{name}")
async def file(name: str) -> FileResponse:
    """A script, a style sheet or a picture of the page."""
    return served(name)
