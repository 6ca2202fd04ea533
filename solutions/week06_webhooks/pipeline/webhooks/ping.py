"""Sends a test message, so that a customer can see whether a receiver is reachable."""

from __future__ import annotations

from pipeline.webhooks.deliveries import Attempt
from pipeline.webhooks.sending import post


def ping(url: str, text: str) -> Attempt:
    """Post a test message to a receiver, once and without a signature.

    Args:
        url: where to send it.
        text: the body of the request, which is sent in UTF-8.

    Returns:
        The attempt. It has a `status` if the receiver sent a response, else an `error`.
    """
    # BEGIN SOLUTION 6.0
    # ? a) Send the text, encoded in UTF-8, to `url` with one call of `post`. Pass an empty dict as headers.
    # ? b) Return the attempt that `post` returns.
    return post(url, {}, text.encode())
    # END SOLUTION
