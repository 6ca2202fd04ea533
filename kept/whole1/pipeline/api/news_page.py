"""`GET /desk`: the page of the news, and the files that it loads. Given to students complete.

The headers are those of the status page. They forbid scripts and styles inside the page, and let it load
from this server and nowhere else.
"""

from __future__ import annotations

from pathlib import Path

from fastapi import APIRouter
from fastapi.responses import FileResponse
from starlette.exceptions import HTTPException

from pipeline.api.dashboard import HEADERS, TYPES

FOLDER = Path(__file__).resolve().parent.parent / "desk"
PAGE = "desk.html"

router = APIRouter(include_in_schema=False)


def served(name: str) -> FileResponse:
    """One of the page's files. A name is looked up, and never becomes a path.

    Raises:
        HTTPException: there is no such file.
    """
    for path in FOLDER.iterdir():
        if path.name == name and path.suffix in TYPES and path.is_file():
            return FileResponse(path, headers=HEADERS, media_type=TYPES[path.suffix])
    raise HTTPException(404)


@router.get("/desk")
async def page() -> FileResponse:
    """The page of the news."""
    return served(PAGE)


@router.get("/desk/{name}")
async def file(name: str) -> FileResponse:
    """A script or a style sheet of the page."""
    return served(name)
