"""4.1: the table, its indexes, and which job is in which."""

from __future__ import annotations

import time

from boto3.dynamodb.conditions import Key

from tests.week04.conftest import document, table


def test_the_table_is_what_it_should_be(run, new_job):
    new_job()
    made = table(run)
    indexes = {one["IndexName"]: one for one in made.global_secondary_indexes}
    keys = {
        name: [key["AttributeName"] for key in one["KeySchema"]] for name, one in indexes.items()
    }
    assert [key["AttributeName"] for key in made.key_schema] == ["id"]
    assert keys == {
        "by_owner": ["owner", "created_at"],
        "by_due_time": ["due_shard", "due_at"],
    }
    assert indexes["by_owner"]["Projection"]["ProjectionType"] == "ALL"
    assert indexes["by_due_time"]["Projection"]["ProjectionType"] == "KEYS_ONLY"
    expiry = made.meta.client.describe_time_to_live(TableName="jobs")["TimeToLiveDescription"]
    assert expiry["AttributeName"] == "expires_at"
    assert expiry["TimeToLiveStatus"] in {"ENABLED", "ENABLING"}


def due(run) -> dict[str, dict]:
    found: dict[str, dict] = {}
    for shard in range(4):
        answer = table(run).query(
            IndexName="by_due_time", KeyConditionExpression=Key("due_shard").eq(shard)
        )
        found |= {item["id"]: item for item in answer["Items"]}
    return found


def test_every_job_under_way_is_due_some_time_and_no_finished_one_is(run, new_job):
    from pipeline.models.job import Status, move
    from pipeline.tasks.tracking import acquire

    ids = [new_job() for _ in range(40)]
    assert set(due(run)) == set(ids)
    assert {int(item["due_shard"]) for item in due(run).values()} == {0, 1, 2, 3}
    assert set(due(run)[ids[0]]) == {"id", "due_shard", "due_at"}
    for job_id in ids[:20]:
        acquire(job_id, "w")
        move(job_id, Status.COMPLETED)
    for job_id in ids[20:30]:
        move(job_id, Status.CANCELLED)
    assert set(due(run)) == set(ids[30:])


def test_finished_jobs_alone_expire(run, settings, new_job):
    from pipeline.models.job import ALLOWED, FINISHED, Status, move
    from pipeline.tasks.tracking import acquire

    settings(job_keep_seconds=1000)
    expiring = {}
    for status in Status:
        job_id = new_job()
        if status is not Status.PENDING:
            if status in ALLOWED[Status.PENDING]:
                (acquire(job_id, "w") if status is Status.PROCESSING else move(job_id, status))
            else:
                acquire(job_id, "w")
                move(job_id, status)
        item = table(run).get_item(Key={"id": job_id})["Item"]
        assert item["status"] == status
        expiring[status] = item.get("expires_at")
    assert {status for status, at in expiring.items() if at is not None} == FINISHED
    for at in filter(None, expiring.values()):
        assert at == int(at)
        assert 900 < float(at) - time.time() < 1010


def test_a_replayed_job_expires_no_more_and_is_due_at_once(run, new_job):
    from pipeline.models.job import Status, move
    from pipeline.tasks.tracking import acquire

    job_id = new_job()
    acquire(job_id, "w")
    move(job_id, Status.FAILED, {"error": {"type": "t", "message": "m"}})
    move(job_id, Status.PENDING, {"error": None})
    item = table(run).get_item(Key={"id": job_id})["Item"]
    assert {"expires_at", "finished_at", "error"}.isdisjoint(item)
    assert item["due_at"] <= time.time()


def test_what_is_no_job_is_in_no_index(run, settings):
    from pipeline.models.creation import create_once

    created = create_once(document(), "public", "key")
    items = table(run).scan()["Items"]
    assert len(items) == 2
    [record] = [item for item in items if item["id"] != created.job_id]
    assert {"owner", "created_at", "due_shard", "due_at"}.isdisjoint(record)
    assert record["expires_at"] > time.time()


def test_reserved_words_can_be_written(settings, new_job):
    from boto3.dynamodb.conditions import Attr

    from pipeline.models.job import jobs

    for word in ("status", "owner", "result", "error", "name", "value"):
        assert jobs().update(new_job(), {word: "x"}, Attr("id").exists())[word] == "x"
