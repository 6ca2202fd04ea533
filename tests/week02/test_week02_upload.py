"""Item 2.1: an upload is accepted at once, stored unchanged, and processed later."""

from __future__ import annotations

import hashlib
import json
import secrets
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import UUID

import boto3
import psutil
import redis

MEBIBYTE = 1024 * 1024
BOUNDARY = "limit"
MULTIPART = {"Content-Type": f"multipart/form-data; boundary={BOUNDARY}"}


def multipart(pieces: int, piece: bytes) -> Iterator[bytes]:
    """A body without Content-Length: httpx sends an iterator in chunks."""
    yield (
        f"--{BOUNDARY}\r\nContent-Disposition: form-data; name=file; filename=big.txt\r\n\r\n"
    ).encode()
    for _ in range(pieces):
        yield piece
    yield f"\r\n--{BOUNDARY}--\r\n".encode()


class PeakMemory:
    """The most resident memory that a process has while the block runs, in bytes above the start."""

    def __init__(self, pid: int) -> None:
        self._process = psutil.Process(pid)
        self._stop = threading.Event()
        self.peak = 0

    def __enter__(self) -> PeakMemory:
        self._start = self._process.memory_info().rss
        self._thread = threading.Thread(target=self._watch)
        self._thread.start()
        return self

    def _watch(self) -> None:
        while not self._stop.wait(0.02):
            self.peak = max(self.peak, self._process.memory_info().rss - self._start)

    def __exit__(self, *error: object) -> None:
        self._stop.set()
        self._thread.join()


def test_an_upload_is_accepted_with_an_id_and_a_place_to_ask(service):
    response = service.upload()

    assert response.status_code == 202
    body = response.json()
    assert UUID(body["task_id"]).version == 4
    assert body["status_url"] == f"/tasks/{body['task_id']}" == response.headers["Location"]
    assert body["document"]["document_id"] == body["task_id"]
    assert body["document"]["filename"] == "keeper.txt"
    assert body["document"]["content_type"] == "text/plain"


def test_the_worker_gets_the_same_bytes(service):
    content = secrets.token_hex(300_000).encode()

    ended = service.end(service.upload(content).json()["task_id"])

    assert ended["status"] == "completed"
    assert ended["result"]["size"] == len(content)
    assert ended["result"]["sha256"] == hashlib.sha256(content).hexdigest()
    assert (ended["result"]["words"], ended["result"]["lines"]) == (1, 1)


def test_the_same_bytes_are_one_blob(service):
    content = secrets.token_hex(20).encode()
    before = service.stored()

    first, second = (service.upload(content, name).json() for name in ("a.txt", "b.md"))

    assert first["task_id"] != second["task_id"]
    assert service.stored() - before == {f"uploads/{hashlib.sha256(content).hexdigest()}"}
    assert second["document"]["content_type"] == "text/markdown"
    assert {service.end(one["task_id"])["status"] for one in (first, second)} == {"completed"}


def test_it_is_accepted_while_no_worker_runs_and_only_a_reference_is_queued(run, start):
    content = secrets.token_hex(1000).encode()
    with start(run, workers=0) as service:
        accepted = service.upload(content).json()
        assert service.status(accepted["task_id"]).json()["status"] == "pending"

    broker = redis.Redis.from_url(f"{run.redis_url}/0")
    [message] = broker.lrange("celery", 0, -1)
    assert len(message) < 4096
    assert content[:40] not in message
    assert json.loads(message)["headers"]["id"] == accepted["task_id"]


def test_many_clients_at_once_each_get_their_own_document(service):
    contents = [secrets.token_bytes(150_000).hex().encode() for _ in range(20)]

    with ThreadPoolExecutor(10) as clients:
        answers = list(clients.map(service.upload, contents))

    assert {answer.status_code for answer in answers} == {202}
    results = [service.end(answer.json()["task_id"])["result"] for answer in answers]
    assert [result["sha256"] for result in results] == [
        hashlib.sha256(content).hexdigest() for content in contents
    ]


def test_a_large_upload_takes_little_memory(run, start):
    with start(run, workers=0, MAX_UPLOAD_BYTES=str(256 * MEBIBYTE)) as service:
        service.upload()  # warm: what the first request imports is no part of it
        with PeakMemory(service.apps.api.pid) as memory:
            response = service.http.post(
                "/documents/upload", content=multipart(200, b"m" * MEBIBYTE), headers=MULTIPART
            )
        assert response.status_code == 202, response.text
        assert memory.peak < 48 * MEBIBYTE


def test_it_runs_on_s3(run, start, bucket):
    content = secrets.token_bytes(6 * MEBIBYTE).hex().encode()  # more than one part
    with start(run, BLOB_STORE_URL=f"s3://{bucket}/bootcamp") as service:
        accepted = service.upload(content).json()
        assert service.end(accepted["task_id"])["result"]["size"] == len(content)

    digest = hashlib.sha256(content).hexdigest()
    listed = boto3.session.Session().client("s3").list_objects_v2(Bucket=bucket)["Contents"]
    assert [item["Key"] for item in listed] == [f"bootcamp/uploads/{digest}"]


def test_a_field_before_the_file_does_no_harm(service):
    files = {"file": ("a.txt", b"words")}
    response = service.http.post("/documents/upload", data={"note": "x" * 1000}, files=files)
    assert response.status_code == 202


def test_the_description_names_every_answer(service):
    described = service.http.get("/openapi.json").json()["paths"]

    upload = described["/documents/upload"]["post"]
    assert set(upload["responses"]) == {"202", "408", "413", "415", "422", "503"}
    assert "multipart/form-data" in upload["requestBody"]["content"]
    assert "Location" in upload["responses"]["202"]["headers"]
    assert {"200", "404", "503"} <= set(described["/tasks/{task_id}"]["get"]["responses"])
