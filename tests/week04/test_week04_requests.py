"""4.4 and 4.5: requests that may be sent twice, and lists in pages, over HTTP."""

from __future__ import annotations

import base64
import json
import random
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from uuid import UUID, uuid4

import pytest
from boto3.dynamodb.conditions import Attr
from botocore.exceptions import ClientError

from tests.week03.conftest import poll
from tests.week04.conftest import TEXT, serving, table
from tests.week04.proxy import Proxy


@pytest.fixture(scope="module")
def api(stack, tmp_path_factory):
    """No worker: here jobs are made and read. Nothing is re-sent meanwhile."""
    with (
        stack.isolated() as run,
        serving(run, tmp_path_factory.mktemp("apps"), workers=0, PUBLISH_SECONDS="600") as api,
    ):
        yield api


def blobs(api) -> set[str]:
    return {path.name for path in (api.run.blob_folder / "uploads").iterdir()}


def jobs_in_table(api) -> list[dict]:
    """Every job; none where no job has ever been made, and so no table."""
    try:
        return table(api.run).scan(FilterExpression=Attr("created_at").exists())["Items"]
    except ClientError as error:
        assert error.response["Error"]["Code"] == "ResourceNotFoundException"
        return []


def test_a_document_is_accepted_as_a_job(api):
    answer = api.submit(name="../../keeper.txt")
    body = answer.json()
    assert answer.status_code == 202
    assert body["status_url"] == answer.headers["Location"] == f"/jobs/{body['job_id']}"
    assert body["document"]["document_id"] == body["job_id"]
    assert body["document"]["filename"] == "keeper.txt"
    assert "Idempotency-Replayed" not in answer.headers
    job = api.job(body["job_id"])
    assert job["status"] == "pending"
    assert job["progress"] == {"step": None, "percent": 0}
    assert [step["name"] for step in job["steps"]] == ["parse", "chunk", "embed", "index"]
    assert job["expires_at"] is job["finished_at"] is job["result"] is job["error"] is None


def test_fifty_requests_at_once_with_one_key_make_one_job(api):
    before = len(jobs_in_table(api))
    key = {"Idempotency-Key": str(uuid4())}
    with ThreadPoolExecutor(50) as clients:
        answers = list(clients.map(lambda _: api.submit(headers=key), range(50)))
    assert {answer.status_code for answer in answers} == {202}, answers
    assert len({json.dumps(answer.json(), sort_keys=True) for answer in answers}) == 1
    assert len({answer.headers["Location"] for answer in answers}) == 1
    replayed = [answer.headers.get("Idempotency-Replayed") for answer in answers]
    assert sorted(map(str, replayed)) == ["None"] + ["true"] * 49
    assert len(jobs_in_table(api)) == before + 1


def test_a_key_is_good_for_one_document(api):
    key = {"Idempotency-Key": "order-17"}
    assert api.submit(b"one", headers=key).status_code == 202
    for other in (
        api.submit(b"two", headers=key),
        api.submit(b"one", name="other.txt", headers=key),
    ):
        assert other.status_code == 422
        assert other.json()["type"] == "idempotency_key_reused"
    assert api.submit(b"one", headers=key).headers["Idempotency-Replayed"] == "true"


def test_hostile_keys(api):
    for key in ("", "x" * 256, "two words", "caf\xe9"):
        answer = api.submit(headers={"Idempotency-Key": key.encode("latin-1")})
        assert answer.status_code == 422, key
    strange = "'; DROP TABLE jobs; -- #public#".replace(" ", "")
    assert api.submit(headers={"Idempotency-Key": strange}).status_code == 202


def test_a_key_that_has_expired_makes_a_new_job(run, tmp_path):
    with serving(run, tmp_path, workers=0, IDEMPOTENCY_SECONDS="1") as api:
        key = {"Idempotency-Key": "k"}
        first = api.submit(headers=key).json()["job_id"]

        def another() -> str | None:
            job_id = str(api.submit(headers=key).json()["job_id"])
            return job_id if job_id != first else None

        assert poll(another)


def test_the_same_bytes_twice_are_two_jobs_and_one_blob(api):
    content = b"the same bytes %d" % random.getrandbits(64)
    before = blobs(api)
    assert api.accepted(content) != api.accepted(content)
    assert len(blobs(api) - before) == 1


def test_what_is_refused_makes_no_job(api):
    before = len(jobs_in_table(api))
    assert api.submit(b"").status_code == 422
    assert api.submit(b"\0\1\2\3").status_code == 415
    assert len(jobs_in_table(api)) == before


def listed(api, **query) -> list[dict]:
    """All jobs that the pages show, following the cursors."""
    found: list[dict] = []
    cursor: dict = {}
    while True:
        answer = api.http.get("/jobs", params={**query, **cursor})
        assert answer.status_code == 200, answer.text
        assert len(answer.json()["jobs"]) <= int(query.get("limit", 50))
        found += answer.json()["jobs"]
        if answer.json()["next_cursor"] is None:
            return found
        cursor = {"cursor": answer.json()["next_cursor"]}


