"""Week 5 on stage: a provider fails, and a key is wrong.

What fails is scripted in the stand-ins, so these scenes are left out with the real OpenAI service.
"""

from __future__ import annotations

from itertools import pairwise

from bootcamp.demo.jobs import JOB_SECONDS, finished_job, scripted, submit_note
from bootcamp.demo.stage import DemoFailed, Scene, Stage
from bootcamp.providers import Fault

EMBEDDINGS = "embeddings"
FAILURES = 2
WRONG_KEY = 401


def a_provider_fails_for_a_while(stage: Stage) -> None:
    """503 twice: the embedding step waits and tries again, and no other step runs twice."""
    if not scripted(stage):
        return
    stage.run.openai.clear()
    stage.run.openai.script(Fault.status(503, times=FAILURES, on=EMBEDDINGS))
    job = finished_job(stage, submit_note(stage, "The provider stumbles, and the harbour goes on."))
    calls = stage.run.openai.wait_for(FAILURES + 1, JOB_SECONDS, EMBEDDINGS)
    if job["status"] != "completed" or len(calls) != FAILURES + 1:
        raise DemoFailed(f"After {FAILURES} answers 503 the job is {job['status']}: {job['error']}")
    lines = [f"attempt 1: {calls[0].status}"]
    for number, (before, call) in enumerate(pairwise(calls), 2):
        wait = call.started - (before.ended or before.started)
        lines.append(f"attempt {number}: {call.status}, after {wait:.2f} s")
    stage.tell("The provider fails twice; the step is retried", *lines, f"job {job['status']}")


def a_dead_letter_is_replayed(stage: Stage) -> None:
    """401 is a permanent error. The job is dead-lettered, the key is corrected, the job is replayed."""
    if not scripted(stage):
        return
    stage.run.openai.clear()
    stage.run.openai.script(Fault.status(WRONG_KEY, times=None, on=EMBEDDINGS))
    job_id = submit_note(stage, "Nobody pays for this document until the key is right.")
    job = finished_job(stage, job_id)
    letter = stage.ask("GET", f"/dead-letters/{job_id}")
    if job["status"] != "failed" or letter["attempts"] != 1:
        raise DemoFailed(f"After a {WRONG_KEY} the job is {job['status']}: {letter}")
    stage.run.openai.clear()  # the key is right again
    stage.ask("POST", f"/dead-letters/{job_id}/replay")
    replayed = finished_job(stage, job_id)
    if replayed["status"] != "completed":
        raise DemoFailed(f"The replayed job is {replayed['status']}: {replayed['error']}")
    stage.tell(
        "The provider refuses the key; the dead letter is replayed",
        f"job failed at {letter['step']}, {letter['attempts']} attempt: {letter['exception']}",
        f"dead letter of kind {letter['fingerprint']}",
        f"replayed: job {replayed['status']}",
    )


SCENES: tuple[Scene, ...] = (a_provider_fails_for_a_while, a_dead_letter_is_replayed)
