"""API keys: each route of weeks 2 to 8 refuses a stranger, and shows an owner only what is theirs."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Iterator
from uuid import uuid4

import httpx
import psycopg
import pytest
from psycopg.sql import SQL, Identifier

from bootcamp.stack import Stack
from tests.week03.conftest import poll
from tests.week08.keyed import CHECK_SECONDS, Keyed, key_id, keyed

PAGES = ["/", "/dashboard/dashboard.js", "/dashboard/index.html", "/docs", "/redoc"]
OTHER_PATHS = [*PAGES, "/openapi.json", "/no/such/path", "/health/", "//health", "/login/other"]
REFUSAL = {"detail": "Send a valid API key: `Authorization: Bearer bk_…`.", "type": "key_required"}
NO_KEYS = {
    "nothing": {},
    "an unknown key": {"Authorization": f"Bearer bk_{'0' * 12}_{'0' * 64}"},
    "no key at all": {"Authorization": "Bearer let me in"},
    "another scheme": {"Authorization": "Basic dXNlcjpwYXNz"},
    "an empty key": {"Authorization": "Bearer"},
    "an unknown key in the cookie": {"Cookie": f"pipeline_key=bk_{'0' * 12}_{'0' * 64}"},
}


@pytest.fixture(scope="module")
def api(stack: Stack, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Keyed]:
    folder = tmp_path_factory.mktemp("apps")
    with stack.isolated() as run, keyed(run, folder, workers=1) as api:
        yield api


@pytest.fixture(scope="module")
def revoked(api: Keyed) -> str:
    key = api.key("law-firm")
    api.keys("revoke", key_id(key))
    return key


@pytest.fixture(scope="module")
def expired(api: Keyed) -> str:
    key = api.key("law-firm")
    with psycopg.connect(api.run.database_url) as database:
        database.execute(
            "UPDATE api_keys SET expires_at = now() - interval '1 s' WHERE id = %s", [key_id(key)]
        )
    return key


def operations(api: Keyed) -> list[tuple[str, str]]:
    """Method and path of every route in the OpenAPI document, and of those that are not in it."""
    with api.client(api.apps.api_key) as http:
        paths = http.get("/openapi.json").json()["paths"]
    described = [(method.upper(), path) for path, one in paths.items() for method in one]
    return [*described, *(("GET", path) for path in OTHER_PATHS)]


def filled(path: str, value: str = "") -> str:
    return re.sub(r"\{\w+\}", value or str(uuid4()), path)


def test_each_route_refuses_whoever_has_no_valid_key(api, revoked, expired):
    good = api.key("law-firm")
    wrong_secret = good[:-1] + ("0" if good[-1] != "0" else "1")
    strangers = {
        **NO_KEYS,
        "a revoked key": {"Authorization": f"Bearer {revoked}"},
        "a revoked key in the cookie": {"Cookie": f"pipeline_key={revoked}"},
        "an expired key": {"Authorization": f"Bearer {expired}"},
        "another secret": {"Authorization": f"Bearer {wrong_secret}"},
        "the key of a page of another site": {
            "Cookie": f"pipeline_key={good}",
            "Sec-Fetch-Site": "cross-site",
        },
    }
    found = operations(api)
    labels = {path for _, path in found}
    assert {"/documents", "/jobs", "/events", "/hello", "/search", "/stats", "/webhooks"} <= labels
    passed = []
    with api.client(None) as http:
        for method, path in found:
            if path == "/health":
                continue
            for who, headers in strangers.items():
                answer = http.request(method, filled(path), headers=headers)
                refused = answer.status_code == 401 and answer.json() == REFUSAL
                if not refused or answer.headers.get("www-authenticate") != "Bearer":
                    passed.append((method, path, who, answer.status_code, answer.text[:80]))
        assert http.get("/health").status_code == 200
        assert http.get("/login").status_code == 200
        assert http.get("/login/login.css").headers["content-type"].startswith("text/css")
    assert not passed


def test_a_person_who_opens_the_page_is_sent_to_the_login(api, revoked):
    accept = {"Accept": "text/html,application/xhtml+xml"}
    with api.client(None) as http:
        for headers in (accept, accept | {"Cookie": f"pipeline_key={revoked}"}):
            answer = http.get("/", headers=headers)
            assert (answer.status_code, answer.headers["location"]) == (303, "/login")
        assert http.post("/documents", headers=accept).status_code == 401


def _finished(http: httpx.Client, job_id: str) -> None:
    poll(lambda: http.get(f"/jobs/{job_id}").json()["finished_at"], 60)


def test_an_owner_sees_nothing_of_another(api):
    """Every route, with the ids of another owner's things in its path."""
    ours, theirs = api.client(api.key("law-firm")), api.client(api.key("harbour-office"))
    marker = f"zebra-{uuid4().hex[:8]}"
    with ours, theirs:
        hook = ours.post("/webhooks", json={"url": api.run.webhooks.url("default")}).json()
        done = ours.post("/documents", files={"file": (f"{marker}.txt", b"The keeper.")}).json()
        dead = ours.post("/documents", files={"file": (f"{marker}.pdf", b"%PDF-1.7 x")}).json()
        ids = [done["job_id"], dead["job_id"]]
        for job_id in ids:
            _finished(ours, job_id)
        ids.append(hook["webhook_id"])
        sent = poll(lambda: ours.get(f"/webhooks/{hook['webhook_id']}/deliveries").json())
        ids += [one["delivery_id"] for one in sent["deliveries"]]
        before = ours.get("/jobs").json()["jobs"]
        assert len(before) == 2
        for method, path in operations(api):
            if path in ("/events", "/hello", "/health"):
                continue
            for one in ids:
                answer = theirs.request(method, filled(path, one), params={"q": "The keeper."})
                assert marker not in answer.text, (method, path)
                if "{" in path and path != "/tasks/{task_id}" and method != "PATCH":
                    assert answer.status_code in (404, 422), (method, path, answer.text)
        assert theirs.get("/search", params={"q": "keeper"}).json()["results"] == []
        assert theirs.get("/jobs").json()["jobs"] == []
        assert theirs.get("/stats").json()["total"] == 0
        assert theirs.get("/dead-letters").json()["dead_letters"] == []
        assert ours.get("/jobs").json()["jobs"] == before
        assert ours.get("/search", params={"q": "keeper"}).json()["results"]
        hooks = ours.get("/webhooks").json()["webhooks"]
        assert [one["webhook_id"] for one in hooks] == [hook["webhook_id"]]


