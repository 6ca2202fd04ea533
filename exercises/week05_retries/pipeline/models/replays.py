"""Replays many dead letters, one after another, at a limited rate."""

from __future__ import annotations

from dataclasses import dataclass

from pipeline.models.dead_letters import dead_jobs, replay
from pipeline.models.errors import JobConflict
from pipeline.models.retry_settings import retry_settings

MAX_REPLAYS = 1_000
"""How many dead letters one request replays. The client sends the request again for the rest."""


@dataclass(frozen=True)
class Replayed:
    """What a request to replay has started."""

    count: int
    """How many jobs were replayed."""
    seconds: float
    """From now until the last of them is due."""


def replay_all(owner: str, fingerprint: str | None) -> Replayed:
    """Replay an owner's dead letters, oldest first.

    The cause of the failures may still exist, and the provider also serves new documents. So the jobs
    start one by one: each is due a little later than the one before, and the outbox publishes it then.

    Args:
        owner: whose dead letters are replayed.
        fingerprint: only dead letters of this kind. None: all of them.

    Returns:
        How many jobs were replayed, and the seconds until the last of them is due. 0 seconds: there was
        none, or only one.

    Raises:
        JobStoreUnavailable: DynamoDB cannot be reached. Some jobs may have been replayed.
    """
    every = 1 / retry_settings().replays_per_second
    chosen = (
        job
        for job in dead_jobs(owner)
        if job.dead_letter and fingerprint in (None, job.dead_letter.fingerprint)
    )
    # TODO 5.6:
    #   g) `replay` the jobs of `chosen` in their order. The first is due at once (0 seconds), and
    #      each next one `every` seconds after the one before.
    #   h) Stop after `MAX_REPLAYS` replayed jobs.
    #   i) On `JobConflict`, skip the job. It does not use up a slot of the throttle, and it is not
    #      counted.
    #   j) Catch no other error: after `JobStoreUnavailable` the client must not be told that all
    #      went well.
    #   k) Return `Replayed` with the number of replayed jobs, and the seconds after which the last
    #      of them is due: 0.0 if there was none.
    raise NotImplementedError("5.6")
