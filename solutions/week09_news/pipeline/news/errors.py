"""The errors of the news desk. Given to students complete."""

from __future__ import annotations

from pipeline.errors import PermanentError, TransientError


class NewsUnavailable(TransientError):
    """PostgreSQL cannot be reached, or it takes too long, while a client reads the news."""

    default_message = "The news cannot be read now. Try again in a few seconds."


class InvalidAddress(PermanentError):
    default_message = "This is not a mail address."


class SubscribersFull(PermanentError):
    http_status = 409
    default_message = "The digest has as many subscribers as it can have."


class SubscriptionNotFound(PermanentError):
    http_status = 404
    default_message = "This link is not valid."


class SubscriptionsUnavailable(TransientError):
    default_message = "Subscriptions cannot be changed now. Try again in a few seconds."
