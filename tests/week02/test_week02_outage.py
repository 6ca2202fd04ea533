"""Item 2.5: the API while Redis or the blob store is unavailable. A hang would take minutes."""

from __future__ import annotations

import os
import signal
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import boto3
import pytest
import redis

BOUND_SECONDS = 20.0
"""Much longer than a rejection takes (measured: under 5 s), and much shorter than a hang."""
HEALTH_SECONDS = 2.0


@contextmanager
def stopped(run):
    run.redis.stop()
    try:
        yield
    finally:
        run.redis.start()


@contextmanager
def silent(run):
    """Redis accepts connections and never answers, as if the network dropped packets."""
    os.kill(run.redis.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(run.redis.process.pid, signal.SIGCONT)


OUTAGES = pytest.mark.parametrize("outage", [stopped, silent])


def refused(response, kind: str) -> None:
    assert response.status_code == 503, response.text
    assert int(response.headers["Retry-After"]) > 0
    assert response.json()["type"] == kind


@OUTAGES
def test_uploads_and_questions_are_refused_in_time_and_accepted_again_after(run, start, outage):
    with start(run) as service:
        known = service.upload().json()["task_id"]
        service.end(known)
        with outage(run):
            begun = time.monotonic()
            refused(service.upload(b"lost " * 100), "broker_unavailable")
            refused(service.status(known), "results_unavailable")
            assert time.monotonic() - begun < BOUND_SECONDS

        answer = service.upload(b"found " * 100)
        assert answer.status_code == 202, answer.text
        assert service.end(answer.json()["task_id"])["status"] == "completed"


def test_an_api_that_starts_without_redis_refuses_and_recovers(run, start):
    with start(run, workers=0) as service:
        with stopped(run):
            service.apps.api.stop()
            service.apps.api.start()
            service.until(lambda: healthy(service))
            refused(service.upload(), "broker_unavailable")
        assert service.upload().status_code == 202


def healthy(service):
    try:
        return service.http.get("/health").status_code == 200 or None
    except OSError:
        return None
    except Exception as error:
        if type(error).__module__.startswith("httpx"):
            return None
        raise


@OUTAGES
def test_others_are_answered_while_many_uploads_wait(run, start, outage):
    with start(run, workers=0) as service:
        service.upload()
        with outage(run), ThreadPoolExecutor(40) as clients:
            begun = time.monotonic()
            uploads = [clients.submit(service.upload, b"%d words" % n) for n in range(40)]
            slowest = 0.0
            while not all(upload.done() for upload in uploads):
                asked = time.monotonic()
                assert service.http.get("/health").status_code == 200
                slowest = max(slowest, time.monotonic() - asked)
            assert time.monotonic() - begun < BOUND_SECONDS
            assert slowest < HEALTH_SECONDS
            for upload in uploads:
                refused(upload.result(), "broker_unavailable")


def test_after_a_refusal_nothing_dangles(run, start):
    with start(run, workers=0) as service:
        with stopped(run):
            refused(service.upload(), "broker_unavailable")

        for database in (0, 1):
            client = redis.Redis.from_url(f"{run.redis_url}/{database}")
            assert [key for key in client.scan_iter() if not key.startswith(b"_kombu")] == []
        assert all(key.startswith("uploads/") for key in service.stored())


def test_a_message_that_the_broker_refuses_leaves_no_record(run, start):
    """Redis runs and rejects writes to the queue, because its memory is full."""
    with start(run, workers=0) as service:
        accepted = service.upload().json()["task_id"]
        client = redis.Redis.from_url(f"{run.redis_url}/0")
        client.delete("celery")
        client.set("celery", "no list: every LPUSH fails")
        refused(service.upload(), "broker_unavailable")

        results = redis.Redis.from_url(f"{run.redis_url}/1")
        assert results.keys("celery-task-meta-*") == [f"celery-task-meta-{accepted}".encode()]


def test_redis_goes_and_comes_in_the_middle_of_many_uploads(run, start):
    """Every 202 is kept: what was accepted is in the queue or done. (Redis keeps no file here, so
    it is made silent and not stopped.)"""
    accepted, refusals, stop = [], [], threading.Event()

    with start(run) as service:

        def client(number: int) -> None:
            turn = 0
            while not stop.is_set():
                turn += 1
                answer = service.upload(b"client %d turn %d" % (number, turn))
                if answer.status_code == 202:
                    accepted.append(answer.json()["task_id"])
                else:
                    refused(answer, "broker_unavailable")
                    refusals.append(answer)

        with ThreadPoolExecutor(4) as clients:
            running = [clients.submit(client, number) for number in range(4)]
            service.until(lambda: len(accepted) > 10 or None)
            with silent(run):
                service.until(lambda: len(refusals) > 3 or None)
            before = len(accepted)
            service.until(lambda: len(accepted) > before + 10 or None)
            stop.set()
            for one in running:
                one.result()

        for task_id in accepted:
            assert service.end(task_id)["status"] == "completed"


def test_a_lost_folder_is_a_503_and_not_a_traceback(run, start):
    with start(run, workers=0) as service:
        folder = run.blob_folder
        for path in sorted(folder.rglob("*"), reverse=True):
            path.rmdir() if path.is_dir() else path.unlink()
        folder.rmdir()
        folder.write_text("no folder")
        try:
            refused(service.upload(), "blob_store_unavailable")
        finally:
            folder.unlink()
        assert service.upload().status_code == 202


def test_a_lost_s3_is_a_503_in_time(run, start, bucket):
    store = {"BLOB_STORE_URL": f"s3://{bucket}"}
    with start(run, workers=0, AWS_ENDPOINT_URL="http://127.0.0.1:1", **store) as service:
        begun = time.monotonic()
        refused(service.upload(), "blob_store_unavailable")
        assert time.monotonic() - begun < BOUND_SECONDS
    with start(run, workers=0, BLOB_STORE_URL="s3://no-such-bucket") as service:
        refused(service.upload(), "blob_store_unavailable")
    assert boto3.session.Session().client("s3").list_objects_v2(Bucket=bucket)["KeyCount"] == 0
