"""Backup and restore on the local stack: made during work, everything destroyed, everything back."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import boto3
import httpx
import pytest

from bootcamp.course.layers import reference_layers
from bootcamp.course.weeks import all_weeks
from bootcamp.operations import backup as saving
from bootcamp.operations.local import STORES_PROGRAM
from bootcamp.providers import Fault
from bootcamp.providers.clients import OpenAIControl
from bootcamp.stack import Run, Stack
from bootcamp.stack.apps import Apps, layer_environment, prepare_stores
from bootcamp.stack.stack import DEFAULT_KEY

LAYERS = reference_layers(all_weeks()[-1])
PATIENCE = 120.0
SLOW_SECONDS = 60.0
QUICK = {"OUTBOX_INTERVAL_SECONDS": "0.2", "LEASE_SECONDS": "3", "REDRIVE_SECONDS": "5"}


def bootcamp(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "bootcamp", *words],
        env=os.environ | {"BOOTCAMP_STATE": str(folder)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def client_of(apps: Apps) -> httpx.Client:
    return httpx.Client(
        base_url=str(apps.api_url), headers=apps.headers, timeout=30, trust_env=False
    )


def upload(api: httpx.Client, text: str) -> str:
    answer = api.post("/documents", files={"file": ("note.txt", text.encode())})
    assert answer.status_code == 202, answer.text
    return str(answer.json()["job_id"])


def job(api: httpx.Client, job_id: str) -> dict[str, Any]:
    answer = api.get(f"/jobs/{job_id}")
    assert answer.status_code == 200, answer.text
    return answer.json()


def completed(api: httpx.Client, job_id: str) -> dict[str, Any]:
    deadline = time.monotonic() + PATIENCE
    while (found := job(api, job_id))["status"] != "completed":
        assert time.monotonic() < deadline, found
        time.sleep(0.2)
    return found


def found(api: httpx.Client, question: str) -> list[str]:
    answer = api.get("/search", params={"q": question})
    assert answer.status_code == 200, answer.text
    return [one["text"] for one in answer.json()["results"]]


@pytest.mark.timeout(300)
@pytest.mark.long
def test_everything_comes_back_after_all_stores_are_destroyed(tmp_path: Path) -> None:
    folder, state = tmp_path / "saved", tmp_path / "state"
    with Stack(state / "stack") as stack:
        env = stack.environment() | QUICK
        with Apps(env, LAYERS) as apps, client_of(apps) as api:
            first = completed(api, upload(api, "The harbour master keeps seven axolotls."))
            up = stack.endpoints
            openai = OpenAIControl(up.openai_url, up.control_token, DEFAULT_KEY)
            openai.script(Fault.slow(SLOW_SECONDS, times=1, on="embeddings"))
            second = upload(api, "The cook of the harbour feeds a pangolin.")
            deadline = time.monotonic() + PATIENCE
            while not any(one.ended is None for one in openai.journal("embeddings")):
                assert time.monotonic() < deadline
                time.sleep(0.1)
            done = bootcamp(state, "backup", str(folder))
            assert done.returncode == 0, done.stderr
            openai.close()
            # The stack is up, so a restore would pull the stores from under the workers.
            assert bootcamp(state, "restore", str(folder)).returncode != 0

    shutil.rmtree(state)
    done = bootcamp(state, "restore", str(folder))
    assert done.returncode == 0, done.stderr

    with Stack(state / "stack") as stack:
        env = stack.environment() | QUICK
        with Apps(env, LAYERS) as apps, client_of(apps) as api:
            assert job(api, first["job_id"]) == first
            assert "axolotls" in found(api, "Who keeps axolotls?")[0]
            completed(api, second)
            assert "pangolin" in found(api, "Who feeds a pangolin?")[0]
            third = completed(api, upload(api, "The new clerk has a quokka."))
            assert third["status"] == "completed"


def stores(run: Run, command: str, given: bytes = b"") -> bytes:
    done = subprocess.run(
        [sys.executable, STORES_PROGRAM, command],
        env=layer_environment(run.environment(), LAYERS),
        input=given,
        capture_output=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout


def test_a_missing_table_is_no_empty_backup(run: Run) -> None:
    done = subprocess.run(
        [sys.executable, STORES_PROGRAM, "save-table"],
        env=layer_environment(run.environment(), LAYERS),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )
    assert done.returncode == 1
    assert done.stderr == "There is no table jobs. `python -m pipeline.migrate` creates it.\n"


def test_a_table_is_loaded_exactly_as_it_was_saved(run: Run, tmp_path: Path) -> None:
    env = layer_environment(run.environment(), LAYERS)
    prepare_stores(env, LAYERS, tmp_path / "migrate.log")
    dynamodb = boto3.client(
        "dynamodb",
        endpoint_url=env["AWS_ENDPOINT_URL"],
        region_name=env["AWS_DEFAULT_REGION"],
        aws_access_key_id=env["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=env["AWS_SECRET_ACCESS_KEY"],
    )
    values = {
        "B": {"B": b"\x00\xff"},
        "parts": {"M": {"B": {"S": "a text"}, "list": {"L": [{"BS": [b"1", b"2"]}]}}},
        "number": {"N": "12.5"},
        "none": {"NULL": True},
    }
    items: list[dict[str, Any]] = [{"id": {"S": f"job{number}"}, **values} for number in range(60)]
    for item in items:
        dynamodb.put_item(TableName="jobs", Item=item)
    saved = stores(run, "save-table")
    assert len(saved.splitlines()) == len(items)
    assert json.loads(saved.splitlines()[0])["Item"]["B"] == {"B": "AP8="}

    dynamodb.put_item(TableName="jobs", Item={"id": {"S": "later"}})
    dynamodb.delete_item(TableName="jobs", Key={"id": {"S": "job7"}})
    stores(run, "load-table", saved)
    stored = dynamodb.scan(TableName="jobs")["Items"]
    assert sorted(stored, key=lambda one: one["id"]["S"]) == sorted(
        items, key=lambda one: one["id"]["S"]
    )


def test_blobs_are_loaded_and_others_are_deleted(run: Run) -> None:
    kept = {"uploads/one": b"1" * 100_000, "artifacts/a/b.json": b"{}"}
    for key, content in kept.items():
        path = run.blob_folder / key
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    saved = stores(run, "save-blobs")
    (run.blob_folder / "uploads/one").unlink()
    (run.blob_folder / "uploads/two").write_bytes(b"later")
    stores(run, "load-blobs", saved)
    files = [path for path in run.blob_folder.rglob("*") if path.is_file()]
    assert {
        path.relative_to(run.blob_folder).as_posix(): path.read_bytes() for path in files
    } == kept


class NoPlace:
    """A place that records its calls, and writes the command's name as the data."""

    database = owner = "pipeline"

    def __init__(self) -> None:
        self.asked: list[str] = []

    def postgres(self, *words: str, source: Any = None, out: Any = None) -> None:
        self.asked.append(words[0])
        if out:
            out.write(words[0].encode())

    def stores(self, command: str, source: Any = None, out: Any = None) -> None:
        self.asked.append(command)
        if out:
            out.write(command.encode())

    def stop(self) -> None:
        self.asked.append("stop")

    def empty_redis(self) -> None:
        self.asked.append("empty_redis")

    def migrate(self) -> None:
        self.asked.append("migrate")

    def start(self) -> None:
        self.asked.append("start")


