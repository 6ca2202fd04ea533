"""The schedule: what Beat sends, how often, and which Beat sends it.

Start Beat with `celery -A pipeline.tasks.schedule beat`. You can start it on several machines: one of them
holds the lock and sends, and the others wait until the lock expires.
"""

from __future__ import annotations

from contextlib import suppress
from functools import cached_property
from typing import Any
from uuid import uuid4

from celery.beat import PersistentScheduler
from celery.utils.log import get_logger
from redis import Redis
from redis.exceptions import RedisError

from pipeline.models.operation_settings import operation_settings
from pipeline.models.settings import job_settings
from pipeline.settings import BROKER_DATABASE, worker_settings
from pipeline.tasks.celery_config import app

logger = get_logger(__name__)

SWEEP = "pipeline.sweep"
"""The task that finds and finishes what is overdue (`pipeline.tasks.recovery`)."""
CLEAN_UP = "pipeline.clean_up"
"""The task that removes what expired jobs leave behind (`pipeline.tasks.clean_up`)."""
LOCK = "beat-lock"
"""The key of the lock in Redis. Its value is the token of the Beat that sends."""
RENEWALS = 3
"""How often a lock is renewed while it lasts. So two renewals may fail."""
SOCKET_SECONDS = 2.0
RENEW = """
if redis.call("GET", KEYS[1]) == ARGV[1] then
    return redis.call("PEXPIRE", KEYS[1], ARGV[2])
end
return 0
"""
"""Sets the expiry of the key `KEYS[1]` to `ARGV[2]` milliseconds, if its value is `ARGV[1]`. Returns 1 if
it did, and 0 if the key has another value or does not exist."""
RELEASE = 'if redis.call("GET", KEYS[1]) == ARGV[1] then return redis.call("DEL", KEYS[1]) end'


def entries() -> dict[str, dict[str, Any]]:
    """Return the schedule, in the form of Celery's setting `beat_schedule`.

    Returns:
        A dict with two entries of any name. Each is a dict with the keys `task`, `schedule` (a number of
        seconds) and `options`.
    """
    # BEGIN SOLUTION 8.2
    # ? a) Send `SWEEP` every `job_settings().outbox_interval_seconds`, and `CLEAN_UP` every
    # ? `operation_settings().clean_up_interval_seconds`.
    # ? b) Let each message expire `operation_settings().tick_expires_seconds` after it was sent (the
    # ? option `expires`). When no worker runs for an hour, thousands of old ticks must not wait for it.
    options = {"expires": operation_settings().tick_expires_seconds}
    every = {
        SWEEP: job_settings().outbox_interval_seconds,
        CLEAN_UP: operation_settings().clean_up_interval_seconds,
    }
    return {
        task: {"task": task, "schedule": pause, "options": options} for task, pause in every.items()
    }
    # END SOLUTION


def hold(client: Redis, token: str, seconds: float) -> bool:
    """Take the lock `LOCK`, or keep it, for `seconds` from now.

    Args:
        client: a client of Redis.
        token: the name of the Beat that asks. Each process has another.
        seconds: how long the lock lasts. It can be a fraction of a second.

    Returns:
        Whether this Beat has the lock now.

    Raises:
        redis.exceptions.RedisError: Redis cannot be reached.
    """
    milliseconds = int(seconds * 1000)
    # BEGIN SOLUTION 8.2
    # ? c) If no Beat has the lock, take it with one command: set `LOCK` to `token`, only if the key does
    # ? not exist, with an expiry of `milliseconds`. A lock without an expiry outlives its Beat.
    # ? d) If this Beat has the lock, set its expiry to `milliseconds` from now, with the script `RENEW`:
    # ? `client.eval(RENEW, 1, LOCK, token, milliseconds)`. A read and then a write could extend the lock
    # ? of another Beat, which took it between the two.
    # ? e) Return True if the lock was taken or renewed. If another Beat has it, return False, and change
    # ? neither its token nor its expiry.
    # ? f) Do not catch the errors of Redis.
    if client.set(LOCK, token, nx=True, px=milliseconds):
        return True
    return bool(client.eval(RENEW, 1, LOCK, token, milliseconds))
    # END SOLUTION


class OneBeat(PersistentScheduler):  # type: ignore[misc]  # Celery has no types
    """Beat's scheduler, which sends only while this process holds the lock. Given to students complete.

    A Beat that is suspended can believe for a moment that it still has the lock. Two Beats then send at
    the same time, which is no harm: the tasks may run twice, and at the same time.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._token = uuid4().hex
        self._active: bool | None = None
        super().__init__(*args, **kwargs)

    @cached_property
    def _client(self) -> Redis:
        return Redis.from_url(
            worker_settings().redis_database(BROKER_DATABASE),
            socket_connect_timeout=SOCKET_SECONDS,
            socket_timeout=SOCKET_SECONDS,
        )

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due, and return the seconds until the next call. Without the lock, send nothing."""
        pause = operation_settings().beat_lock_seconds / RENEWALS
        if not self._has_lock():
            return pause
        return min(float(super().tick(*args, **kwargs)), pause)

    def _has_lock(self) -> bool:
        try:
            active = hold(self._client, self._token, operation_settings().beat_lock_seconds)
        except NotImplementedError:  # until the exercise is done, every Beat sends
            return True
        except RedisError as error:
            if self._active is not False:
                logger.warning("Beat sends nothing now: %r", error)
            active = False
        if active != self._active:
            logger.info("This Beat %s.", "has the lock and sends" if active else "waits")
        self._active = active
        return active

    def close(self) -> None:
        """Save the schedule, and give the lock back, so that another Beat need not wait for its expiry."""
        with suppress(RedisError):
            self._client.eval(RELEASE, 1, LOCK, self._token)
        super().close()


def set_up_schedule() -> None:
    """Tell Celery about the schedule. Until the exercise is done, it is empty. Given to students complete."""
    app.conf.beat_scheduler = f"{__name__}:{OneBeat.__name__}"
    with suppress(NotImplementedError):
        app.conf.beat_schedule = entries()


set_up_schedule()
