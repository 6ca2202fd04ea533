"""Replaying many dead letters, not all at once."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.models.dead_letters import dead_jobs, replay
from pipeline.models.errors import JobConflict
from pipeline.models.retry_settings import retry_settings

MAX_REPLAYS = 1_000
"""How many dead letters one request replays. Send it again for the rest."""


@dataclass(frozen=True)
class Replayed:
    """What a request to replay has set going."""

    count: int
    seconds: float
    """Until the last of them is published."""


def replay_all(owner: str, fingerprint: str | None) -> Replayed:
    """Replay an owner's dead letters, oldest first: all, or those of one fingerprint.

    What killed them may not be over, and what they need is shared with new documents. So they
    start one by one, `replays_per_second`: the outbox publishes each when it is due.
    """
    every = 1 / retry_settings().replays_per_second
    chosen = (
        job
        for job in dead_jobs(owner)
        if job.dead_letter and fingerprint in (None, job.dead_letter.fingerprint)
    )
    # TODO 5.6: `replay` each of the chosen, up to `MAX_REPLAYS`, each due `every` seconds after the
    #   one before. Where somebody else was faster, leave that one out; it takes no turn.
    raise NotImplementedError("5.6")
