"""Whether anything was lost or doubled. Pure: from the records of a run to a verdict."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

COMPLETED = "completed"


@dataclass(frozen=True)
class Accepted:
    """A document that the API has answered with 202. Times are seconds since 1970."""

    document: int
    job_id: str
    at: float
    pieces: frozenset[str]
    """Texts that must be found in the document's chunks."""


@dataclass(frozen=True)
class Ending:
    """An end of a job, as its row or a webhook says it. Equal ends are one end."""

    job_id: str
    status: str
    at: str
    """The time of the end, as text, to the microsecond."""


@dataclass(frozen=True)
class Webhook:
    """One request that the receiver of webhooks was sent."""

    webhook_id: str
    ending: Ending


@dataclass(frozen=True)
class Chunk:
    """A row of the index."""

    document: int
    document_id: str
    position: int
    text: str


@dataclass(frozen=True)
class Records:
    """All that was observed from outside of the pipeline."""

    accepted: tuple[Accepted, ...] = ()
    rows: Mapping[str, int] = field(default_factory=dict)
    """The document of each job's row in the table."""
    endings: frozenset[Ending] = frozenset()
    webhooks: tuple[Webhook, ...] = ()
    """All requests, in the order of arrival."""
    planned_webhooks: Mapping[str, Ending] = field(default_factory=dict)
    """The webhook ids in the jobs table, with the end that each of them reports."""
    chunks: tuple[Chunk, ...] = ()


@dataclass(frozen=True)
class Finding:
    """A document that was lost or doubled, and how."""

    document: int
    job_id: str
    why: str


@dataclass(frozen=True)
class Verdict:
    """What a run has shown."""

    accepted: int
    ended: Mapping[str, int]
    """How many of the accepted jobs ended in each state."""
    lost: tuple[Finding, ...]
    doubled: tuple[Finding, ...]
    ids_per_job: Mapping[int, int]
    """How many jobs have so many webhook ids."""
    repeated: int
    """How often a webhook id arrived again. That is allowed: its receiver ignores it."""

    @property
    def sound(self) -> bool:
        """Whether nothing was lost and nothing was doubled."""
        return not self.lost and not self.doubled


def judge(records: Records) -> Verdict:
    """Say what was lost and what was doubled.

    Lost: accepted, and without an end, without the webhook of its end, or completed without all of its
    text in the index. Doubled: two jobs or two sets of chunks for one document, two ends of one job, or
    two webhook ids for one end. A second request with the same webhook id is no fault.
    """
    ends = _by_job((one.job_id, one) for one in records.endings)
    ids = _ids_by_ending(records)
    per_job = Counter({one.job_id: 0 for one in records.accepted})
    for ending, found in ids.items():
        per_job[ending.job_id] += len(found)
    statuses = Counter(one.status for job in records.accepted for one in list(ends[job.job_id])[:1])
    return Verdict(
        accepted=len(records.accepted),
        ended=dict(sorted(statuses.items())),
        lost=tuple(_lost(records, ends)),
        doubled=tuple(_doubled(records, ends, ids)),
        ids_per_job=dict(sorted(Counter(per_job.values()).items())),
        repeated=len(records.webhooks) - len({one.webhook_id for one in records.webhooks}),
    )


def _by_job(pairs: Iterable[tuple[str, Ending]]) -> dict[str, set[Ending]]:
    found: dict[str, set[Ending]] = defaultdict(set)
    for job_id, ending in pairs:
        found[job_id].add(ending)
    return found


def _ids_by_ending(records: Records) -> dict[Ending, set[str]]:
    found: dict[Ending, set[str]] = defaultdict(set)
    for one in records.webhooks:
        found[one.ending].add(one.webhook_id)
    for webhook_id, ending in records.planned_webhooks.items():
        found[ending].add(webhook_id)
    return found


def _lost(records: Records, ends: Mapping[str, set[Ending]]) -> Iterable[Finding]:
    """Find the accepted jobs that have no end, no webhook, or too little text in the index."""
    announced = {one.ending for one in records.webhooks}
    texts: dict[str, list[str]] = defaultdict(list)
    for chunk in records.chunks:
        texts[chunk.document_id].append(chunk.text)
    for job in sorted(records.accepted, key=lambda one: one.document):
        found = ends.get(job.job_id, set())
        if not found:
            yield Finding(job.document, job.job_id, "accepted, and it has no end")
            continue
        if not found & announced:
            yield Finding(job.document, job.job_id, "it ended, and no webhook has arrived")
        indexed = "\n".join(texts[job.job_id])
        missing = sum(piece not in indexed for piece in job.pieces)
        if missing and any(one.status == COMPLETED for one in found):
            of_all = f"{missing} of its {len(job.pieces)} paragraphs"
            yield Finding(job.document, job.job_id, f"completed, and {of_all} are not in the index")


def _doubled(
    records: Records, ends: Mapping[str, set[Ending]], ids: Mapping[Ending, set[str]]
) -> Iterable[Finding]:
    documents = {**records.rows, **{one.job_id: one.document for one in records.accepted}}
    jobs_of: dict[int, set[str]] = defaultdict(set)
    for job_id, number in documents.items():
        jobs_of[number].add(job_id)
    for number, jobs in sorted(jobs_of.items()):
        if len(jobs) > 1:
            yield Finding(number, min(jobs), f"{len(jobs)} jobs for one document")
    yield from _chunks_twice(records.chunks)
    for job_id, found in ends.items():
        if len(found) > 1:
            states = ", ".join(sorted(f"{one.status} at {one.at}" for one in found))
            yield Finding(documents.get(job_id, -1), job_id, f"{len(found)} ends: {states}")
    for ending, names in ids.items():
        if len(names) > 1:
            number = documents.get(ending.job_id, -1)
            yield Finding(number, ending.job_id, f"{len(names)} webhook ids for one end")


def _chunks_twice(chunks: Iterable[Chunk]) -> Iterable[Finding]:
    of_document: dict[int, list[Chunk]] = defaultdict(list)
    for chunk in chunks:
        of_document[chunk.document].append(chunk)
    for number, found in sorted(of_document.items()):
        sets = {one.document_id for one in found}
        if len(sets) > 1:
            yield Finding(number, min(sets), f"{len(sets)} sets of chunks for one document")
        repeated = len(found) - len({(one.document_id, one.text) for one in found})
        if repeated:
            yield Finding(number, min(sets), f"{repeated} of its chunks are in the index twice")
