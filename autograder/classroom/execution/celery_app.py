"""The Celery application for a class, and the names of what it keeps in Redis.

Only orders go through Celery. Answers come back through a plain list in Redis, because a reader of
Celery's result backend would build exceptions from what others may have written there.
"""

from __future__ import annotations

from celery import Celery
from kombu.utils.url import maybe_sanitize_url
from redis import Redis, RedisError

from autograder.classroom.execution.pool import MAX_JOB_SECONDS, STOP_SECONDS
from bootcamp.errors import BootcampError, UsageError

NAME = "bootcamp-grade"
TASK = f"{NAME}.submission"
VISIBILITY_SECONDS = int(MAX_JOB_SECONDS + 2 * STOP_SECONDS)
"""After this, the submission of a worker machine that died is given to another. Longer than the longest
check, or a slow submission would be graded twice."""
FIRST, LAST = 0, 9
"""Priorities. On Redis, 0 is taken first."""
CONNECT_SECONDS = 5.0
KEPT_SECONDS = 24 * 3600
"""What a run leaves in Redis, such as the counts of dead workers, is gone after this."""
SCHEMES = ("redis://", "rediss://")


def make_app(broker: str, fingerprint: str, visibility: int = VISIBILITY_SECONDS) -> Celery:
    """The application for one broker and one key.

    Args:
        fingerprint: of the key. Workers with another key listen to another queue.
        visibility: seconds.
    """
    app = Celery(NAME, broker=broker, set_as_current=False)
    app.conf.update(
        task_acks_late=True,
        task_reject_on_worker_lost=True,
        task_ignore_result=True,
        task_default_queue=queue_name(fingerprint),
        worker_prefetch_multiplier=1,
        task_serializer="json",
        accept_content=["json"],  # never pickle: reading one runs code
        worker_enable_remote_control=False,  # its commands are not signed
        worker_hijack_root_logger=False,
        worker_redirect_stdouts=False,
        worker_pool_start_method="fork",
        broker_connection_retry_on_startup=False,
        broker_transport_options={
            "global_keyprefix": f"{NAME}:",  # other applications' sweeps do not see our messages
            "visibility_timeout": visibility,
            "unacked_restore_interval": 1,
            "unacked_restore_throttle": 1,
            "unacked_mutex_expire": 5,  # a search holds this lock; Kombu would keep it 300 s
            "priority_steps": [FIRST, LAST],
            "queue_order_strategy": "priority",
            "socket_connect_timeout": CONNECT_SECONDS,
        },
    )
    return app


def connect(broker: str) -> Redis:
    """A client of the broker that has answered once.

    Raises:
        UsageError: the address is not one of Redis, or nobody answers there.
    """
    where = maybe_sanitize_url(broker)
    if not broker.startswith(SCHEMES):
        raise UsageError(
            f"{where} is not the address of a Redis server.",
            "Write it as redis://:PASSWORD@HOST:6379/0, or rediss:// for TLS.",
        )
    try:
        client = Redis.from_url(broker, socket_connect_timeout=CONNECT_SECONDS)
        client.ping()
    except (RedisError, OSError, ValueError) as error:
        raise UsageError(
            f"No Redis can be used at {where}: {str(error).rstrip('.')}.",
            "Start one with `docker compose --profile grading up --detach grading-broker`, or correct "
            "the address and the password.",
        ) from None
    return client


def check_key(redis: Redis, fingerprint: str) -> None:
    """Check that a publisher which waits now has the same key, if any waits.

    Raises:
        UsageError: all that wait have another key, so this worker would get nothing.
    """
    found = [redis.get(key) for key in redis.scan_iter(match=lease_key("*"))]
    others = {one.decode() for one in found if isinstance(one, bytes)}
    if others and fingerprint not in others:
        raise UsageError(
            f"The publisher on this broker has the key {', '.join(sorted(others))}, and this worker "
            f"has {fingerprint}.",
            "Give both the same key: --key-file.",
        )


def lost(error: Exception) -> BootcampError:
    """What is said when the broker no longer answers."""
    return BootcampError(
        f"The broker does not answer any more: {error}.",
        "Finished results are kept. Start the broker, then run the same command to continue.",
    )


def queue_name(fingerprint: str) -> str:
    """The queue of orders."""
    return f"orders-{fingerprint}"


def lease_key(run: str) -> str:
    """Exists while the publisher of a run waits for answers. Its value is the key's fingerprint."""
    return f"{NAME}:{run}:lease"


def reports_key(run: str) -> str:
    """The list of what workers say to the publisher of a run."""
    return f"{NAME}:{run}:reports"


def starts_key(run: str) -> str:
    """By student: how many workers have begun and neither finished nor given back."""
    return f"{NAME}:{run}:starts"


def done_key(run: str) -> str:
    """The ids of orders that have an answer."""
    return f"{NAME}:{run}:done"
