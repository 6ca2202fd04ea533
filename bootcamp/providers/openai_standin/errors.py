"""The service's errors: one exception that knows its own JSON.

Shape: `{"error": {"message", "type", "param", "code"}}`.
Source: the service's guide to error codes.
"""

from __future__ import annotations

from starlette.responses import JSONResponse, Response

from bootcamp.providers.faults import Fault

_BY_STATUS = {
    400: ("invalid_request_error", None, "The request is not valid."),
    401: ("invalid_request_error", "invalid_api_key", "The API key is not correct."),
    403: ("invalid_request_error", "access_denied", "This key may not do that."),
    404: ("invalid_request_error", "model_not_found", "The model does not exist."),
    409: ("invalid_request_error", "conflict", "Another request changed the same thing."),
    413: ("invalid_request_error", "request_too_large", "The request is too large."),
    429: ("requests", "rate_limit_exceeded", "Too many requests: slow down and try again."),
    500: ("server_error", None, "The server had an error while it worked on the request."),
    503: ("server_error", "service_unavailable", "The service is overloaded: try again later."),
}
_OTHER = ("server_error", None, "The service did not answer as it should.")
_QUOTA = ("insufficient_quota", "The account has used up its quota: look at its plan and billing.")


class ServiceError(Exception):
    """An error answer of the service."""

    def __init__(
        self,
        status: int,
        message: str = "",
        *,
        param: str | None = None,
        code: str | None = None,
    ) -> None:
        kind, usual_code, usual_message = _BY_STATUS.get(status, _OTHER)
        if code == _QUOTA[0]:
            kind, usual_message = _QUOTA
        super().__init__(message or usual_message)
        self.status = status
        self.body = {
            "error": {
                "message": message or usual_message,
                "type": kind,
                "param": param,
                "code": code or usual_code,
            }
        }

    def response(self) -> Response:
        """The answer as it goes over the wire."""
        return JSONResponse(self.body, self.status)


def scripted(fault: Fault) -> Response:
    """The answer of a fault of kind "status", in the service's shape unless it brings a body."""
    if fault.body is not None:
        return Response(fault.body, fault.answer, dict(fault.headers), "application/json")
    error = ServiceError(fault.answer, code=fault.code)
    return JSONResponse(error.body, fault.answer, dict(fault.headers))
