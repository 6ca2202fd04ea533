"""Who gets the digest: subscribing with a key, and leaving with nothing but the link."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest
from psycopg.types.json import Jsonb

from bootcamp.course.layers import reference_layers
from bootcamp.course.weeks import find_week
from bootcamp.stack import Run, Stack
from bootcamp.stack.apps import Apps

LAYERS = reference_layers(find_week("week09_news"))
PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture(scope="module")
def apps(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Run, Apps]]:
    folder: Path = tmp_path_factory.mktemp("apps")
    with stack.isolated() as run, Apps(run.environment(), LAYERS, workers=0, state=folder) as apps:
        yield run, apps


@pytest.fixture
def api(apps: tuple[Run, Apps]) -> Iterator[httpx.Client]:
    url, headers = str(apps[1].api_url), apps[1].headers
    with httpx.Client(base_url=url, headers=headers, timeout=30, trust_env=False) as client:
        yield client


@pytest.fixture
def stranger(apps: tuple[Run, Apps]) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=str(apps[1].api_url), timeout=30, trust_env=False) as client:
        yield client


def of(run: Run, address: str) -> tuple[Any, ...]:
    with psycopg.connect(run.database_url) as database:
        row = database.execute(
            "SELECT token, left_at FROM subscribers WHERE address = %s", (address,)
        ).fetchone()
    assert row is not None
    return row


def test_subscribing_twice_is_the_same_as_once(apps, api, stranger):
    assert stranger.post("/subscribers", json={"address": "a@mail.test"}).status_code == 401
    answer = api.post("/subscribers", json={"address": " Reader@Mail.TEST "})
    assert (answer.status_code, answer.json()) == (201, {"address": "Reader@mail.test"})
    before = of(apps[0], "Reader@mail.test")
    assert api.post("/subscribers", json={"address": "Reader@mail.test"}).status_code == 201
    assert of(apps[0], "Reader@mail.test") == before
    assert len(before[0]) >= 32


@pytest.mark.parametrize(
    "address",
    [
        "",
        "reader",
        "a@b",
        "a@mail.test\r\nBcc: b@mail.test",
        "a@mail.test, b@mail.test",
        "<a@mail.test>",
        'A "quoted" name <a@mail.test>',
        "a@mail.test\x00",
        "ä@mail.test",
        "a..b@mail.test",
        "a@-mail.test",
        "a" * 250 + "@mail.test",
        None,
        ["a@mail.test"],
    ],
)
def test_what_is_no_address_is_refused(api, address):
    answer = api.post("/subscribers", json={"address": address})
    assert answer.status_code == 422
    assert answer.json()["type"] in ("invalid_address", "invalid_request")


def test_the_link_works_without_a_key_and_only_by_post(apps, api, stranger):
    api.post("/subscribers", json={"address": "leaver@mail.test"})
    token, _ = of(apps[0], "leaver@mail.test")
    page = stranger.get("/unsubscribe", params={"token": token})
    assert page.status_code == 200
    assert stranger.head("/unsubscribe", params={"token": token}).status_code == 200
    assert of(apps[0], "leaver@mail.test")[1] is None  # a scanner that opens links changes nothing
    [action] = re.findall(r'action="([^"]*)"', page.text)
    assert action == f"/unsubscribe?token={token}"
    for _ in range(2):
        body = {"List-Unsubscribe": "One-Click"}
        left = stranger.post(action, data=body, headers={"Origin": "https://mail.example"})
        assert left.status_code == 200
    token_after, left_at = of(apps[0], "leaver@mail.test")
    assert left_at is not None
    api.post("/subscribers", json={"address": "leaver@mail.test"})
    assert of(apps[0], "leaver@mail.test")[1] is None
    assert of(apps[0], "leaver@mail.test")[0] != token_after  # an old link ends nothing new
    assert stranger.post(action).status_code == 404


@pytest.mark.parametrize(
    "query", ["", "?token=", "?token=unknown", "?token=%00", f"?token={'x' * 9000}"]
)
def test_a_wrong_link_changes_nothing(stranger, query):
    answer = stranger.post(f"/unsubscribe{query}")
    assert answer.status_code == 404
    assert "not valid" in answer.text


def test_the_page_brings_no_markup_of_the_link_and_nothing_else_is_open(stranger):
    page = stranger.get('/unsubscribe?token="><script>alert(1)</script>')
    assert "<script>" not in page.text
    assert "default-src 'none'" in page.headers["content-security-policy"]
    assert page.headers["referrer-policy"] == "no-referrer"
    assert stranger.put("/unsubscribe?token=x").status_code == 405
    for path in ("/unsubscribe/", "/unsubscribe/x", "//unsubscribe", "/news/trends.png", "/news"):
        assert stranger.get(path).status_code in (401, 404)
        assert stranger.get(path).status_code == 401


def test_while_postgresql_is_away(apps, stranger):
    with apps[0].postgres_outage():
        answer = stranger.post("/unsubscribe?token=x")
    assert answer.status_code == 503
    assert "retry-after" in answer.headers


def test_the_picture_of_trends(apps, api):
    assert api.get("/news/trends.png").content.startswith(PNG)  # before there are any
    with psycopg.connect(apps[0].database_url) as database:
        terms = [
            {"term": one, "score": 3.5, "articles": 4, "baseline": 1}
            for one in ("lamp", "$\\frac{1}{0}$", "灯塔", "<b>")
        ]
        database.execute(
            "INSERT INTO news_trends (window_start, window_end, articles, terms)"
            " VALUES (now() - interval '6 hours', now(), 9, %s)",
            (Jsonb(terms),),
        )
    answer = api.get("/news/trends.png")
    assert answer.headers["content-type"] == "image/png"
    assert answer.content.startswith(PNG)
    assert len(answer.content) > 5_000
