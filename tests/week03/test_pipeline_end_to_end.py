"""3.5: a document goes in by HTTP, moves through four steps on real workers, and can be found."""

from __future__ import annotations

import random
import re
import threading
import time
from urllib.parse import urlsplit

import boto3
import psutil
import pytest
import redis

from autograder.process.fork_client import Host
from autograder.process.student import Student
from bootcamp.providers.faults import Fault
from bootcamp.samples.documents import Document, document, random_document, random_pages
from tests.samples import hostile
from tests.week03.conftest import LAYERS, Api, poll, rows, serving

STEPS = ["queued", "parse", "chunk", "embed", "index"]


def made_up_words(text: str) -> list[str]:
    return re.findall(r"\b(?:[a-z]\d){3}\b", text)


def can_be_found(api: Api, made: Document) -> bool:
    """Whether a word that only one page has leads to that page first."""
    number, text = max(enumerate(made.pages, 1), key=lambda page: page[0])
    best = api.search(made_up_words(text)[0])[0]
    paged = made.name.endswith((".pdf", ".docx"))
    return bool(best["filename"] == made.name and best["page"] == (number if paged else 1))


@pytest.mark.parametrize("kind", ["pdf", "docx", "md", "txt"])
def test_from_upload_to_the_right_page(api, kind):
    made = random_document(random.Random(kind), kind, pages=4)
    document_id = api.upload(made.name, made.content)
    done = api.finished(document_id)
    [(chunks,)] = rows(api.run, "SELECT count(*) FROM chunks WHERE document_id = %s", document_id)
    pages = 4 if kind in ("pdf", "docx") else 1
    assert done["result"] == {"document_id": document_id, "pages": pages, "chunks": chunks}
    assert chunks >= pages
    assert can_be_found(api, made)


def test_progress_moves_forward_through_the_steps(api):
    made = random_document(random.Random(1), "pdf", pages=60)
    document_id = api.upload(made.name, made.content)
    seen = []
    while (status := api.status(document_id))["status"] in ("pending", "processing"):
        seen.append((status["progress"]["percent"], STEPS.index(status["progress"]["step"])))
    assert status["status"] == "completed"
    assert seen == sorted(seen)
    assert len({step for _, step in seen}) >= 4, seen


def test_only_references_travel(api):
    """Nothing that Redis is sent holds a word of the document, and everything stays small."""
    secret = "q7f3k9z1marker"
    made = document("pdf", [f"{secret} {text}" for text in random_pages(random.Random(2), 40)])
    commands: list[str] = []
    client = redis.Redis.from_url(api.run.redis_url)
    with client.monitor() as monitor:
        stop = threading.Event()

        def listen() -> None:
            for command in monitor.listen():
                commands.append(command["command"])
                if stop.is_set():
                    return

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        api.finished(api.upload(made.name, made.content))
        stop.set()
        client.ping()
        thread.join(5)
    assert sum("pipeline.embed_chunks" in command for command in commands) > 0
    assert not [command for command in commands if secret in command]
    assert max(map(len, commands)) < 20_000


def test_equal_content_is_a_document_of_its_own(api):
    made = random_document(random.Random(3), "md")
    first, second = (api.upload(made.name, made.content) for _ in range(2))
    assert {api.finished(one)["status"] for one in (first, second)} == {"completed"}
    query = "SELECT document_id FROM documents WHERE document_id IN (%s, %s)"
    assert len(rows(api.run, query, first, second)) == 2


TAKEN = {
    "encrypted_pdf": "encrypted_document",
    "truncated_pdf": "damaged_document",
    "pdf_header_only": "damaged_document",
    "pdf_without_text": "no_text_in_document",
    "pdf_stream_bomb": "damaged_document",
    "pdf_page_tree_loop": "damaged_document",
    "pdf_with_many_pages": "document_too_slow",
    "docx_zip_bomb": "document_too_large",
    "docx_lying_about_size": "damaged_document",
    "docx_entity_bomb": "damaged_document",
    "empty_docx": "no_text_in_document",
    "white_space": "no_text_in_document",
}
"""Hostile files that the upload lets in, and the error that each must end with."""


def test_the_worker_survives_every_hostile_file(run, tmp_path):
    with serving(run, tmp_path, PARSE_LIMITS__CPU_SECONDS="2") as api:
        before = slots(api)
        sent = {}
        for name in TAKEN:
            kind = "docx" if "docx" in name else "txt" if name == "white_space" else "pdf"
            sent[name] = api.upload(f"{name}.{kind}", hostile.ALL[name]())
        good = random_document(random.Random(4), "pdf")
        last = api.upload(good.name, good.content)
        errors = {
            name: api.finished(document_id, 120)["error"] for name, document_id in sent.items()
        }
        assert {name: error["type"] for name, error in errors.items()} == TAKEN
        assert all(error["message"] for error in errors.values())
        assert api.finished(last)["status"] == "completed"
        assert can_be_found(api, good)
        assert slots(api) == before, "a worker process died"
        assert rows(run, "SELECT filename FROM documents") == [(good.name,)]