class Stream:
    """`GET /events` in a thread."""

    def __init__(self, client: httpx.Client) -> None:
        self.text = ""
        self.status = 0
        self.ended = threading.Event()
        threading.Thread(target=self._read, args=[client], daemon=True).start()

    def _read(self, client: httpx.Client) -> None:
        try:
            with client.stream("GET", "/events") as answer:
                self.status = answer.status_code
                for line in answer.iter_lines():
                    self.text += f"{line}\n"
        except httpx.HTTPError:
            pass
        finally:
            self.ended.set()

    def has(self, words: str) -> bool:
        poll(lambda: words in self.text or self.ended.is_set() or None, 20)
        return words in self.text


def test_streams_are_the_owners_and_end_with_the_key(api):
    ours, theirs = api.key("law-firm"), api.key("harbour-office")
    with api.client(ours) as mine, api.client(theirs) as other:
        first, second = Stream(mine), Stream(other)
        assert first.has("event: snapshot") and second.has("event: snapshot")
        with api.client(ours) as http:
            http.post("/documents", files={"file": ("private.txt", b"Nobody else reads this.")})
        assert first.has("private.txt")
        api.keys("revoke", key_id(ours))
        assert first.ended.wait(2 * CHECK_SECONDS + 2)
        assert not second.ended.is_set() and "private.txt" not in second.text
        with api.client(ours) as http:
            assert http.get("/events").status_code == 401


def test_a_revoked_key_is_refused_within_the_stated_time(api):
    key = api.key("law-firm")
    with api.client(key) as http:
        assert http.get("/stats").status_code == 200
        api.keys("revoke", key_id(key))
        began = time.monotonic()
        poll(lambda: http.get("/stats").status_code == 401 or None, 5)
        assert time.monotonic() - began < CHECK_SECONDS + 1


def test_a_scope_opens_its_own_routes_alone(api):
    admin, documents = api.key("law-firm", "--scope", "admin"), api.key("law-firm")
    with api.client(admin) as http:
        answer = http.get("/jobs")
        assert (answer.status_code, answer.json()["type"]) == (403, "scope_missing")
        assert http.get("/admin/no-such-page").status_code == 404
    with api.client(documents) as http:
        assert http.get("/admin/stats").status_code == 403
        assert http.get("/metrics").status_code == 403


# -- the browser ----------------------------------------------------------------------------------


def test_the_login_keeps_the_key_in_a_cookie_that_no_script_reads(api):
    key = api.key("law-firm")
    with api.client(None) as http:
        answer = http.post("/login", data={"key": f" {key}\n"})
        assert (answer.status_code, answer.headers["location"]) == (303, "/")
        words = {word.strip().lower() for word in answer.headers["set-cookie"].split(";")}
        assert {"httponly", "samesite=strict", "path=/"} <= words
        assert "secure" not in words  # the local stack has no HTTPS
        assert not any(word.startswith("domain") for word in words)
        page = http.get("/", headers={"Accept": "text/html"})
        assert page.status_code == 200 and "dashboard.js" in page.text
        assert http.get("/stats").status_code == 200
        assert http.post("/logout").headers["location"] == "/login"
        assert http.get("/stats").status_code == 401


