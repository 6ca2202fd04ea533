"""Week 7 on stage: a browser watches a document, and asks for nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import httpx

from bootcamp.demo.jobs import JOB_SECONDS, submit_note
from bootcamp.demo.stage import DemoFailed, Scene, Stage

Event = tuple[str, Any]
"""The type of a server-sent event, and its data."""


def a_browser_watches(stage: Stage) -> None:
    """One stream tells every change of a job, from the upload to the end."""
    try:
        with stage.api.stream("GET", "/events", timeout=JOB_SECONDS) as answer:
            events = _events(answer)
            name, snapshot = next(events)
            if name != "snapshot":
                raise DemoFailed(f"The stream begins with {name} and not with a snapshot.")
            job_id = submit_note(stage, "A browser that watches need not ask.")
            seen = _until_completed(events, job_id)
    except httpx.HTTPError as error:
        raise DemoFailed(f"GET /events: the stream broke: {error!r}.") from error
    stage.tell(
        "A browser watches one stream, and asks for nothing",
        f"snapshot: {len(snapshot['jobs'])} jobs",
        " → ".join(seen),
        f"the page: {stage.report.addresses['Status page']}",
    )


def _events(answer: httpx.Response) -> Iterator[Event]:
    name = ""
    for line in answer.iter_lines():
        field, _, value = line.partition(": ")
        if field == "event":
            name = value
        elif field == "data":
            yield name, json.loads(value)


def _until_completed(events: Iterator[Event], job_id: str) -> list[str]:
    """What the job did, each thing once: its state and its steps, until it is completed."""
    seen: list[str] = []
    for name, job in events:
        if name != "job" or job["job_id"] != job_id:
            continue
        step = job["progress"]["step"]
        what = step if job["status"] == "processing" and step else job["status"]
        if what not in seen:
            seen.append(what)
        if job["status"] == "completed":
            return seen
        if job["status"] in ("failed", "cancelled"):
            raise DemoFailed(f"Job {job_id} is {job['status']}: {job['error']}")
    raise DemoFailed("The stream ended before the job was completed.")


SCENES: tuple[Scene, ...] = (a_browser_watches,)
