"""The news over HTTP: who may read them, pages while articles arrive, and cursors."""

from __future__ import annotations

import json
import sys
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import product
from typing import Any
from urllib.parse import quote
from uuid import UUID

import httpx
import psycopg
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bootcamp.stack import Stack
from tests.week03.conftest import poll
from tests.week09.newsroom import LAYERS, Newsroom, newsroom

PAGE = 3
MOMENTS = 4
HALF = timedelta(seconds=2_000)

for layer in LAYERS:  # for the tests of functions; no other week has their modules
    if str(layer.path) not in sys.path:
        sys.path.append(str(layer.path))


@pytest.fixture(scope="module")
def shared(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Newsroom]:
    with stack.isolated() as run, newsroom(run, tmp_path_factory.mktemp("apps")) as room:
        yield room


@pytest.fixture
def room(shared: Newsroom) -> Newsroom:
    shared.clear()
    return shared


def get(room: Newsroom, path: str, **params: Any) -> dict[str, Any]:
    answer = room.http.get(path, params=params)
    assert answer.status_code == 200, answer.text
    return answer.json()


def walk(room: Newsroom, **params: Any) -> Iterator[list[str]]:
    cursor: dict[str, str] = {}
    while True:
        answer = get(room, "/news", limit=PAGE, **params, **cursor)
        yield [one["title"] for one in answer["news"]]
        if answer["next_cursor"] is None:
            return
        cursor = {"cursor": answer["next_cursor"]}


@pytest.mark.parametrize("path", ["/news", "/news/search?q=lamp", "/news/trends", "/desk"])
def test_a_stranger_is_refused(room, path):
    assert httpx.get(f"{room.url}{path}", trust_env=False).status_code == 401


def test_each_article_is_on_one_page_while_others_arrive(room):
    known = {f"old {number}" for number in range(17)}
    for title in known:
        room.add(title, hours=hash(title) % MOMENTS)
    stop = threading.Event()

    def write() -> None:
        number = 0
        while not stop.wait(0.01):
            number += 1
            room.add(f"new {number}", hours=0)

    writer = threading.Thread(target=write)
    writer.start()
    try:
        seen = [title for page in walk(room) for title in page]
    finally:
        stop.set()
        writer.join()
    assert sorted(title for title in seen if title in known) == sorted(known)


def test_a_deep_page_does_not_read_the_pages_before(room):
    """The reference's condition bounds the scan of the index, also for a prepared statement."""
    room.execute(
        "INSERT INTO articles (url, content_hash, title, text, published_at) "
        "SELECT 'https://a.test/' || n, sha256(n::text::bytea), n::text, '', now() - n * interval '1 s' "
        "FROM generate_series(1, 4000) AS n"
    )
    room.execute("ANALYZE articles")
    with psycopg.connect(room.run.database_url, autocommit=True) as database:
        before = reads(database)
        pages = walk(room)
        for _ in range(8):  # so often that the API prepares the statement
            next(pages)
        deep = json.dumps([(datetime.now(UTC) - HALF).isoformat(), str(UUID(int=0))])
        assert len(get(room, "/news", limit=PAGE, cursor=encoded(deep))["news"]) == PAGE
        assert reads(database) - before < 200


def reads(database: psycopg.Connection) -> int:
    """How many rows of articles were read so far. A connection reports its numbers when it ends."""
    others = (
        "FROM pg_stat_activity WHERE datname = current_database() AND application_name = 'pipeline'"
    )
    database.execute(f"SELECT pg_terminate_backend(pid) {others}")
    poll(lambda: database.execute(f"SELECT 1 {others}").fetchone() is None or None)
    database.execute("SELECT pg_stat_clear_snapshot()")
    row = database.execute(
        "SELECT seq_tup_read + idx_tup_fetch FROM pg_stat_user_tables WHERE relname = 'articles'"
    ).fetchone()
    return int(row[0])


def encoded(text: str) -> str:
    import base64

    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def test_the_newest_window_of_trends(room):
    assert get(room, "/news/trends") == {
        "window_start": None,
        "window_end": None,
        "articles": 0,
        "terms": [],
    }
    room.add_trends(("channel", 4.5, 6), ("lamp", 2.0, 1))
    room.execute(
        "INSERT INTO news_trends SELECT window_start - interval '6 h', window_end - interval '6 h', 1, '[]' "
        "FROM news_trends"
    )
    trends = get(room, "/news/trends")
    assert [(one["term"], one["score"]) for one in trends["terms"]] == [
        ("channel", 4.5),
        ("lamp", 2.0),
    ]
    assert trends["articles"] == 24


@pytest.mark.parametrize(
    "path",
    ["/news?limit=0", "/news?limit=101", "/news?topic=%20", "/news/search", "/news/search?q=%20",
     "/news/search?q=x&limit=51", "/news?topic=" + 101 * "x", "/news?cursor=%00",
     "/news?topic=%00", "/news?topic=a%00b", "/news?topic=a%0A%00", "/news/search?q=x&topic=%00"],
)  # fmt: skip
def test_requests_that_are_not_valid(room, path):
    answer = room.http.get(path)
    assert answer.status_code == 422, answer.text
    assert answer.json()["type"] in ("invalid_request", "invalid_cursor")


def test_no_route_of_any_week_answers_500_to_a_nul(room):
    """Texts of queries and paths reach PostgreSQL and DynamoDB. Cursors are texts with a text inside."""
    hostile = ["\0", "a\0b", encoded(json.dumps(["1", "a\0b"])), encoded("\0")]
    paths = room.http.get("/openapi.json").json()["paths"]
    asked = [
        (path, operations["get"]["parameters"], field["name"])
        for path, operations in paths.items()
        for field in operations.get("get", {}).get("parameters", ())
        if field["in"] in ("query", "path")
    ]
    known = {(path, name) for path, _, name in asked}
    assert {("/news", "topic"), ("/news/search", "q"), ("/jobs", "cursor")} <= known
    for (path, fields, name), text in product(asked, hostile):
        status = status_with(room, path, fields, name, text)
        assert status < 500, f"{path} answers {status} to {name}={text!r}"


def status_with(room, path, fields, name, text):
    """Send the text in one parameter. Those that a request must have get a harmless value."""
    values = {one["name"]: "x" * 32 for one in fields if one.get("required")} | {name: text}
    for one in fields:
        if one["in"] == "path":
            path = path.replace(f"{{{one['name']}}}", quote(values.pop(one["name"]), safe=""))
    with room.http.stream("GET", path, params=values) as answer:
        return answer.status_code


@given(
    st.datetimes(timezones=st.timezones(), min_value=datetime(1900, 1, 1), max_value=datetime(2200, 1, 1)),
    st.uuids(),
)  # fmt: skip
def test_a_cursor_leads_back_to_its_place(moment, article_id):
    from pipeline.news.items import Place, make_cursor, read_cursor

    place = Place(moment, article_id)
    found = read_cursor(make_cursor(place))
    assert found is not None
    assert (found.published_at, found.article_id) == (moment.astimezone(UTC), article_id)


@given(st.one_of(
    st.text(),
    st.text("ABCDEFabcdef0123456789-_", min_size=1),
    st.recursive(st.none() | st.floats() | st.text(), st.lists).map(json.dumps).map(encoded),
))  # fmt: skip
def test_any_other_text_is_an_invalid_cursor(text):
    from pipeline.models.errors import InvalidCursor
    from pipeline.news.items import read_cursor

    with pytest.raises(InvalidCursor):
        read_cursor(text)
