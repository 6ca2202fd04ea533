"""The webhook sink: what was sent is recorded byte for byte, and answered as scripted."""

from __future__ import annotations

import datetime as dt
import json
import time

import httpx
import pytest
from standardwebhooks import Webhook

from bootcamp.providers import Fault

SECRET = "whsec_" + "QUJDREVGR0hJSktMTU5PUFFSU1RVVldYWVphYmNkZWY="


@pytest.fixture
def http():
    with httpx.Client(trust_env=False, timeout=10) as client:
        yield client


def test_a_signed_delivery_is_recorded_byte_for_byte(sink, http):
    body = json.dumps({"type": "job.completed", "note": "Möwe \u2028 🚨"}, ensure_ascii=False)
    now = dt.datetime.now(dt.UTC)
    headers = {
        "Content-Type": "application/json",
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(now.timestamp())),
        "webhook-signature": Webhook(SECRET).sign("msg_1", now, body),
    }
    before = time.monotonic()
    assert http.post(sink.url("done"), content=body.encode(), headers=headers).status_code == 204
    (delivery,) = sink.deliveries()
    assert delivery.body == body.encode()
    assert Webhook(SECRET).verify(delivery.body, dict(delivery.headers))
    assert (delivery.name, delivery.method, delivery.status) == ("done", "POST", 204)
    assert before <= delivery.started <= delivery.ended <= time.monotonic()
    assert abs(delivery.received_at - now.timestamp()) < 60


def test_headers_keep_order_case_and_repeats(sink, http):
    sent = [("X-Zed", "1"), ("x-aa", "2"), ("X-Zed", "3"), ("X-Odd", "\xe4")]
    raw = [(name.encode(), value.encode("latin-1")) for name, value in sent]
    http.post(sink.url("h") + "?a=b%20c", content=b"\x00\xff", headers=raw)
    delivery = sink.deliveries("h")[0]
    assert [pair for pair in delivery.headers if pair[0].lower().startswith("x-")] == sent
    assert delivery.header("X-ZED") == "1"
    assert delivery.header("nothing") is None
    assert delivery.path.endswith("/h?a=b%20c")
    assert delivery.body == b"\x00\xff"


def test_answers_come_in_order_for_each_name(sink, http):
    sink.script(
        Fault.status(500, on="a", times=2),
        Fault.status(410, on="b"),
        Fault.status(302, headers={"Location": "http://127.0.0.1:9/"}, on="a"),
        Fault.status(200, body="thanks", on="a"),
    )
    answers = [http.post(sink.url(name)) for name in "aabaaa"]
    assert [answer.status_code for answer in answers] == [500, 500, 410, 302, 200, 204]
    assert answers[3].headers["location"] == "http://127.0.0.1:9/"
    assert answers[4].text == "thanks"
    assert [d.status for d in sink.deliveries("a")] == [500, 500, 302, 200, 204]


def test_drop_slow_and_endless(sink, http):
    sink.script(Fault.drop(), Fault.slow(0.3), Fault.endless())
    with pytest.raises(httpx.RemoteProtocolError):
        http.post(sink.url("x"))
    assert http.post(sink.url("x")).status_code == 204
    with http.stream("POST", sink.url("x")) as answer:
        received = 0
        for piece in answer.iter_raw():
            received += len(piece)
            if received > 5_000_000:
                break
    dropped, slow, endless = sink.wait_for(3, timeout=20)
    assert dropped.status is None
    assert slow.ended - slow.started >= 0.25
    assert endless.status is None


def test_other_methods_are_recorded_and_refused(sink, http):
    assert http.get(sink.url("x")).status_code == 405
    assert [d.method for d in sink.deliveries()] == ["GET"]


def test_a_large_body_is_recorded_up_to_the_bound(sink, http):
    assert http.post(sink.url("x"), content=b"a" * 5_000_000).status_code == 413
    assert len(sink.deliveries()[0].body) == 4 * 1024 * 1024


def test_runs_are_apart_and_names_are_quoted(sink, sink_url, http):
    other = type(sink)(sink_url, sink._token, sink.run + " x?")
    assert http.post(other.url("na/me?")).status_code == 204
    assert [d.name for d in other.deliveries("na/me?")] == ["na/me?"]
    assert sink.deliveries() == []
    other.close()
    http.post(sink.url("one"))
    http.post(sink.url("two"))
    assert [d.name for d in sink.wait_for(1, 10, name="two")] == ["two"]
    sink.clear()
    assert sink.deliveries() == []


def test_the_journal_cannot_be_read_without_the_token(sink, sink_url, http):
    assert http.get(f"{sink_url}/control/accounts/{sink.run}/journal").status_code == 404