def slots(api: Api) -> set[int]:
    """The worker's pool processes."""
    workers = [psutil.Process(worker.pid) for worker in api.apps.workers]
    return {
        child.pid
        for worker in workers
        for child in worker.children(recursive=True)
        if "parse_child" not in " ".join(child.cmdline())
    }


def enqueue(host: Host, api: Api, folder, document_id: str) -> None:
    """Send a document's message once more, as a broker may."""
    folder.mkdir(exist_ok=True)
    code = Student(LAYERS, api.run.environment(), folder, host)
    blobs = api.run.blob_folder / "uploads"
    newest = max(blobs.iterdir(), key=lambda path: path.stat().st_mtime)
    ref = {
        "document_id": document_id,
        "blob_key": f"uploads/{newest.name}",
        "filename": "again.pdf",
        "content_type": "application/pdf",
    }
    name = "ingest_document.apply_async"
    code.ask("pipeline.tasks.document_pipeline", name, args=[ref], task_id=document_id)
    code.stop()


def test_a_failed_step_fails_the_document_and_is_not_paid_for_twice(host, run, tmp_path):
    with serving(run, tmp_path / "apps") as api:
        run.openai.script(Fault.status(500))
        made = random_document(random.Random(5), "pdf")
        document_id = api.upload(made.name, made.content)
        failed = api.finished(document_id)
        assert failed["status"] == "failed"
        assert failed["error"]["type"] == "internal_error"
        assert "Traceback" not in str(failed)
        artifacts = run.blob_folder / "artifacts" / document_id
        made_once = {path.name: path.stat().st_mtime_ns for path in artifacts.iterdir()}
        assert {name.partition("-")[0] for name in made_once} == {"parse", "chunk"}

        enqueue(host, api, tmp_path / "caller", document_id)
        done = poll(lambda: ((s := api.status(document_id))["status"] == "completed" and s) or None)
        assert done["result"]["pages"] == 3
        now = {path.name: path.stat().st_mtime_ns for path in artifacts.iterdir()}
        assert made_once.items() <= now.items(), "an earlier step ran again"

        asked = len(run.openai.journal())
        enqueue(host, api, tmp_path / "caller", document_id)  # a late copy of the message
        poll(lambda: api.worker_log().count("succeeded") >= 10 or None)
        assert api.status(document_id)["status"] == "completed"
        assert len(run.openai.journal()) == asked, "the embeddings were paid for twice"
        assert len(rows(run, "SELECT 1 FROM documents")) == 1


def test_a_database_that_is_away_fails_the_document_with_a_safe_error(run, tmp_path):
    with serving(run, tmp_path) as api:
        made = random_document(random.Random(6), "md")
        with run.postgres_outage():
            failed = api.finished(api.upload(made.name, made.content))
        assert failed["status"] == "failed"
        assert run.id not in str(failed)
        assert api.finished(api.upload(made.name, made.content))["status"] == "completed"


def test_blobs_on_s3(run, tmp_path):
    environment = run.environment()
    s3 = boto3.client(
        "s3",
        endpoint_url=environment["AWS_ENDPOINT_URL"],
        region_name=environment["AWS_DEFAULT_REGION"],
        aws_access_key_id=environment["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=environment["AWS_SECRET_ACCESS_KEY"],
    )
    s3.create_bucket(Bucket="documents")
    with serving(run, tmp_path, BLOB_STORE_URL="s3://documents/week3") as api:
        made = random_document(random.Random(7), "pdf")
        document_id = api.upload(made.name, made.content)
        assert api.finished(document_id)["status"] == "completed"
        assert can_be_found(api, made)
    keys = [item["Key"] for item in s3.list_objects_v2(Bucket="documents")["Contents"]]
    steps = [key.split("/")[3].partition("-")[0] for key in keys if "artifacts" in key]
    assert sorted(steps) == ["chunk", "embed", "parse"]
    assert all(urlsplit(key).path.startswith("week3/") for key in keys)


def test_three_hundred_pages(api):
    made = random_document(random.Random(8), "pdf", pages=300, words=300)
    started = time.monotonic()
    done = api.finished(api.upload(made.name, made.content), 240)
    seconds = time.monotonic() - started
    print(f"300 pages in {seconds:.1f} s")
    assert done["result"]["pages"] == 300
    assert can_be_found(api, made)
