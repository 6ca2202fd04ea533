"""`GET /events`: snapshot, changes, resuming, slow readers, other owners, and what ends a stream."""

from __future__ import annotations

import json
import socket
import time
from typing import Any
from urllib.parse import urlsplit

import pytest

from tests.week03.conftest import poll
from tests.week07.conftest import CHANNEL, new_row, serving


@pytest.fixture(scope="module")
def run(stack):
    """One for all tests here."""
    with stack.isolated() as run:
        yield run


@pytest.fixture(scope="module")
def api(run, tmp_path_factory):
    quick: dict[str, Any] = {
        "EVENTS_HEARTBEAT_SECONDS": "1",
        "EVENTS_QUEUE": "100",
        "EVENTS_KEEP": "40",
        "EVENTS_OVERLAP_SECONDS": "0.5",
    }
    with serving(run, tmp_path_factory.mktemp("apps"), **quick) as api:
        yield api


def publish_many(api, count, name="note.txt", owner="public"):
    """Publish changes of jobs that exist, one after the other, and return their rows."""
    rows = [api.put_row(owner, name=name) for _ in range(count)]
    for row in rows:
        api.publish(row)
    return rows


BURST, LONG_NAME = 300, 64_000
"""19 MB: the buffers of a connection hold 5 MB at most here, and the queue 3 MB."""


def ids_of(watcher, kind="job"):
    return [event.data["job_id"] for event in list(watcher.events) if event.type == kind]


def test_a_job_is_told_from_upload_to_end(api):
    watcher = api.watch()
    snapshot = watcher.wait_for("snapshot")
    job_id = api.accepted(name="keeper.txt")
    watcher.wait(lambda _: [job for job in watcher.jobs(job_id) if job["status"] == "completed"])
    seen = watcher.jobs(job_id)
    revisions = [job["revision"] for job in seen]
    assert revisions == sorted(set(revisions))
    assert [job["progress"]["percent"] for job in seen][-1] == 100
    steps = [job["progress"]["step"] for job in seen]
    assert list(dict.fromkeys(steps)) == [None, "parse", "chunk", "embed", "index"]
    assert seen[-1]["result"]["chunks"] == 1
    assert snapshot.id != watcher.events[-1].id
    assert seen[-1] == api.job(job_id)


