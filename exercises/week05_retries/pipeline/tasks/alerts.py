"""Alerts: one for each kind of failure in a window of time, not one for each failed job."""

from __future__ import annotations

import httpx
from boto3.dynamodb.conditions import Attr
from celery.utils.log import get_task_logger

from pipeline.models.dead_letters import ReliableJob
from pipeline.models.job import jobs
from pipeline.models.retry_settings import retry_settings
from pipeline.models.settings import DAY
from pipeline.models.table import EXPIRY, KEY, ConditionFailed, moment
from pipeline.tasks.celery_config import app

logger = get_task_logger(__name__)

MAX_RETRIES = 5
MAX_RETRY_SECONDS = 60
FIELDS = {"step", "kind", "exception", "fingerprint", "attempts", "deliveries"}
"""The parts of a dead letter that an alert contains: no text of a foreign exception, no traceback."""


def claim_alert(fingerprint: str) -> int | None:
    """Decide whether to send an alert for a dead letter of this kind.

    The item `alert#{fingerprint}` of the jobs table is the record of this kind of failure. Its `seen`
    counts the dead letters, and `quiet_until` is the end of the window in which no alert is sent.

    Args:
        fingerprint: the kind of the failure.

    Returns:
        The number of dead letters of this kind since the record was created, this one included: send
        an alert. None: an alert of this window has been sent.
    """
    record = f"alert#{fingerprint}"
    window = retry_settings().alert_window_seconds
    changes = {"quiet_until": moment(window), EXPIRY: int(moment(window + DAY))}
    count = {"seen": 1}
    # TODO 5.6:
    #   l) Claim the alert with one conditional write of `changes`, which also adds `count`
    #      (`add=count`). The condition: there is no record yet (`Attr(KEY).not_exists()`), or its
    #      `quiet_until` is not later than now (`moment()`).
    #   m) If the write succeeds, return the record's `seen` as an int.
    #   n) If the condition fails (`ConditionFailed`), add `count` to the record all the same,
    #      without changing `quiet_until`, and return None. Catch no other error: None says that an
    #      alert was sent.
    raise NotImplementedError("5.6")


def alert(job: ReliableJob) -> None:
    """Alert an operator that a job has failed, unless the alert of this window has been sent. Given to
    students complete.

    It never raises, because a failed alert must not affect the job.
    """
    letter = job.dead_letter
    if letter is None:
        return
    try:
        seen = claim_alert(letter.fingerprint)
        if seen is None:
            return
        text = (
            f"Dead letter in step {letter.step}: {letter.kind} ({letter.exception}), "
            f"job {job.id}, fingerprint {letter.fingerprint}, seen {seen} times"
        )
        logger.error("ALERT: %s", text)
        if retry_settings().alert_webhook_url:
            fields = {"job_id": job.id, **letter.model_dump(include=FIELDS), "seen": seen}
            send_alert.apply_async([{"text": text, **fields}])
    except Exception:
        logger.warning("job %s: no alert", job.id, exc_info=True)


@app.task(
    name="pipeline.send_alert",
    autoretry_for=(httpx.HTTPError,),
    retry_backoff=1,
    retry_backoff_max=MAX_RETRY_SECONDS,
    retry_jitter=True,
    retry_kwargs={"max_retries": MAX_RETRIES},
    ignore_result=True,
)
def send_alert(body: dict[str, object]) -> None:
    """POST an alert to `ALERT_WEBHOOK_URL`. Given to students complete.

    It is a task of its own, so no job waits for it. Celery's own retries (`autoretry_for`) are enough
    here, because a lost alert harms no job.
    """
    settings = retry_settings()
    # The body of the answer is not read: it may be endless.
    with httpx.stream(
        "POST", settings.alert_webhook_url, json=body, timeout=settings.alert_timeout_seconds
    ) as answer:
        answer.raise_for_status()
