"""Describes the error responses on the OpenAPI page. Given to students complete."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from pipeline.errors import PipelineError, TransientError, error_body


class ErrorBody(BaseModel):
    """The body of every error response."""

    detail: str
    """The message for people."""
    type: str
    """The stable name for programs."""


def error_responses(*errors: type[PipelineError]) -> dict[int | str, dict[str, Any]]:
    """Build the `responses` argument of a route that can raise these errors."""
    documented: dict[int | str, dict[str, Any]] = {}
    for error in errors:
        answer = documented.setdefault(
            error.http_status,
            {
                "model": ErrorBody,
                "description": error.default_message,
                "content": {"application/json": {"examples": {}}},
            },
        )
        examples = answer["content"]["application/json"]["examples"]
        examples[error().kind] = {"value": error_body(error())}
        if issubclass(error, TransientError):
            answer["headers"] = {
                "Retry-After": {"description": "Seconds to wait.", "schema": {"type": "integer"}}
            }
    return documented
