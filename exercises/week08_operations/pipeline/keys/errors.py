"""Why a request is refused for its key. Given to students complete."""

from __future__ import annotations

from pipeline.errors import PermanentError, TransientError


class KeyRequired(PermanentError):
    http_status = 401
    default_message = "Send a valid API key: `Authorization: Bearer bk_…`."


class ScopeMissing(PermanentError):
    http_status = 403
    default_message = "This API key does not have the scope that this request needs."


class KeysUnavailable(TransientError):
    default_message = "API keys cannot be checked now. Try again in a few seconds."


class KeyNotFound(PermanentError):
    http_status = 404
    default_message = "There is no such key, or it is revoked already."
