"""Scripted faults, as the real `openai` client meets them, and the journal that tells of them."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from itertools import pairwise

import httpx
import openai
import pytest

from bootcamp.errors import StackError
from bootcamp.providers import Fault, OpenAIControl

SMALL = "text-embedding-3-small"
CLIENTS_KEEP_SECONDS = 5.0
"""How long httpx, and so the `openai` client, keeps an idle connection."""


def embed(client, text="a"):
    return client.embeddings.create(model=SMALL, input=text)


def outcome(client, text="a") -> int:
    try:
        embed(client, text)
    except openai.APIStatusError as error:
        return error.status_code
    return 200


def test_a_stand_in_never_closes_a_connection_that_a_client_still_keeps(
    openai_url: str, sink_url: str
) -> None:
    connections = [HTTPConnection(url.removeprefix("http://")) for url in (openai_url, sink_url)]

    def statuses() -> list[int]:
        for one in connections:
            one.request("GET", "/health")
        answers = [one.getresponse() for one in connections]
        return [answer.status for answer in answers if answer.read()]

    assert statuses() == [200, 200]
    time.sleep(CLIENTS_KEEP_SECONDS + 0.5)
    assert statuses() == [200, 200]


@pytest.mark.parametrize(
    ("status", "error", "code"),
    [
        (400, openai.BadRequestError, None),
        (401, openai.AuthenticationError, "invalid_api_key"),
        (403, openai.PermissionDeniedError, "access_denied"),
        (404, openai.NotFoundError, "model_not_found"),
        (429, openai.RateLimitError, "rate_limit_exceeded"),
        (500, openai.InternalServerError, None),
        (502, openai.InternalServerError, None),
        (503, openai.InternalServerError, "service_unavailable"),
    ],
)
def test_a_status_becomes_the_clients_exception(client, control, status, error, code):
    control.script(Fault.status(status))
    with pytest.raises(error) as caught:
        embed(client)
    assert caught.value.code == code
    assert caught.value.request_id.startswith("req_")
    assert embed(client).data
    assert [entry.status for entry in control.journal()] == [status, 200]


def test_quota_is_a_429_of_another_kind(client, control):
    control.script(Fault.quota())
    with pytest.raises(openai.RateLimitError) as caught:
        embed(client)
    assert (caught.value.code, caught.value.type) == ("insufficient_quota",) * 2


def test_headers_are_sent_as_scripted(client, control):
    fault = Fault.status(429, retry_after=1.5, retry_after_ms=7, headers={"x-ratelimit-a": "b"})
    control.script(fault)
    with pytest.raises(openai.RateLimitError) as caught:
        embed(client)
    headers = caught.value.response.headers
    assert headers["retry-after"] == "1.5"
    assert headers["retry-after-ms"] == "7"
    assert headers["x-ratelimit-a"] == "b"
    answer = client.embeddings.with_raw_response.create(model=SMALL, input="a")
    assert answer.headers["x-ratelimit-limit-requests"] == "10000"
    assert int(answer.headers["openai-processing-ms"]) >= 0


def test_the_clients_own_retries_honour_retry_after_and_are_counted(client_for, control):
    control.script(Fault.status(429, retry_after_ms=300, times=2))
    embed(client_for(control, max_retries=2))
    entries = control.journal()
    assert [entry.retry_count for entry in entries] == [0, 1, 2]
    assert [entry.fault for entry in entries] == ["status", "status", None]
    gaps = [b.started - a.ended for a, b in pairwise(entries)]
    assert min(gaps) >= 0.29


def test_faults_are_used_in_order_and_counted_exactly(client, control):
    control.script(Fault.passing(2), Fault.status(503, times=3), Fault.status(429))
    control.script(Fault.status(500))
    assert [outcome(client) for _ in range(8)] == [200, 200, 503, 503, 503, 429, 500, 200]


def test_faults_are_counted_exactly_under_concurrency(client, control):
    control.script(Fault.status(503, times=17))
    with ThreadPoolExecutor(12) as pool:
        seen = list(pool.map(lambda _: outcome(client), range(40)))
    assert (seen.count(503), seen.count(200)) == (17, 23)


def test_a_fault_can_name_its_endpoint_and_its_text(client, control):
    control.script(
        Fault.status(500, on="chat", times=None), Fault.status(400, matching="poison", times=None)
    )
    assert [outcome(client, ["x", text]) for text in ("good", "a poison b")] == [200, 400]
    with pytest.raises(openai.InternalServerError):
        client.chat.completions.create(
            model="gpt-4o-mini", messages=[{"role": "user", "content": "a"}]
        )
    assert [outcome(client, text) for text in ("poison", "good")] == [400, 200]


def test_accounts_do_not_see_each_other(client_for, control, openai_url):
    other = OpenAIControl(f"{openai_url}/v1/", control._token, control.key + "/other ü")
    control.script(Fault.status(500, times=None))
    assert other.journal() == []
    assert outcome(client_for(control)) == 500
    mine = OpenAIControl(openai_url, control._token, control.key + "-2")
    assert outcome(client_for(mine)) == 200
    assert (len(control.journal()), len(mine.journal()), other.journal()) == (1, 1, [])
    other.close()
    mine.close()


def test_clear_forgets_journal_and_faults(client, control):
    control.script(Fault.status(500, times=None))
    outcome(client)
    control.clear()
    assert control.journal() == []
    assert outcome(client) == 200


def test_a_timeout_holds_the_request_until_the_client_gives_up(client_for, control):
    control.script(Fault.timeout())
    with pytest.raises(openai.APITimeoutError):
        embed(client_for(control, timeout=0.3))
    entry = control.wait_for(1, timeout=10)[0]
    assert (entry.status, entry.fault) == (None, "timeout")
    assert entry.ended - entry.started >= 0.25


def test_a_timeout_ends_at_its_bound(client, control):
    control.script(Fault.timeout(seconds=0.3))
    with pytest.raises(openai.APIConnectionError):
        embed(client)
    assert control.journal()[0].status is None


def test_a_dropped_connection_gets_no_answer(client, control):
    control.script(Fault.drop())
    with pytest.raises(openai.APIConnectionError) as caught:
        embed(client)
    assert not isinstance(caught.value, openai.APITimeoutError)
    assert control.wait_for(1, timeout=10)[0].status is None
    assert embed(client).data


def test_slow_answers_are_right_and_late(client, control):
    control.script(Fault.slow(0.4), Fault.slow_body(0.4), Fault.status(503, seconds=0.4))
    assert [outcome(client) for _ in range(3)] == [200, 200, 503]
    assert all(entry.ended - entry.started >= 0.35 for entry in control.journal())


def test_a_slow_body_can_outlast_the_clients_patience(client_for, control):
    control.script(Fault.slow_body(30))
    with pytest.raises(openai.APITimeoutError):
        embed(client_for(control, timeout=0.3))
    assert control.wait_for(1, timeout=20)[0].status is None


def test_garbage_is_no_json(client, control, openai_url):
    control.script(Fault.garbage(times=2))
    answer = httpx.post(
        f"{openai_url}/v1/embeddings",
        headers={"authorization": f"Bearer {control.key}"},
        json={"model": SMALL, "input": "a"},
        trust_env=False,
    )
    assert answer.status_code == 200
    with pytest.raises(ValueError, match=r"Expecting|Unterminated|Invalid"):
        answer.json()
    with pytest.raises((openai.APIError, ValueError)):
        embed(client)


def test_the_journal_is_right_under_concurrency(client, control):
    start = time.monotonic()
    control.script(Fault.slow(0.5, times=None))
    with ThreadPoolExecutor(10) as pool:
        list(pool.map(lambda i: embed(client, [f"text {i}", "same"]), range(10)))
    entries = control.journal()
    assert [entry.sequence for entry in entries] == list(range(1, 11))
    assert sorted(entry.inputs[0] for entry in entries) == sorted(f"text {i}" for i in range(10))
    assert {(e.status, e.tokens, e.model, e.endpoint) for e in entries} == {
        (200, 3, SMALL, "embeddings")
    }
    assert all(start <= e.started < e.ended <= time.monotonic() for e in entries)
    together = max(
        sum(other.started <= e.started < other.ended for other in entries) for e in entries
    )
    assert max(entry.in_flight for entry in entries) == together - 1 >= 5


def test_waiting_sees_requests_that_come_later(client, control):
    timer = threading.Timer(0.2, lambda: [embed(client, str(i)) for i in range(3)])
    timer.start()
    assert [entry.inputs for entry in control.wait_for(3, timeout=20)] == [("0",), ("1",), ("2",)]
    timer.join()
    assert len(control.wait_for(4, timeout=0.1)) == 3
    assert control.wait_for(1, timeout=0.1, endpoint="chat") == []


@pytest.mark.parametrize("header", [None, "", "Bearer", "Basic abc", "Bearer two words"])
def test_without_a_key_nothing_is_answered(openai_url, header):
    headers = {} if header is None else {"authorization": header}
    answer = httpx.get(f"{openai_url}/v1/models", headers=headers, trust_env=False)
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "invalid_api_key"


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer wrong", "token-of-these-tests"])
@pytest.mark.parametrize(
    ("method", "path"), [("GET", "/journal"), ("POST", "/faults"), ("DELETE", "")]
)
def test_the_control_plane_does_not_exist_without_the_token(openai_url, header, method, path):
    headers = {} if header is None else {"authorization": header}
    url = f"{openai_url}/control/accounts/sk-a{path}"
    answer = httpx.request(method, url, headers=headers, trust_env=False)
    nowhere = httpx.get(f"{openai_url}/nowhere", trust_env=False)
    assert (answer.status_code, answer.content) == (404, nowhere.content)


def test_a_wrong_token_is_named(openai_url):
    control = OpenAIControl(openai_url, "wrong", "sk-a")
    with pytest.raises(StackError, match="control token"):
        control.journal()
    control.close()


@pytest.mark.parametrize(
    "fault",
    [
        Fault.status(99),
        Fault.slow(1e9),
        Fault.slow(float("nan")),
        Fault.slow(-1),
        Fault.status(500, times=0),
        Fault("explode"),  # type: ignore[arg-type]
        Fault.status(500, headers={"a": 1}),  # type: ignore[dict-item]
        Fault.status(500, on=None),
    ],
)
def test_a_fault_out_of_range_is_refused(control, fault):
    with pytest.raises((StackError, ValueError)):
        control.script(fault)
