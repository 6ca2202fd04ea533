"""The first green: a task of one line that a worker process runs."""

from __future__ import annotations

from pipeline.tasks.celery_config import app


@app.task(name="pipeline.hello")
def hello(name: str) -> str:
    """Greet somebody. Celery runs this function on a worker and stores what it returns.

    Args:
        name: who is greeted, for example "Ada".

    Returns:
        The greeting: for "Ada", the text `Hello, Ada!`.
    """
    # BEGIN SOLUTION 1.0
    # ? a) Return the greeting for `name`. For "Ada" it is the text `Hello, Ada!`.
    return f"Hello, {name}!"
    # END SOLUTION