def test_a_thousand_jobs_are_shown_once_each_newest_first(run, tmp_path, settings):
    from pipeline.models.creation import create
    from tests.week04.conftest import document

    statuses = ["pending", "processing", "completed", "failed", "cancelled"]
    wanted = {}
    others = []
    with serving(run, tmp_path, workers=0, OUTBOX_INTERVAL_SECONDS="600") as api:
        with ThreadPoolExecutor(8) as threads:
            ids = list(threads.map(lambda _: create(document(), "public").job_id, range(1000)))
            others = list(threads.map(lambda _: create(document(), "other").job_id, range(20)))
        same_moment = table(run).get_item(Key={"id": ids[0]})["Item"]["created_at"]
        for number, job_id in enumerate(ids):
            wanted[job_id] = statuses[number % 5] if number % 100 else "failed"
            changes = {
                ":s": wanted[job_id],
                ":c": same_moment if number % 3 else same_moment + number,
            }
            table(run).update_item(
                Key={"id": job_id},
                UpdateExpression="SET #s = :s, created_at = :c",
                ExpressionAttributeNames={"#s": "status"},
                ExpressionAttributeValues=changes,
            )
        begun = time.monotonic()
        shown = listed(api, limit=37)
        print(f"1,000 jobs in pages of 37: {time.monotonic() - begun:.2f} s")
        assert sorted(job["job_id"] for job in shown) == sorted(ids)
        times = [job["created_at"] for job in shown]
        assert times == sorted(times, reverse=True)
        for status in statuses:
            shown = listed(api, limit=100, status=status)
            assert sorted(job["job_id"] for job in shown) == sorted(
                job_id for job_id, is_in in wanted.items() if is_in == status
            )
        assert api.http.get(f"/jobs/{others[0]}").status_code == 404


def test_a_rare_status_is_found_behind_many_others(run, tmp_path, settings):
    from pipeline.models.creation import create
    from pipeline.models.job import Status, move
    from tests.week04.conftest import document

    with serving(run, tmp_path, workers=0, OUTBOX_INTERVAL_SECONDS="600") as api:
        oldest = create(document(), "public").job_id
        move(oldest, Status.CANCELLED)
        with ThreadPoolExecutor(8) as threads:
            list(threads.map(lambda _: create(document(), "public"), range(450)))
        assert [job["job_id"] for job in listed(api, status="cancelled", limit=5)] == [oldest]
        assert listed(api, status="failed") == []


def test_cursors_of_strangers(api):
    api.accepted()

    def packed(value: object) -> str:
        return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")

    for cursor in (
        "x", "é", "====", "a" * 5000, packed("text"), packed([1, 2]), packed(["NaN", "x"]),
        packed(["1e400", "x"]), packed(["-1", "x"]), packed(["1", ""]), packed(["1", "a", "b"]),
        packed({"created_at": "1"}), packed([["1"], "x"]), packed(["[" * 200, "x"]),
    ):  # fmt: skip
        answer = api.http.get("/jobs", params={"cursor": cursor})
        assert answer.status_code == 422, cursor
        assert answer.json()["type"] == "invalid_cursor"
    made_up = packed(["1.5", str(uuid4())])
    assert api.http.get("/jobs", params={"cursor": made_up}).json()["jobs"] == []
    for query in ({"limit": 0}, {"limit": 101}, {"status": "lost"}):
        assert api.http.get("/jobs", params=query).status_code == 422


def test_expired_jobs_are_not_shown_though_they_are_there(api):
    """DynamoDB deletes late. The item is set back in time past all code of the pipeline."""
    job_id, kept = api.accepted(), api.accepted()
    for one, seconds in ((job_id, -1), (kept, 1000)):
        table(api.run).update_item(
            Key={"id": one},
            UpdateExpression="SET expires_at = :e",
            ExpressionAttributeValues={":e": int(time.time()) + seconds},
        )
    answer = api.http.get(f"/jobs/{job_id}")
    assert (answer.status_code, answer.json()["type"]) == (404, "job_not_found")
    shown = {job["job_id"] for job in listed(api)}
    assert kept in shown
    assert job_id not in shown
    assert table(api.run).get_item(Key={"id": job_id})["Item"]


def test_ids_that_lead_nowhere(api):
    api.submit(headers={"Idempotency-Key": "secret"})
    assert api.http.get(f"/jobs/{uuid4()}").status_code == 404
    assert api.http.get("/jobs/idem%23public%23abc").status_code == 422
    assert UUID(api.accepted())


@contextmanager
def behind(run, tmp_path):
    """API behind a proxy that can take DynamoDB away."""
    url = run.environment()["AWS_ENDPOINT_URL"]
    with Proxy(url) as proxy, serving(run, tmp_path, workers=0, AWS_ENDPOINT_URL=proxy.url) as api:
        yield api, proxy


def test_without_dynamodb_clients_are_told_in_time(run, tmp_path):
    with behind(run, tmp_path) as (api, proxy):
        job_id = api.accepted()
        for outage in (proxy.down, proxy.silent):
            with outage():
                asks = [
                    lambda: api.http.get(f"/jobs/{job_id}"),
                    lambda: api.http.get("/jobs"),
                    api.submit,
                    lambda: api.submit(headers={"Idempotency-Key": "k"}),
                    lambda: api.http.post("/documents/upload", files={"file": ("a.txt", TEXT)}),
                ]
                begun = time.monotonic()
                with ThreadPoolExecutor(20) as clients:
                    waiting = [clients.submit(ask) for ask in asks * 4]
                    slowest = 0.0
                    while not all(one.done() for one in waiting):
                        asked = time.monotonic()
                        assert api.http.get("/health").status_code == 200
                        slowest = max(slowest, time.monotonic() - asked)
                        time.sleep(0.02)
                assert time.monotonic() - begun < 40
                assert slowest < 3
                for one in waiting:
                    answer = one.result()
                    assert answer.status_code == 503, answer.text
                    assert int(answer.headers["Retry-After"]) > 0
        assert api.job(job_id)["status"] == "pending"
        assert api.submit(headers={"Idempotency-Key": "k"}).status_code == 202
    log = api.apps.api.logs(10**7)
    assert 1 <= log.count("the outbox cannot send now") <= 4


def test_the_states_are_on_the_api_page(api):
    described = api.http.get("/openapi.json").json()["paths"]["/jobs/{job_id}"]["get"][
        "description"
    ]
    assert "stateDiagram-v2" in described
