"""Week 6 on stage: a client is notified by a signed webhook."""

from __future__ import annotations

from typing import Any

from standardwebhooks import Webhook, WebhookVerificationError

from bootcamp.demo.jobs import JOB_SECONDS, submit_note
from bootcamp.demo.stage import DemoFailed, Scene, Stage

HOOK = "demo"


def a_webhook_is_verified(stage: Stage) -> None:
    """A client is notified by a webhook, and the official library checks its signature."""
    url = stage.run.webhooks.url(HOOK)
    endpoint = stage.ask("POST", "/webhooks", json={"url": url})
    job_id = submit_note(stage, "Notify me when this document is done, with a signature.")
    event, headers = _webhook_about(stage, job_id, endpoint["secret"])
    stage.tell(
        "A webhook arrives, and its signature is good",
        f"{event['type']}, webhook-id {headers['webhook-id']}",
        "verified by the standardwebhooks library",
    )


def _webhook_about(stage: Stage, job_id: str, secret: str) -> tuple[Any, dict[str, str]]:
    """Return event and headers. A webhook about the job of an earlier scene may arrive first."""
    number = 0
    while True:
        number += 1
        deliveries = stage.run.webhooks.wait_for(number, JOB_SECONDS, HOOK)
        if len(deliveries) < number:
            raise DemoFailed(f"No webhook about job {job_id} arrived within {JOB_SECONDS:.0f} s.")
        delivery = deliveries[number - 1]
        headers = {name.lower(): value for name, value in delivery.headers}
        try:
            event: Any = Webhook(secret).verify(delivery.body, headers)
        except WebhookVerificationError as error:
            raise DemoFailed(f"The webhook's signature is refused: {error}") from error
        if event["data"]["job_id"] == job_id:
            return event, headers


SCENES: tuple[Scene, ...] = (a_webhook_is_verified,)
