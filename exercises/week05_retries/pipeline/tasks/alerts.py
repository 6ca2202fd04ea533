"""Alerts: one for each kind of failure, not one for each failure."""

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
"""What an alert tells of a dead letter. No message of a foreign exception, no traceback."""


def claim_alert(fingerprint: str) -> int | None:
    """Whether this dead letter is the one to alert about: the first of its kind in the window.

    Returns how many there have been of this kind, this one included, since the record of it was
    made; None: somebody has alerted already.
    """
    record = f"alert#{fingerprint}"
    window = retry_settings().alert_window_seconds
    changes = {"quiet_until": moment(window), EXPIRY: int(moment(window + DAY))}
    count = {"seen": 1}
    # TODO 5.6: Ten workers bury ten jobs of the same kind in the same moment. One conditional write
    #   decides which of them alerts: there is no record yet, or its `quiet_until` is over.
    #   Whoever loses counts itself too, and is silent. It must not make the silence longer.
    raise NotImplementedError("5.6")


def alert(job: ReliableJob) -> None:
    """Say that a job has died, unless that is known. Never raises: an alert harms no job. Given."""
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
    """POST an alert to `ALERT_WEBHOOK_URL`. A task of its own, so that no job waits for it. Given."""
    settings = retry_settings()
    # The answer's body is not read: it may have no end.
    with httpx.stream(
        "POST", settings.alert_webhook_url, json=body, timeout=settings.alert_timeout_seconds
    ) as answer:
        answer.raise_for_status()
