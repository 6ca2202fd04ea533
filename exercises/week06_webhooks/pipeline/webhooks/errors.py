"""The errors of webhooks. Given to students complete."""

from __future__ import annotations

from pipeline.errors import PermanentError, TransientError


class BadSignature(PermanentError):
    """The signature of a webhook is wrong, or its timestamp is too old or too new. Do not act on it."""

    http_status = 401
    default_message = (
        "The webhook has no valid signature for this secret, or its timestamp is not current."
    )


class UnsafeUrl(PermanentError):
    """Webhooks are not sent to this URL."""

    default_message = "Webhooks are not sent to this address."


class HostUnknown(PermanentError):
    """The name server says that this name does not exist, or has no address."""

    default_message = "The host's name has no address."


class NameUnresolved(TransientError):
    """The name server did not answer. A later attempt may succeed."""

    default_message = "The host's name cannot be looked up now. Try again in a few seconds."


class EndpointNotFound(PermanentError):
    http_status = 404
    default_message = "There is no webhook with this id."


class EndpointConflict(PermanentError):
    """Another write changed the endpoint first. Nothing was written."""

    http_status = 409
    default_message = "The webhook was changed at the same time. Read it again, then retry."


class TooManyEndpoints(PermanentError):
    http_status = 409
    default_message = "You have the maximum number of webhooks. Delete one first."


class EndpointDisabled(PermanentError):
    http_status = 409
    default_message = "The webhook is disabled. Enable it first."


class DeliveryNotFound(PermanentError):
    http_status = 404
    default_message = "There is no delivery with this id, or it has expired."


class DeliveryUnderWay(PermanentError):
    http_status = 409
    default_message = "The delivery is being sent right now. Read its attempts in a minute."
