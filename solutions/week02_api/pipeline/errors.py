"""The pipeline's own errors. Each has a stable `kind` and a message that a stranger may read.

Given to students complete. A message here never holds a path, an address, a secret or a piece of
a traceback: it travels to clients. What an engineer needs stands in the log.
"""

from __future__ import annotations

import re
from typing import Any, ClassVar

INTERNAL_KIND = "internal_error"
INTERNAL_MESSAGE = "Something went wrong on our side. It has been logged."
RETRY_AFTER_SECONDS = 5
"""How long a client waits before it asks again, where nothing better is known."""


class PipelineError(Exception):
    """Anything that the pipeline refuses or cannot do.

    Give `message` as the only positional argument: Celery stores `args` in the result backend and
    calls the class with them when it builds the error again.
    """

    http_status: ClassVar[int] = 500
    """What the API answers when this error leaves a route."""
    default_message: ClassVar[str] = INTERNAL_MESSAGE

    def __init__(self, message: str = "") -> None:
        super().__init__(message or self.default_message)

    @property
    def message(self) -> str:
        """One sentence for the client."""
        return str(self.args[0])

    @property
    def kind(self) -> str:
        """The stable name of this error: `BlobNotFound` is `blob_not_found`."""
        return re.sub(r"(?<!^)(?=[A-Z])", "_", type(self).__name__).lower()


class PermanentError(PipelineError):
    """Trying again changes nothing: the input is at fault."""

    http_status = 422
    default_message = "This document cannot be processed."


class TransientError(PipelineError):
    """Trying again later may work: something that we depend on is not there."""

    http_status = 503
    default_message = "A service that we need is not available. Try again in a few seconds."
    retry_after_seconds: ClassVar[int] = RETRY_AFTER_SECONDS


class BlobNotFound(PermanentError):
    http_status = 404
    default_message = "The stored document is gone."


class BlobTooLarge(PermanentError):
    http_status = 413
    default_message = "The document is larger than the limit."


class InvalidBlobKey(PermanentError):
    default_message = "That is no valid blob key."


class BlobStoreUnavailable(TransientError):
    default_message = "The document store is not available. Try again in a few seconds."


class BrokerUnavailable(TransientError):
    default_message = "The queue is not available. Your document was not accepted: send it again."


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
    default_message = "The upload stopped half way. Send it again."


class TaskNotFound(PermanentError):
    http_status = 404
    default_message = "There is no task with this id, or its result has expired."


def public_error(error: object) -> dict[str, str]:
    """What a client may know about a failure: `{"type": …, "message": …}`.

    An error of our own shows its kind and message. Anything else is `internal_error`: the text of
    a foreign exception can hold a path, an address or a key.
    """
    if isinstance(error, PipelineError):
        return {"type": error.kind, "message": error.message}
    return {"type": INTERNAL_KIND, "message": INTERNAL_MESSAGE}


def error_body(error: PipelineError) -> dict[str, Any]:
    """The JSON body of an error response: `{"detail": message, "type": kind}`."""
    return {"detail": error.message, "type": error.kind}
