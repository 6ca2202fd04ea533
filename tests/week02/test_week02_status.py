"""Items 2.0, 2.3 and 2.4: a waiting task, its progress, and three different ends."""

from __future__ import annotations

import json
from uuid import uuid4

import pytest
import redis


@pytest.fixture
def results(service):
    """The result backend, read as an outsider."""
    return redis.Redis.from_url(f"{service.run.redis_url}/1")


def test_progress_is_a_custom_state_that_only_grows(service, results):
    channel = results.pubsub(ignore_subscribe_messages=True)
    channel.psubscribe("celery-task-meta-*")
    channel.get_message(timeout=1)

    task_id = service.upload(b"a word\n" * 500_000).json()["task_id"]
    service.end(task_id)

    seen = []
    while message := channel.get_message(timeout=1):
        if message["channel"].decode().endswith(task_id):
            seen.append(json.loads(message["data"]))
    progress = [meta["result"]["percent"] for meta in seen if meta["status"] == "PROGRESS"]
    assert progress[0] == 0
    assert progress[-1] == 100
    assert progress == sorted(set(progress))
    assert 5 <= len(progress) <= 12
    assert {meta["result"]["step"] for meta in seen if meta["status"] == "PROGRESS"} == {"counting"}


def test_the_status_moves_from_pending_over_processing_to_completed(run, start):
    with start(run, workers=1, WORKER_CONCURRENCY="1") as service:
        results = redis.Redis.from_url(f"{run.redis_url}/1")
        task_id = service.upload().json()["task_id"]
        key = f"celery-task-meta-{task_id}"
        service.end(task_id)

        # The worker is faster than a client that asks. So put each state back, as it was stored.
        for state, info, shown in [
            ("QUEUED", {"step": "queued", "percent": 0}, "pending"),
            ("PROGRESS", {"step": "counting", "percent": 40}, "processing"),
            ("STARTED", None, "processing"),
            ("SUCCESS", {"size": 1}, "completed"),
        ]:
            results.set(key, json.dumps({"status": state, "result": info, "task_id": task_id}))
            body = service.status(task_id).json()
            assert set(body) == {"task_id", "status", "progress", "result", "error"}
            assert (body["task_id"], body["status"]) == (task_id, shown)
            if shown in {"pending", "processing"} and info:
                assert body["progress"] == info


def test_a_large_document_is_seen_processing_from_outside(service):
    task_id = service.upload(b"word " * 5_000_000).json()["task_id"]

    seen = []

    def ended():
        body = service.status(task_id).json()
        seen.append((body["status"], (body["progress"] or {}).get("percent")))
        return body if body["status"] == "completed" else None

    service.until(ended)
    assert any(status == "processing" for status, _ in seen)
    percents = [percent for status, percent in seen if status == "processing"]
    assert percents == sorted(percents)


def test_a_result_has_no_error_and_an_error_has_no_result(service):
    done = service.end(service.upload().json()["task_id"])

    assert done["status"] == "completed"
    assert done["error"] is None
    assert (done["result"]["lines"], done["result"]["words"]) == (2, 9)
    assert done["result"]["filename"] == "keeper.txt"


def test_an_error_shows_its_type_and_a_safe_message(run, start):
    with start(run, workers=0) as service:
        task_id = service.upload().json()["task_id"]
        for key in service.stored():
            (run.blob_folder / key).unlink()
    with start(run) as service:
        response = service.status(task_id)
        failed = service.end(task_id)
        response = service.status(task_id)

    assert failed["status"] == "failed"
    assert failed["result"] is None
    assert failed["error"] == {
        "type": "blob_not_found",
        "message": "The stored document no longer exists.",
    }
    for secret in ("Traceback", ".py", str(run.blob_folder), "uploads/", "redis://"):
        assert secret not in response.text


def test_an_error_that_nobody_foresaw_tells_nothing(service, results):
    task_id = service.upload().json()["task_id"]
    service.end(task_id)
    key = f"celery-task-meta-{task_id}"
    for module, kind in [
        ("builtins", "ValueError"),
        ("redis.exceptions", "ConnectionError"),
        ("no.such.module", "Secret"),
        ("os", "system"),
    ]:
        error = {"exc_type": kind, "exc_module": module, "exc_message": ["redis://:hunter2@db"]}
        meta = {"status": "FAILURE", "result": error, "traceback": "Traceback hunter2"}
        results.set(key, json.dumps(meta | {"task_id": task_id}))
        response = service.status(task_id)
        assert "hunter2" not in response.text
        assert response.status_code == 200, response.text
        assert response.json()["status"] == "failed"
        assert response.json()["error"]["type"] == "internal_error"


def test_an_id_that_nobody_submitted_is_unknown(service):
    unknown = service.status(str(uuid4()))
    assert unknown.status_code == 404
    assert unknown.json()["type"] == "task_not_found"


@pytest.mark.parametrize("task_id", ["1", "%00", "..%2f..", "x" * 5000, "celery-task-meta-1", "é"])
def test_a_malformed_id_is_a_client_error(service, task_id):
    assert service.status(task_id).status_code in {404, 422}


def test_a_submission_is_forgotten_when_results_expire(service, results):
    task_id = service.upload().json()["task_id"]
    service.end(task_id)
    assert 0 < results.ttl(f"celery-task-meta-{task_id}") <= 3600
