"""The Celery app of a shop that prints documents. The tasks are in other modules."""

import os

from celery import Celery


def configuration() -> dict[str, object]:
    """Build the settings. Celery calls this when it first needs one, in the API and in the worker."""
    server = os.environ["REDIS_URL"]
    return {
        "broker_url": f"{server}/0",
        "result_backend": f"{server}/1",
        "accept_content": ["json"],
        "result_expires": 3600,
    }


app = Celery("shop")
app.add_defaults(configuration)
