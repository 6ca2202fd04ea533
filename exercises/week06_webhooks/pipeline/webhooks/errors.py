"""What can go wrong with webhooks. Given."""

from __future__ import annotations

from pipeline.errors import PermanentError, TransientError


class BadSignature(PermanentError):
    """A webhook is not what its sender signed, or not now. Nobody should act on it."""

    http_status = 401
    default_message = "The webhook is not signed with this secret, or its time is not now."


class UnsafeUrl(PermanentError):
    """We do not send requests there."""

    default_message = "Webhooks are not sent to this address."


class HostUnknown(PermanentError):
    """The name service says that nobody has this name, or that it leads nowhere."""

    default_message = "The host's name has no address."


class NameUnresolved(TransientError):
    """The name service gave no answer."""

    default_message = "The host's name cannot be looked up now. Try again in a few seconds."


class EndpointNotFound(PermanentError):
    http_status = 404
    default_message = "There is no webhook with this id."


class EndpointConflict(PermanentError):
    """A write came too late. Nothing was changed."""

    http_status = 409
    default_message = "The webhook was changed at the same time. Ask for it, then try again."


class TooManyEndpoints(PermanentError):
    http_status = 409
    default_message = "You have as many webhooks as are allowed. Delete one first."


class EndpointDisabled(PermanentError):
    http_status = 409
    default_message = "The webhook is disabled. Enable it first."


class DeliveryNotFound(PermanentError):
    http_status = 404
    default_message = "There is no delivery with this id, or it has expired."


class DeliveryUnderWay(PermanentError):
    http_status = 409
    default_message = "The delivery is being sent right now. Ask for its attempts in a minute."
