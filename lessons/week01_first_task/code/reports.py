"""A Celery app of one file: its settings and its task."""

import os
import time

from celery import Celery, Task
from celery.utils.log import get_task_logger

logger = get_task_logger(__name__)


def configuration() -> dict[str, object]:
    """Celery asks for this when it first needs a setting, in the producer and in the worker."""
    server = os.environ["REDIS_URL"]
    return {"broker_url": f"{server}/0", "result_backend": f"{server}/1"}


app = Celery("reports")
app.add_defaults(configuration)


@app.task(bind=True, name="reports.write")
def write(self: Task, name: str) -> str:
    """Write a report. Slow on purpose."""
    logger.info("writing to %s, as task %s", name, self.request.id)
    time.sleep(0.5)
    return f"Dear {name}, …"
