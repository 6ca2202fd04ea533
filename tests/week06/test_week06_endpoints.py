"""`/webhooks`: owners, limits, what a response shows, and the rows in the table."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import pytest

from pipeline.models.job import Job, Status
from pipeline.webhooks import deliveries, endpoints, notify
from pipeline.webhooks.deliveries import Attempt, DeliveryStatus
from pipeline.webhooks.endpoints import Event
from pipeline.webhooks.errors import (
    DeliveryNotFound,
    DeliveryUnderWay,
    EndpointConflict,
    EndpointNotFound,
    TooManyEndpoints,
)
from pipeline.webhooks.settings import webhook_settings
from tests.week04.conftest import document
from tests.week06.conftest import serving

URL = "https://example.com/hook"
BOTH = (Event.COMPLETED, Event.FAILED)


@pytest.fixture(scope="module")
def run(stack):
    """One run for all tests here. Each test has its own owner."""
    with stack.isolated() as run:
        yield run


# -- the API ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def api(run, tmp_path_factory):
    with serving(run, tmp_path_factory.mktemp("apps"), workers=0) as api:
        yield api


def test_a_secret_is_shown_once(api):
    made = api.register()
    assert made["secret"].startswith("whsec_")
    answer = api.http.get("/webhooks")
    assert made["secret"] not in answer.text
    [listed] = [one for one in answer.json()["webhooks"] if one["webhook_id"] == made["webhook_id"]]
    assert (listed["enabled"], listed["url"]) == (True, made["url"])
    assert listed["events"] == ["job.cancelled", "job.completed", "job.failed"]
    assert made["secret"] not in "".join(process.logs() for process in api.apps.processes)


@pytest.mark.parametrize(
    "url",
    ["https://127.0.0.1/", "https://localhost/", "http://example.com/", "https://a:b@example.com/"],
)
def test_an_address_that_is_not_sent_to_is_refused_with_a_reason(api, url):
    answer = api.http.post("/webhooks", json={"url": url})
    assert (answer.status_code, answer.json()["type"]) == (422, "unsafe_url")


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"url": 5},
        {"url": "https://example.com/", "events": []},
        {"url": "https://example.com/", "events": ["job.deleted"]},
        {"url": "https://example.com/", "secret": "whsec_mine"},
    ],
)
def test_a_body_that_makes_no_sense(api, body):
    assert api.http.post("/webhooks", json=body).status_code == 422


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("DELETE", "/webhooks/{}"),
        ("POST", "/webhooks/{}/rotate"),
        ("POST", "/webhooks/{}/enable"),
        ("GET", "/webhooks/{}/deliveries"),
    ],
)
def test_an_unknown_webhook_is_404(api, method, path):
    answer = api.http.request(method, path.format(f"ep_{'0' * 32}"))
    assert (answer.status_code, answer.json()["type"]) == (404, "endpoint_not_found")
    assert api.http.request(method, path.format("nonsense")).status_code == 422


def test_an_unknown_delivery_is_404(api):
    answer = api.resend(f"msg_{'0' * 32}")
    assert (answer.status_code, answer.json()["type"]) == (404, "delivery_not_found")


def test_a_cursor_of_somebody_else_is_422(api):
    made = api.register()
    answer = api.http.get(f"/webhooks/{made['webhook_id']}/deliveries", params={"cursor": "x"})
    assert (answer.status_code, answer.json()["type"]) == (422, "invalid_cursor")


# -- endpoints ----------------------------------------------------------------------------------


@pytest.fixture
def owner(settings):
    settings(webhook_endpoints=3)
    return f"owner{time.time_ns()}"


def test_no_more_than_the_limit_however_many_ask_at_once(owner):
    def register(_):
        try:
            return endpoints.register(owner, URL, BOTH)
        except TooManyEndpoints:
            return None

    with ThreadPoolExecutor(8) as pool:
        made = [one for one in pool.map(register, range(12)) if one]
    assert len(made) == len(endpoints.of_owner(owner)) == 3
    endpoints.remove(owner, made[0].id)
    assert endpoints.register(owner, URL, BOTH) in endpoints.of_owner(owner)


def test_an_endpoint_is_its_owners_alone(owner):
    made = endpoints.register(owner, URL, BOTH)
    assert endpoints.of_owner("other") == []
    for call in (endpoints.find, endpoints.remove):
        with pytest.raises(EndpointNotFound):
            call("other", made.id)
    assert endpoints.find(owner, made.id) == made


def test_one_of_two_rotations_at_once_wins(owner):
    """The second rotation is refused and changes nothing. Otherwise a secret in use would be lost."""
    made = endpoints.register(owner, URL, BOTH)
    first = endpoints.rotate(owner, made)
    with pytest.raises(EndpointConflict):
        endpoints.rotate(owner, made)
    assert endpoints.signing_secrets(endpoints.find(owner, made.id)) == [first.secret, made.secret]


def test_the_old_secret_signs_until_its_end_and_the_one_before_no_more(owner, settings):
    settings(webhook_rotation_seconds=0.3)
    made = endpoints.register(owner, URL, BOTH)
    second = endpoints.rotate(owner, made)
    third = endpoints.rotate(owner, second)
    assert endpoints.signing_secrets(third) == [third.secret, second.secret]
    time.sleep(0.4)
    assert endpoints.signing_secrets(third) == [third.secret]


def test_disabling_keeps_a_secret_that_was_rotated_meanwhile(owner):
    made = endpoints.register(owner, URL, BOTH)
    rotated = endpoints.rotate(owner, made)
    endpoints.disable(owner, rotated, "gone")
    now = endpoints.find(owner, made.id)
    assert (now.secret, now.disabled_because) == (rotated.secret, "gone")
    assert endpoints.enable(owner, now).disabled_at is None


# -- deliveries ---------------------------------------------------------------------------------


@pytest.fixture
def delivery(owner):
    """A pending delivery whose attempt is due now."""
    made = deliveries.create(job(owner), endpoints.register(owner, URL, BOTH), BOTH[0], "{}")
    return deliveries.find(made)


def job(owner: str, generation: int = 1) -> Job:
    ref = document()
    return Job(
        id=ref.document_id,
        owner=owner,
        status=Status.COMPLETED,
        document=ref,
        created_at=1,
        updated_at=1,
        generation=generation,
    )


def test_fanned_out_twice_is_one_delivery_and_ended_twice_are_two(owner):
    endpoint, done = endpoints.register(owner, URL, BOTH), job(owner)
    made = [deliveries.create(done, endpoint, BOTH[0], "{}") for _ in range(3)]
    assert len(set(made)) == 1
    again = done.model_copy(update={"generation": 9})
    assert deliveries.create(again, endpoint, BOTH[0], "{}") not in made
    assert len(deliveries.page(endpoint.id, 10, None).deliveries) == 2


def test_one_of_many_workers_takes_a_delivery(delivery):
    barrier = threading.Barrier(12)

    def take(_):
        barrier.wait()
        return notify.acquire(delivery.id)

    with ThreadPoolExecutor(12) as pool:
        taken = [one for one in pool.map(take, range(12)) if one]
    assert len(taken) == 1
    assert taken[0].tries == 1


def test_a_lease_that_ran_out_is_taken_and_the_first_worker_cannot_write(delivery, settings):
    settings(webhook_timeout_seconds=0.1, webhook_lease_seconds=0.2)
    first = notify.acquire(delivery.id)
    assert notify.acquire(delivery.id) is None
    time.sleep(0.3)
    second = notify.acquire(delivery.id)
    notify.settle(first, Attempt(at=1, status=500), DeliveryStatus.EXHAUSTED)
    assert deliveries.find(delivery.id).status == DeliveryStatus.PENDING
    notify.settle(second, Attempt(at=2, status=204), DeliveryStatus.DELIVERED)
    now = deliveries.find(delivery.id)
    assert (now.status, now.attempts["2"].status) == (DeliveryStatus.DELIVERED, 204)


def test_a_message_that_comes_early_makes_no_attempt(delivery, settings):
    settings(webhook_schedule="0,60")
    taken = notify.acquire(delivery.id)
    notify.settle(taken, Attempt(at=1, status=500), DeliveryStatus.PENDING)
    assert notify.acquire(delivery.id) is None
    assert 59 <= deliveries.find(delivery.id).due_at - time.time() <= 72


def test_not_sent_again_while_it_is_under_way(delivery):
    taken = notify.acquire(delivery.id)
    with pytest.raises(DeliveryUnderWay):
        deliveries.send_again(taken)
    notify.settle(taken, Attempt(at=1, status=204), DeliveryStatus.DELIVERED)
    done = deliveries.find(delivery.id)
    assert done.expires_at is not None
    deliveries.send_again(done)
    assert deliveries.find(delivery.id).expires_at is None
    assert notify.acquire(delivery.id).number == 1


def test_a_delivery_that_is_over_is_due_no_more_and_expires(delivery, settings):
    settings(webhook_keep_seconds=5)
    taken = notify.acquire(delivery.id)
    notify.settle(taken, Attempt(at=1, status=204), DeliveryStatus.DELIVERED)
    assert deliveries.find(delivery.id).due_at is None
    time.sleep(5.1)
    with pytest.raises(DeliveryNotFound):
        deliveries.find(delivery.id)


def test_a_worker_that_dies_at_every_attempt_ends_too(delivery, settings):
    settings(webhook_timeout_seconds=0.01, webhook_lease_seconds=0.02, webhook_schedule="0,0")
    for _ in range(2):
        assert notify.acquire(delivery.id)
        time.sleep(0.03)
    notify.deliver(delivery.id)
    ended = deliveries.find(delivery.id)
    assert ended.status == DeliveryStatus.EXHAUSTED
    assert ended.attempts["3"].error == "worker_lost"


def test_the_latest_attempts_are_kept(delivery, monkeypatch):
    monkeypatch.setattr(deliveries, "MAX_ATTEMPTS_KEPT", 3)
    for _ in range(5):
        taken = notify.acquire(delivery.id)
        notify.settle(taken, Attempt(at=1, status=204), DeliveryStatus.DELIVERED)
        deliveries.send_again(deliveries.find(delivery.id))
    assert set(deliveries.find(delivery.id).attempts) == {"3", "4", "5"}


def test_pages_show_each_delivery_once(owner):
    endpoint = endpoints.register(owner, URL, BOTH)
    made = {deliveries.create(job(owner), endpoint, BOTH[0], "{}") for _ in range(25)}
    seen, cursor = [], None
    while True:
        page = deliveries.page(endpoint.id, 10, cursor)
        seen += page.deliveries
        cursor = page.cursor
        if cursor is None:
            break
    assert {one.id for one in seen} == made
    assert len(seen) == 25
    assert all(before.created_at >= after.created_at for before, after in pairwise(seen))


def test_another_owner_finds_no_delivery(delivery, owner):
    assert deliveries.find(delivery.id, owner).id == delivery.id
    with pytest.raises(DeliveryNotFound):
        deliveries.find(delivery.id, "other")


# -- what an attempt means ----------------------------------------------------------------------


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299])
def test_2xx_is_delivered(status):
    assert notify.verdict(Attempt(at=1, status=status)) == DeliveryStatus.DELIVERED


@pytest.mark.parametrize("status", [None, 199, 300, 301, 304, 308, 400, 404, 409, 411, 429, 500])
def test_all_else_may_pass_but_410(status):
    assert notify.verdict(Attempt(at=1, status=status)) == DeliveryStatus.PENDING
    assert notify.verdict(Attempt(at=1, status=410)) == DeliveryStatus.DISCARDED


def test_the_schedule_in_production(settings):
    failed = Attempt(at=1, status=500)
    schedule = webhook_settings().webhook_schedule
    assert schedule == (0, 5, 300, 1800, 7200, 18000, 36000, 50400, 72000, 86400)
    for number, seconds in enumerate(schedule, 1):
        waits = {notify.wait_before(number, failed) for _ in range(50)}
        assert all(seconds <= wait <= seconds * 1.2 for wait in waits)
        assert len(waits) > 40 or seconds == 0, "many that failed together come back together"
    assert notify.wait_before(len(schedule) + 1, failed) is None


def test_what_the_receiver_asks_for_is_a_lower_bound(settings):
    asked = Attempt(at=1, status=503, retry_after=100)
    assert all(100 <= notify.wait_before(2, asked) <= 120 for _ in range(50))
    assert notify.wait_before(3, asked) >= 300
