"""The errors of the news desk. Given to students complete."""

from __future__ import annotations

from pipeline.errors import PermanentError, TransientError


class FeedUnavailable(TransientError):
    """The feed's server did not answer in time, or it answered with an error that may pass."""

    default_message = "The feed cannot be fetched now."


class FeedRefused(PermanentError):
    """The feed's server does not give us the feed, or we do not send a request to its address."""

    default_message = "The feed cannot be fetched from this address."


class FeedTooLarge(PermanentError):
    """The document is larger than the limit, as it arrives or after it is decompressed."""

    default_message = "The feed is larger than the limit."


class FeedMalformed(PermanentError):
    """The document is no feed, or it contains what we do not process."""

    default_message = "The document is not a feed that we can read."


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
