"""The judge: what counts as lost, what as doubled, and what is allowed."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bootcamp.bench.chaos.judging import Accepted, Chunk, Ending, Records, Webhook, judge

JOB = Accepted(document=1, job_id="job-1", at=100.0, pieces=frozenset({"mark-a", "mark-b"}))
END = Ending("job-1", "completed", "2026-01-31T09:15:00.250000Z")
CHUNKS = (Chunk(1, "job-1", 0, "mark-a one"), Chunk(1, "job-1", 1, "mark-b two"))
SOUND = Records(
    accepted=(JOB,),
    rows={"job-1": 1},
    endings=frozenset({END}),
    webhooks=(Webhook("msg_1", END),),
    planned_webhooks={"msg_1": END},
    chunks=CHUNKS,
)


def test_a_sound_run() -> None:
    found = judge(SOUND)
    assert found.sound
    assert (found.accepted, found.ended, found.ids_per_job) == (1, {"completed": 1}, {1: 1})
    assert judge(Records()).sound


def test_a_second_request_with_the_same_id_is_allowed() -> None:
    found = judge(replace(SOUND, webhooks=SOUND.webhooks * 3))
    assert found.sound and found.repeated == 2


def test_a_failed_job_has_an_end_and_needs_no_chunks() -> None:
    end = replace(END, status="failed")
    webhooks = (Webhook("msg_1", end),)
    failed = replace(SOUND, endings=frozenset({end}), webhooks=webhooks, chunks=())
    found = judge(replace(failed, planned_webhooks={"msg_1": end}))
    assert found.sound and found.ended == {"failed": 1}


LOST = {
    "no end": replace(SOUND, endings=frozenset(), webhooks=(), planned_webhooks={}),
    "no webhook": replace(SOUND, webhooks=()),
    "1 of its 2 paragraphs": replace(SOUND, chunks=CHUNKS[:1]),
    "2 of its 2 paragraphs": replace(SOUND, chunks=()),
}


@pytest.mark.parametrize("why", LOST)
def test_lost(why: str) -> None:
    found = judge(LOST[why])
    assert not found.sound and not found.doubled
    [one] = found.lost
    assert why in one.why and (one.document, one.job_id) == (1, "job-1")


LATER = replace(END, at="2026-01-31T09:15:09.000000Z")
TWICE = (*CHUNKS, Chunk(1, "job-1", 2, "mark-a one"), Chunk(1, "job-1", 3, "mark-b two"))
DOUBLED = {
    "2 ends": replace(SOUND, endings=frozenset({END, LATER})),
    "2 webhook ids for one end": replace(SOUND, webhooks=(*SOUND.webhooks, Webhook("msg_2", END))),
    "2 webhook ids": replace(SOUND, planned_webhooks={"msg_1": END, "msg_2": END}),
    "2 jobs for one document": replace(SOUND, rows={"job-1": 1, "job-2": 1}),
    "2 sets of chunks": replace(
        SOUND, chunks=(*CHUNKS, *(replace(one, document_id="job-2") for one in CHUNKS))
    ),
    "2 of its chunks are in the index twice": replace(SOUND, chunks=TWICE),
}


@pytest.mark.parametrize("why", DOUBLED)
def test_doubled(why: str) -> None:
    found = judge(DOUBLED[why])
    assert not found.sound and not found.lost
    [one] = found.doubled
    assert why in one.why and one.document == 1


def test_two_ids_for_two_ends_are_two_ends_and_not_two_ids() -> None:
    """A replayed job ends twice, and each end has an id of its own."""
    replayed = replace(
        SOUND,
        endings=frozenset({END, LATER}),
        webhooks=(*SOUND.webhooks, Webhook("msg_2", LATER)),
        planned_webhooks={"msg_1": END, "msg_2": LATER},
    )
    [one] = judge(replayed).doubled
    assert "2 ends" in one.why


def test_a_job_that_nobody_was_promised_is_not_lost() -> None:
    """The client was not answered, and gave up. A job without a 202 owes nothing."""
    assert judge(replace(SOUND, rows={"job-1": 1, "job-9": 9})).sound