def test_the_headers_keep_proxies_and_caches_out(api):
    with api.http.stream("GET", "/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        assert answer.headers["cache-control"] == "no-cache"
        assert answer.headers["x-accel-buffering"] == "no"


def test_the_snapshot_is_what_the_list_answers(api):
    row = api.put_row(name="in the list.txt")
    snapshot = api.watch().wait_for("snapshot").data
    assert snapshot == api.http.get("/jobs", params={"limit": 50}).json()
    assert row["id"] in [job["job_id"] for job in snapshot["jobs"]]


def test_a_browser_resumes_behind_what_it_has(api):
    first = api.watch()
    seen = publish_many(api, 2)
    first.wait(lambda _: seen[-1]["id"] in ids_of(first))
    last = first.events[-1].id
    rows = publish_many(api, 3)
    first.wait(lambda _: rows[-1]["id"] in ids_of(first))
    second = api.watch(last)
    second.wait(lambda _: len(ids_of(second)) >= 3)
    assert ids_of(second) == [row["id"] for row in rows]
    assert not [event for event in second.events if event.type == "snapshot"]


@pytest.mark.parametrize(
    "last", ["", "nonsense", "0-0", "deadbeef-3", "-1", "ü-1", "1" * 400, "٣-٣"]
)
def test_an_id_that_is_not_ours_gets_a_snapshot(api, last):
    headers = {"Last-Event-ID": last.encode()}
    with api.http.stream("GET", "/events", headers=headers) as answer:
        assert answer.status_code == 200
        lines = answer.iter_lines()
        assert next(line for line in lines if line.startswith("event:")) == "event: snapshot"


def test_a_gap_that_is_too_old_gets_a_snapshot(api):
    first = api.watch()
    position = first.wait_for("snapshot").id
    publish_many(api, 1)
    first.wait_for("job")
    publish_many(api, 45)  # the log of these tests keeps 40
    first.wait(lambda _: len(ids_of(first)) >= 46)
    assert api.watch(position).wait_for("snapshot")
    epoch, number = first.events[-1].id.split("-")
    within = api.watch(f"{epoch}-{int(number) - 40}")
    within.wait(lambda _: len(ids_of(within)) == 40)
    ahead = api.watch(f"{epoch}-{int(number) + 5}")
    assert ahead.wait_for("snapshot")


def test_the_snapshot_is_followed_by_the_latest_changes(api):
    """The index may not have them yet, so they come again."""
    [row] = publish_many(api, 1)
    watcher = api.watch()
    watcher.wait(lambda _: row["id"] in ids_of(watcher))


def test_nothing_of_another_owner_appears(api):
    watcher = api.watch()
    watcher.wait_for("snapshot")
    theirs = publish_many(api, 3, "theirs.txt", owner="somebody-else")
    with api.redis() as client:
        progress = {"job_id": theirs[0]["id"], "step": "embed", "percent": 60}
        message = {"type": "progress", "owner": "somebody-else", "progress": progress}
        client.publish(CHANNEL, json.dumps(message))
    ours = publish_many(api, 1, "ours.txt")
    watcher.wait(lambda _: ours[0]["id"] in ids_of(watcher))
    resumed = api.watch(watcher.wait_for("snapshot").id)
    resumed.wait(lambda _: ours[0]["id"] in ids_of(resumed))
    for one in (watcher, resumed):
        text = json.dumps([event.data for event in one.events])
        assert "theirs" not in text and "somebody-else" not in text
        assert not any(row["id"] in text for row in theirs)


def test_nothing_private_is_on_the_stream(api):
    watcher = api.watch()
    watcher.wait_for("snapshot")
    row = api.put_row(
        name="secret.txt", lease_owner="worker-7", dead_letter={"detail": "Traceback (most recent)"}
    )
    api.publish(row)
    watcher.wait(lambda _: row["id"] in ids_of(watcher))
    text = json.dumps([event.data for event in watcher.events])
    assert "worker-7" not in text and "Traceback" not in text and '"owner"' not in text


def test_a_silent_stream_has_a_heartbeat(api):
    watcher = api.watch()
    watcher.wait(lambda all: len([event for event in all if event.type == "heartbeat"]) >= 2, 6)
    assert all(event.id is None for event in watcher.events if event.type == "heartbeat")


def test_messages_that_make_no_sense_change_nothing(api):
    watcher = api.watch()
    watcher.wait_for("snapshot")
    with api.redis() as client:
        for text in ("", "no json", "[]", "{}", '{"type": "job"}', b"\xff\xfe", "null"):
            client.publish(CHANNEL, text)
    [row] = publish_many(api, 1)
    watcher.wait(lambda _: row["id"] in ids_of(watcher))


def test_progress_within_a_step_is_published_and_not_written(api):
    """Two batches of texts: the first one ends in the middle of the step."""
    watcher = api.watch()
    watcher.wait_for("snapshot")
    text = "\n\n".join(
        f"Paragraph {n}: the harbour was calm. " + "Tide. " * 110 for n in range(700)
    )
    job_id = api.accepted(text.encode(), "long.txt")
    watcher.wait(lambda _: [j for j in watcher.jobs(job_id) if j["status"] == "completed"], 60)
    progress = [event for event in watcher.events if event.type == "progress"]
    assert progress and all(event.id is None for event in progress)
    assert {event.data["step"] for event in progress} == {"embed"}
    assert all(50 < event.data["percent"] <= 80 for event in progress)
    written = {job["progress"]["percent"] for job in watcher.jobs(job_id)}
    assert written <= {0, 40, 50, 80, 100}


def test_a_reader_that_does_not_read_is_closed(run, tmp_path):
    """The others go on, and the API keeps no backlog for it."""
    with serving(run, tmp_path, workers=0, EVENTS_QUEUE="50") as api:
        other = api.watch()
        other.wait_for("snapshot")
        where = urlsplit(str(api.http.base_url))
        with socket.create_connection((where.hostname, where.port)) as slow:
            slow.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            slow.sendall(b"GET /events HTTP/1.1\r\nHost: here\r\nConnection: close\r\n\r\n")
            slow.recv(1024)
            publish_a_burst(api, other)
            slow.settimeout(20)
            received = 0
            while data := slow.recv(65536):  # what had been written before, and then the end
                received += len(data)
        assert received < BURST * LONG_NAME
        assert not other.ended.is_set()


def publish_a_burst(api, reader):
    """Publish more than the queue and the buffers of a connection hold, as fast as `reader` reads it."""
    row = api.put_row(name="x" * LONG_NAME)
    job = {name: value for name, value in row.items() if name != "kind"}
    message = json.dumps({"type": "job", "owner": "public", "job": job}, default=float)
    with api.redis() as client:
        for number in range(1, BURST + 1):
            client.publish(CHANNEL, message)
            if number % 20 == 0:
                reader.wait(lambda _, number=number: len(ids_of(reader)) >= number, 30)


def test_streams_per_owner_are_limited(run, tmp_path):
    with serving(run, tmp_path, workers=0, EVENTS_STREAMS_PER_OWNER="2") as api:
        watchers = [api.watch() for _ in range(2)]
        refused = api.http.get("/events")
        assert (refused.status_code, refused.json()["type"]) == (429, "too_many_streams")
        watchers[0].close()
        poll(lambda: api.watch().status == 200 or None)


def test_a_deploy_ends_the_streams_at_once(run, tmp_path):
    with serving(run, tmp_path, workers=0) as api:
        watchers = [api.watch() for _ in range(5)]
        started = time.monotonic()
        api.apps.api.stop()
        assert time.monotonic() - started < 3
        for watcher in watchers:
            assert watcher.ended.wait(5)


def test_a_lost_message_is_wrong_for_no_longer_than_a_refresh(run, tmp_path):
    with serving(
        run, tmp_path, workers=0, EVENTS_REFRESH_SECONDS="1", EVENTS_HEARTBEAT_SECONDS="0.5"
    ) as api:
        watcher = api.watch()
        watcher.wait_for("snapshot")
        row = api.put_row(name="never published.txt")
        watcher.wait(
            lambda all: [
                event
                for event in all
                if event.type == "snapshot"
                and row["id"] in [job["job_id"] for job in event.data["jobs"]]
            ]
        )


def test_without_redis_streams_end_and_come_back(stack, tmp_path):
    with stack.isolated() as run, serving(run, tmp_path, workers=0) as api:
        watcher = api.watch()
        position = watcher.wait_for("snapshot").id
        with api.redis() as client:
            client.config_set("timeout", 0)
            client.client_kill_filter(_type="pubsub")
        assert watcher.ended.wait(5)
        again = poll(lambda: next((w for w in [api.watch(position)] if w.status == 200), None))
        assert again.wait_for("snapshot").id != position
        row = new_row(name="after.txt")
        api.publish(row)
        again.wait(lambda _: row["id"] in ids_of(again))