@pytest.mark.parametrize("sent", ["", "bk_1_2", "<script>alert(1)</script>"])
def test_a_login_without_a_valid_key_says_so(api, sent):
    with api.client(None) as http:
        answer = http.post("/login", data={"key": sent})
        assert answer.status_code == 401 and "This key is not valid" in answer.text
        assert "set-cookie" not in answer.headers and "<script>alert" not in answer.text
        admin = api.key("law-firm", "--scope", "admin")
        assert http.post("/login", data={"key": admin}).status_code == 401


def test_the_login_form_is_bounded_and_refuses_other_sites(api):
    with api.client(None) as http:
        assert http.post("/login", content=b"key=" + b"a" * 100_000).status_code == 413
        foreign = {"Origin": "https://evil.example"}
        key = api.key("law-firm")
        assert http.post("/login", data={"key": key}, headers=foreign).status_code == 403


def test_a_cookie_does_nothing_for_a_page_of_another_site(api):
    key = api.key("law-firm")
    with api.client(None, cookies={"pipeline_key": key}) as http:
        assert http.get("/jobs").status_code == 200
        foreign = {"Origin": "https://evil.example", "Sec-Fetch-Site": "cross-site"}
        file = {"file": ("a.txt", b"text")}
        assert http.post("/documents", files=file, headers=foreign).status_code == 401
        assert http.get("/jobs", headers=foreign).status_code == 401


# -- the keys themselves ---------------------------------------------------------------------------


def test_only_a_hash_is_stored_and_no_log_has_a_key(api):
    key = api.key("law-firm", "--name", "scanner")
    secret = key.split("_")[2]
    with api.client(key) as http:
        http.get("/jobs")
        http.get(f"/jobs/{uuid4()}")
        job = http.post("/documents", files={"file": ("a.txt", b"some text")}).json()
        poll(lambda: http.get(f"/jobs/{job['job_id']}").json()["finished_at"], 60)
    with psycopg.connect(api.run.database_url) as database:
        rows = database.execute("SELECT * FROM api_keys").fetchall()
    assert secret not in str(rows)
    for process in api.apps.processes:
        assert secret not in process.logs()
        assert str(api.apps.api_key).split("_")[2] not in process.logs()
    assert secret not in api.keys("list") and "scanner" in api.keys("list")


def test_a_rotated_key_is_valid_for_a_while_beside_the_new_one(api):
    old = api.key("law-firm", "--name", "scanner", "--scope", "admin", "--scope", "documents")
    new = api.keys("rotate", key_id(old), "--hours", "1")
    for key in (old, new):
        with api.client(key) as http:
            assert http.get("/jobs").status_code == 200
            assert http.get("/admin/none").status_code == 404
    listed = api.keys("list", "--owner", "law-firm")
    assert re.search(rf"{key_id(old)} .* expires ", listed)
    assert re.search(rf"{key_id(new)} .* active ", listed)


def test_an_old_key_does_not_live_longer_by_rotation(api):
    old = api.key("law-firm", "--days", "0.0001")
    api.keys("rotate", key_id(old), "--hours", "100")
    with psycopg.connect(api.run.database_url) as database:
        query = "SELECT expires_at < now() + interval '1 hour' FROM api_keys WHERE id = %s"
        assert database.execute(query, [key_id(old)]).fetchone() == (True,)


def test_what_does_not_exist_is_not_revoked_or_rotated(api, revoked):
    assert "no such key" in api.keys("revoke", "0" * 12, code=1)
    assert "no such key" in api.keys("revoke", key_id(revoked), code=1)
    assert "no such key" in api.keys("rotate", key_id(revoked), code=1)
    api.keys("create", "--owner", "Law Firm", code=2)


def test_the_stacks_own_key_is_one(api):
    listed = api.keys("list", "--owner", "public")
    assert listed.count("active") == 1 and key_id(str(api.apps.api_key)) in listed


def test_while_postgresql_is_away_nobody_gets_in_and_streams_stay(stack, tmp_path):
    with stack.isolated() as run, keyed(run, tmp_path) as api, api.client(api.apps.api_key) as http:
        stream = Stream(api.client(api.apps.api_key))
        assert stream.has("event: snapshot")
        with psycopg.connect(run.database_url, autocommit=True) as database:
            limit = "ALTER DATABASE {} CONNECTION LIMIT {}"
            name = Identifier(database.info.dbname)
            database.execute(SQL(limit).format(name, 0))
            try:
                end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s"
                database.execute(f"{end} AND pid != pg_backend_pid()", [database.info.dbname])
                answer = poll(
                    lambda: ((one := http.get("/stats")).status_code != 200 and one) or None, 10
                )
                assert answer.status_code == 503 and answer.headers["retry-after"]
                assert answer.json()["type"] == "keys_unavailable"
                assert not stream.ended.is_set()
            finally:
                database.execute(SQL(limit).format(name, -1))
        poll(lambda: http.get("/stats").status_code == 200 or None, 10)
