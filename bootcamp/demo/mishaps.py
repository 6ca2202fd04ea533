"""Scenes of the demo in which something goes wrong: a provider, a key, a client that wants to be told.

What fails is scripted in the stand-ins, so these scenes are left out with the real OpenAI service.
"""

from __future__ import annotations

import time
from itertools import pairwise
from typing import Any
from uuid import uuid4

from standardwebhooks import Webhook, WebhookVerificationError

from bootcamp.demo.stage import DemoFailed, Stage
from bootcamp.providers import Fault

JOB_SECONDS = 60.0
"""How long one of these jobs may take, its waits included."""
POLL_SECONDS = 0.05
EMBEDDINGS = "embeddings"
FAILURES = 2
WRONG_KEY = 401
HOOK = "demo"


def a_provider_fails_for_a_while(stage: Stage) -> None:
    """503 twice: the embedding step waits and tries again, and no other step runs twice."""
    if not _scripted(stage):
        return
    stage.run.openai.clear()
    stage.run.openai.script(Fault.status(503, times=FAILURES, on=EMBEDDINGS))
    job = _finished(stage, _hand_in(stage, "The provider stumbles, and the harbour goes on."))
    calls = stage.run.openai.wait_for(FAILURES + 1, JOB_SECONDS, EMBEDDINGS)
    if job["status"] != "completed" or len(calls) != FAILURES + 1:
        raise DemoFailed(f"After {FAILURES} answers 503 the job is {job['status']}: {job['error']}")
    lines = [f"attempt 1: {calls[0].status}"]
    for number, (before, call) in enumerate(pairwise(calls), 2):
        wait = call.started - (before.ended or before.started)
        lines.append(f"attempt {number}: {call.status}, after {wait:.2f} s")
    stage.tell("The provider fails twice; the step is retried", *lines, f"job {job['status']}")


def a_dead_letter_is_replayed(stage: Stage) -> None:
    """401: no waiting helps. The job is dead-lettered, somebody mends the key, it is replayed."""
    if not _scripted(stage):
        return
    stage.run.openai.clear()
    stage.run.openai.script(Fault.status(WRONG_KEY, times=None, on=EMBEDDINGS))
    job_id = _hand_in(stage, "Nobody pays for this letter until the key is right.")
    job = _finished(stage, job_id)
    letter = stage.ask("GET", f"/dead-letters/{job_id}")
    if job["status"] != "failed" or letter["attempts"] != 1:
        raise DemoFailed(f"After a {WRONG_KEY} the job is {job['status']}: {letter}")
    stage.run.openai.clear()  # the key is right again
    stage.ask("POST", f"/dead-letters/{job_id}/replay")
    replayed = _finished(stage, job_id)
    if replayed["status"] != "completed":
        raise DemoFailed(f"The replayed job is {replayed['status']}: {replayed['error']}")
    stage.tell(
        "The provider refuses the key; the dead letter is replayed",
        f"job failed at {letter['step']}, {letter['attempts']} attempt: {letter['exception']}",
        f"dead letter of kind {letter['fingerprint']}",
        f"replayed: job {replayed['status']}",
    )


def a_webhook_is_verified(stage: Stage) -> None:
    """A client is told instead of asking, by a request whose signature the official library checks."""
    url = stage.run.webhooks.url(HOOK)
    endpoint = stage.ask("POST", "/webhooks", json={"url": url})
    job_id = _hand_in(stage, "Tell me when this one is done, and sign what you say.")
    event, headers = _webhook_about(stage, job_id, endpoint["secret"])
    stage.tell(
        "A webhook arrives, and its signature is good",
        f"{event['type']}, webhook-id {headers['webhook-id']}",
        "verified by the standardwebhooks library",
    )


def _webhook_about(stage: Stage, job_id: str, secret: str) -> tuple[Any, dict[str, str]]:
    """The event and the headers. One about the job of the scene before may come first."""
    number = 0
    while True:
        number += 1
        deliveries = stage.run.webhooks.wait_for(number, JOB_SECONDS, HOOK)
        if len(deliveries) < number:
            raise DemoFailed(f"No webhook about job {job_id} came within {JOB_SECONDS:.0f} s.")
        delivery = deliveries[number - 1]
        headers = {name.lower(): value for name, value in delivery.headers}
        try:
            event: Any = Webhook(secret).verify(delivery.body, headers)
        except WebhookVerificationError as error:
            raise DemoFailed(f"The webhook's signature is refused: {error}") from error
        if event["data"]["job_id"] == job_id:
            return event, headers


def _scripted(stage: Stage) -> bool:
    return stage.report.openai == "stand-in"


def _hand_in(stage: Stage, text: str) -> str:
    """Send a small document of its own, and return its job's id."""
    content = f"{text} {uuid4()}".encode()
    key = {"Idempotency-Key": str(uuid4())}
    files = {"file": ("note.txt", content)}
    accepted = stage.ask("POST", "/documents", files=files, headers=key)
    return str(accepted["job_id"])


def _finished(stage: Stage, job_id: str) -> dict[str, Any]:
    """The job, once it is finished.

    Raises:
        DemoFailed: it takes too long.
    """
    deadline = time.monotonic() + JOB_SECONDS
    while time.monotonic() < deadline:
        stage.check_alive()
        job: dict[str, Any] = stage.ask("GET", f"/jobs/{job_id}")
        if job["status"] in ("completed", "failed", "cancelled"):
            return job
        time.sleep(POLL_SECONDS)
    raise DemoFailed(f"After {JOB_SECONDS:.0f} s job {job_id} is {job['status']}.")
