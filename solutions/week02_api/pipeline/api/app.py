"""The API application and its error responses. Given to students complete.

Start it with `uvicorn pipeline.api.app:app`.
"""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from http import HTTPStatus

from celery.result import denied_join_result
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from pipeline.api.responses import error_responses
from pipeline.api.routes import middleware, routers
from pipeline.errors import (
    INTERNAL_KIND,
    INTERNAL_MESSAGE,
    InvalidRequest,
    PipelineError,
    TransientError,
    error_body,
)
from pipeline.queueing import document_task, set_short_waits

logger = logging.getLogger(__name__)

UNREADABLE_BODY = "There was an error parsing the body"
"""FastAPI's message, with status 400, for a body that is not JSON. This API answers 422 instead."""


@asynccontextmanager
async def _lifespan(api: FastAPI) -> AsyncIterator[None]:
    set_short_waits()
    document_task()  # a task module that cannot be imported stops the API here, with its traceback
    # This process never waits for a result. With this setting Celery does not subscribe to a channel
    # of the result backend at every publish, so there is one call less that can hang.
    with denied_join_result():
        yield


async def _refuse(request: Request, error: Exception) -> JSONResponse:
    """Answer a `PipelineError` with its status and its message for the client."""
    assert isinstance(error, PipelineError)
    headers = {}
    if isinstance(error, TransientError):
        headers["Retry-After"] = str(error.retry_after_seconds)
        logger.warning("%s %s: %s", request.method, request.url.path, error.kind, exc_info=error)
    return JSONResponse(error_body(error), error.http_status, headers)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    """Answer a request with invalid parameters. The body names the first parameter that is wrong."""
    assert isinstance(error, RequestValidationError)
    first = error.errors()[0]
    place = ".".join(str(part) for part in first["loc"][1:]) or str(first["loc"][0])
    return JSONResponse(error_body(InvalidRequest(f"{place}: {first['msg']}")), 422)


async def _http(request: Request, error: Exception) -> JSONResponse:
    """Answer what the framework itself rejects, such as an unknown path, in the API's own form."""
    assert isinstance(error, HTTPException)
    if error.detail == UNREADABLE_BODY:
        return JSONResponse(error_body(InvalidRequest(f"body: {error.detail}")), 422)
    kind = HTTPStatus(error.status_code).name.lower()
    body = {"detail": str(error.detail), "type": kind}
    return JSONResponse(body, error.status_code, error.headers)


async def _fail(request: Request, error: Exception) -> JSONResponse:
    """Answer any other exception. The traceback goes to the log, never to the client."""
    return JSONResponse({"detail": INTERNAL_MESSAGE, "type": INTERNAL_KIND}, 500)


def create_app() -> FastAPI:
    """Build the application from the `router` of every module in `pipeline.api`, of all weeks."""
    api = FastAPI(
        title="Document pipeline",
        lifespan=_lifespan,
        middleware=middleware(),
        responses=error_responses(InvalidRequest),
    )
    api.add_exception_handler(PipelineError, _refuse)
    api.add_exception_handler(RequestValidationError, _invalid)
    api.add_exception_handler(HTTPException, _http)
    api.add_exception_handler(Exception, _fail)
    for router in routers():
        api.include_router(router)

    @api.get("/health", tags=["health"])
    async def health() -> dict[str, str]:
        """Answer that this process is running. It does not ask Redis."""
        return {"status": "ok"}

    return api


app = create_app()
