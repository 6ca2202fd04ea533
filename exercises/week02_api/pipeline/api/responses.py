"""Error responses for the OpenAPI page. Given to students complete."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel

from pipeline.errors import PipelineError, TransientError, error_body


class ErrorBody(BaseModel):
    """What every error of the pipeline looks like."""

    detail: str
    """For people."""
    type: str
    """Stable, for programs."""


def error_responses(*errors: type[PipelineError]) -> dict[int | str, dict[str, Any]]:
    """The `responses` argument of a route that can raise these errors."""
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