def test_the_table_is_saved_first_and_postgres_last(tmp_path: Path) -> None:
    place = NoPlace()
    saving.backup(place, tmp_path / "saved")
    assert place.asked == ["save-table", "save-blobs", "pg_dump"]
    assert (tmp_path / "saved").stat().st_mode & 0o077 == 0
    with pytest.raises(saving.BackupError, match="exists"):
        saving.backup(place, tmp_path / "saved")


def test_nothing_is_written_before_the_writers_have_stopped(tmp_path: Path) -> None:
    saving.backup(NoPlace(), tmp_path / "saved")
    place = NoPlace()
    saving.restore(place, tmp_path / "saved")
    assert place.asked[:3] == ["stop", "empty_redis", "migrate"]
    assert place.asked[-4:] == ["load-blobs", "load-table", "migrate", "start"]
    # The old database is dropped after the new one is complete.
    assert place.asked.index("pg_restore") < len(place.asked) - 1 - place.asked[::-1].index(
        "dropdb"
    )


@pytest.mark.parametrize("name", [saving.TABLE_FILE, saving.BLOBS_FILE, saving.POSTGRES_FILE])
def test_a_damaged_backup_changes_nothing(tmp_path: Path, name: str) -> None:
    saving.backup(NoPlace(), tmp_path / "saved")
    with (tmp_path / "saved" / name).open("ab") as file:
        file.write(b"!")
    place = NoPlace()
    with pytest.raises(saving.BackupError, match=name):
        saving.restore(place, tmp_path / "saved")
    assert place.asked == []


@pytest.mark.parametrize("text", [None, "{", '{"format": 2, "made_at": 0, "files": {}}', "{}"])
def test_an_incomplete_or_foreign_backup_changes_nothing(tmp_path: Path, text: str | None) -> None:
    saving.backup(NoPlace(), tmp_path / "saved")
    contents = tmp_path / "saved" / saving.CONTENTS_FILE
    contents.unlink() if text is None else contents.write_text(text)
    place = NoPlace()
    with pytest.raises(saving.BackupError):
        saving.restore(place, tmp_path / "saved")
    assert place.asked == []
