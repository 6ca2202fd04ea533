"""A task whose worker dies half way, and four policies for what then happens to its message."""

import os
import signal
import time

from celery import Celery
from celery.result import AsyncResult
from redis import Redis

POLICIES: dict[str, dict[str, object]] = {
    "defaults": {},
    "late": {"task_acks_late": True},
    "late + reject": {"task_acks_late": True, "task_reject_on_worker_lost": True},
    "late + retry": {"task_acks_late": True, "task_retry_on_worker_lost": True},
}


def configuration() -> dict[str, object]:
    """The policy comes from the environment, so that every run of the worker can have another."""
    server = os.environ["REDIS_URL"]
    return {
        "broker_url": f"{server}/0",
        "result_backend": f"{server}/1",
        "worker_concurrency": 1,
        "broker_transport_options": {
            "visibility_timeout": 10,  # seconds; an hour in Celery's defaults
            "unacked_restore_interval": 1,
            "unacked_restore_throttle": 1,
            "unacked_mutex_expire": 5,
        },
        # run again at most twice, after a second; Celery's own: three times, after three minutes
        "task_annotations": {"*": {"max_retries": 2, "default_retry_delay": 1}},
        **POLICIES[os.environ["POLICY"]],
    }


app = Celery("fragile")
app.add_defaults(configuration)


def counter() -> Redis:
    return Redis.from_url(os.environ["REDIS_URL"], db=2)


def fresh_start(policy: str) -> None:
    """Empty the queue and the counter, and let the next worker have this policy."""
    counter().flushall()
    os.environ["POLICY"] = policy


@app.task(name="fragile.work")
def work(victim: str, deaths: int) -> str:
    """Die in each of the first `deaths` runs: the `process` that runs the task, or the `node`."""
    if counter().incr("runs") <= deaths:
        time.sleep(0.2)  # half way
        if victim == "node":
            os.kill(os.getppid(), signal.SIGKILL)
        os.kill(os.getpid(), signal.SIGKILL)
    return "done"


def outcome(receipt: AsyncResult, patience: float = 40.0) -> str:
    """Wait for the end of the task, or `patience` seconds; then tell its runs and its state."""
    deadline = time.monotonic() + patience
    while not receipt.ready() and time.monotonic() < deadline:
        time.sleep(0.1)
    runs = int(counter().get("runs") or 0)
    return f"{runs} run{'s' if runs != 1 else ''}, {receipt.state}"
