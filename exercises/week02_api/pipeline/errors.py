"""The pipeline's own errors. Given to students complete.

Each error has a stable `kind` and a message that any client may read. A message never contains a path,
an address, a secret or a part of a traceback. The details that an engineer needs are in the log.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

INTERNAL_KIND = "internal_error"
INTERNAL_MESSAGE = "Something went wrong on our side. It has been logged."
RETRY_AFTER_SECONDS = 5
"""How many seconds a client should wait before it tries again, unless something better is known."""


class PipelineError(Exception):
    """The base class of all errors that the pipeline raises itself.

    Pass `message` as the only positional argument. Celery stores `args` in the result backend, and
    calls the class with them when it builds the error again.
    """

    http_status: ClassVar[int] = 500
    """The status code of the response when a route raises this error."""
    default_message: ClassVar[str] = INTERNAL_MESSAGE

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.default_message)

    @property
    def message(self) -> str:
        """Return the sentence for the client."""
        return str(self.args[0])

    @property
    def kind(self) -> str:
        """Return the stable name of this error, for example `blob_not_found` for `BlobNotFound`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()


class PermanentError(PipelineError):
    """An error that a retry does not change, because the input is at fault."""

    http_status = 422
    default_message = "This document cannot be processed."


class TransientError(PipelineError):
    """An error that may pass, because a service that the pipeline needs is unavailable."""

    http_status = 503
    default_message = "A service that we need is not available. Try again in a few seconds."
    retry_after_seconds: ClassVar[int] = RETRY_AFTER_SECONDS


class BlobNotFound(PermanentError):
    http_status = 404
    default_message = "The stored document no longer exists."


class BlobTooLarge(PermanentError):
    http_status = 413
    default_message = "The document is larger than the limit."


class InvalidBlobKey(PermanentError):
    default_message = "This is not a valid blob key."


class BlobStoreUnavailable(TransientError):
    default_message = "The document store is not available. Try again in a few seconds."


class BrokerUnavailable(TransientError):
    default_message = "The queue is not available. Your document was not accepted. Send it again."


class ResultsUnavailable(TransientError):
    default_message = "The status cannot be read now. Ask again in a few seconds."


class InvalidRequest(PermanentError):
    default_message = "The request is not valid."


class UploadTooLarge(PermanentError):
    http_status = 413
    default_message = "The file is larger than the limit."


class UnsupportedContent(PermanentError):
    http_status = 415
    default_message = "Send a PDF, a DOCX, Markdown or plain text in UTF-8."


class EmptyUpload(PermanentError):
    default_message = "The file is empty."


class MalformedUpload(PermanentError):
    default_message = "Send one file as multipart/form-data, in a field called 'file'."


class UploadTimeout(PermanentError):
    http_status = 408
    default_message = "The upload stopped before its end. Send it again."


class TaskNotFound(PermanentError):
    http_status = 404
    default_message = "There is no task with this id, or its result has expired."


def public_error(error: object) -> dict[str, str]:
    """Return what a client may know about a failure: `{"type": …, "message": …}`.

    A `PipelineError` shows its kind and its message. Anything else becomes `internal_error`, because
    the text of another exception may contain a path, an address or a key.

    Args:
        error: the exception of a task, or None if it could not be built again.
    """
    if isinstance(error, PipelineError):
        return {"type": error.kind, "message": error.message}
    return {"type": INTERNAL_KIND, "message": INTERNAL_MESSAGE}


def error_body(error: PipelineError) -> dict[str, Any]:
    """Return the JSON body of an error response: `{"detail": message, "type": kind}`."""
    return {"detail": error.message, "type": error.kind}
