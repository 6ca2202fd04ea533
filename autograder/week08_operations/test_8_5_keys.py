"""8.5: who gets in, as whom, and what a stranger gets.

Promises checked here, by their letters in the TODOs: a, b and c (`verified`), d, e and f (`refusal`),
g, h and i (`set_key_cookie`), and j (`Authenticate`).

What a submission could fake:
- counts: nothing is counted.
- witness: responses over HTTP. What they may be is decided by rows that the grader has written.
- place: owners, keys, secrets and the age of the cookie are random.
- store: keys are in one table, and only responses count.
- probe: `compare_digest` says the opposite of what is true, in the calling process. A submission that
  compares by `==` and hands it the outcome is not noticed. This stays, because such a call is like a
  right one.
"""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime
from http.cookies import CookieError, Morsel, SimpleCookie
from random import Random
from typing import Any
from uuid import UUID

import httpx
import pytest

from autograder.sdk import Api, Run, Session, Student, fail, made, packed
from autograder.sdk.answers import must_raise
from autograder.sdk.comparing import every_comparison
from autograder.sdk.jobs_table import JobsTable, job
from autograder.week08_operations.keyring import (
    DETAIL,
    REFUSAL,
    Keyring,
    bearer,
    fail_with,
)

pytestmark = pytest.mark.item("8.5")

ROUTES = [
    ("GET", "/jobs"),
    ("GET", "/stats"),
    ("GET", "/events"),
    ("GET", "/search?q=lamp"),
    ("POST", "/documents"),
    ("POST", "/dead-letters/replay"),
    ("GET", "/"),
    ("GET", "/no/such/page"),
]
MODULE = "pipeline.api.auth"
COOKIE = "pipeline_key"
AS_A_BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


@pytest.fixture(scope="session")
def login_seconds(session: Session) -> int:
    """How long a browser keeps the cookie: another number in each run."""
    return session.random("login").randint(1_000, 9_000)


@pytest.fixture(scope="session")
def launched_locked(student: Student, launched_stores: None, login_seconds: int) -> Api:
    """An API that asks for keys, as in development."""
    env = {"API_KEYS": "required", "LOGIN_SECONDS": str(login_seconds)}
    return student.launch_api("locked", {**env, "KEY_CHECK_SECONDS": "0.3"})


@pytest.fixture(scope="session")
def launched_production(student: Student, launched_stores: None) -> Api:
    """The same as in production."""
    env = {"API_KEYS": "required", "APP_ENV": "production"}
    return student.launch_api("production", {**env, "WEBHOOK_ALLOWED_TARGETS": ""})


@pytest.fixture(scope="session")
def locked(student: Student, launched_locked: Api, stores: None) -> Api:
    """An API that asks for keys, ready."""
    student.await_api(launched_locked)
    return launched_locked


@pytest.fixture(scope="session")
def production(student: Student, launched_production: Api, stores: None) -> Api:
    """The same as in production, ready."""
    student.await_api(launched_production)
    return launched_production


@pytest.fixture
def keyring(run: Run, stores: None, rng: Random) -> Keyring:
    """Keys of this test."""
    return Keyring(run, rng)


# -- verified ---------------------------------------------------------------------------------------


def test_a_valid_key_is_let_in(locked: Api, keyring: Keyring) -> None:
    """a, c, f: a stored key passes, also one that expires later, and one with more scopes."""
    both = ("admin", "documents")
    keys = {
        "a key": keyring.key(),
        "a key that expires in an hour": keyring.key(expires_in=3_600),
        "a key with the scopes documents and admin": keyring.key(scopes=both),
    }
    for what, key in keys.items():
        answer = locked.get("/jobs", headers=bearer(key))
        if answer.status_code != 200:
            sent = f"GET /jobs with {what}"
            cause = "a key is valid until it is revoked or `expires_at` is reached"
            fail_with(locked, answer, sent, "200 and the jobs of its owner", cause)


def test_a_stranger_is_refused(locked: Api, keyring: Keyring) -> None:
    """a, b, c, d: everybody without a valid key gets the same 401 everywhere."""
    valid = keyring.key()
    strangers = {
        "no key": ({}, "`verified` returns None when nothing is presented"),
        "a text that is not a key": (bearer("sesame"), "`split_key` returns None then"),
        "an unknown key": (bearer(keyring.unknown()), "`keys.find` returns None for its id"),
        "another secret than the stored one": (
            bearer(keyring.with_other_secret(valid)),
            "the id is public: only the secret shows who sends it",
        ),
        "a revoked key": (bearer(keyring.key(revoked=True)), "the row has `revoked_at` then"),
        "an expired key": (bearer(keyring.key(expires_in=-5)), "compare `expires_at` with `now()`"),
    }
    for who, (headers, cause) in strangers.items():
        for method, path in ROUTES:
            answer = locked.request(method, path, headers=headers)
            check_refused(locked, answer, f"{method} {path} with {who}", cause)


def check_refused(api: Api, answer: httpx.Response, sent: str, cause: str) -> None:
    """The answer must be the one that every stranger gets."""
    if answer.status_code != 401:
        fail_with(api, answer, sent, "401", cause)
    body = api.json(answer)
    if body != REFUSAL:
        cause = "one text for all: a stranger must not learn which keys exist, or existed"
        fail_with(api, answer, sent, f"the body of `KeyRequired`: {DETAIL!r}", cause)
    if answer.headers.get("www-authenticate", "").split(" ")[0].lower() != "bearer":
        got = answer.headers.get("www-authenticate", "no such header")
        cause = "HTTP asks for this header with every 401: it says how a client may authenticate"
        fail(sent=sent, expected="the header WWW-Authenticate: Bearer", got=got, cause=cause)


def test_secrets_are_compared_in_constant_time(student: Student, rng: Random) -> None:
    """b: `compare_digest` decides: the secret that it calls equal is right, and no other is."""
    secret = f"{rng.getrandbits(256):064x}"
    for says in (False, True):
        right = not says  # it must say the opposite of what is true
        stored = secret if right else f"{rng.getrandbits(256):064x}"
        with every_comparison(student, says, MODULE):
            answer = student.ask(MODULE, "verified", f"bk_{ID}_{secret}", keys_with(stored))
        if answer.ok and (answer.value is not None) is says:
            continue
        fail(
            sent=f"verified() of a key with {'the stored' if right else 'another'} secret, while "
            f"`hmac.compare_digest` says {says}",
            expected="the row of the key" if says else "None",
            got=answer.value if answer.ok else f"{answer.error}: {answer.message}",
            cause="decide by what `hmac.compare_digest` returns. `==` stops at the first byte that differs, "
            "so its time tells how much was right",
        )


ID = "0123456789ab"


def keys_with(secret: str, expires_at: dict[str, Any] | None = None) -> dict[str, Any]:
    """Keys in the student's process: `find` gives the row of a key with this secret, whatever it is asked."""
    digest = hashlib.sha256(secret.encode()).digest()
    values = {
        "id": ID,
        "owner": "firm",
        "name": "grader",
        "scopes": made("builtins", "frozenset", ["documents"]),
        "secret_hash": packed(digest),
        "created_at": made("pipeline.keys.key", "now"),
        "expires_at": expires_at,
        "revoked_at": None,
    }
    row = made("pipeline.keys.key", "KeyRow", *values.values())
    find = made("unittest.mock", "AsyncMock", return_value=row)
    return made("types", "SimpleNamespace", find=find)


def test_the_moment_of_expiry(student: Student, rng: Random) -> None:
    """c: a key that expires at this very moment is not valid any more."""
    secret = f"{rng.getrandbits(256):064x}"
    moment = made("datetime", "datetime.fromisoformat", datetime.now(UTC).isoformat())
    clock = made("unittest.mock", "Mock", return_value=moment)
    module = made("importlib", "import_module", MODULE)
    student.call("builtins", "setattr", module, "now", clock)
    try:
        keys = keys_with(secret, expires_at=moment)
        answer = student.ask(MODULE, "verified", f"bk_{ID}_{secret}", keys)
    finally:
        student.renew()
    if answer.ok and answer.value is None:
        return
    sent = "verified() of a key whose `expires_at` is the present moment"
    got = answer.value if answer.ok else f"{answer.error}: {answer.message}"
    cause = "`expires_at` is reached if `now()` is equal to it: compare with `<=`"
    fail(sent=sent, expected="None", got=got, cause=cause)


def test_keys_that_cannot_be_read(student: Student, rng: Random) -> None:
    """a: PostgreSQL is away. That is an outage, and not a stranger."""
    error = made("pipeline.keys.errors", "KeysUnavailable")
    find = made("unittest.mock", "AsyncMock", side_effect=error)
    keys = made("types", "SimpleNamespace", find=find)
    answer = student.ask(MODULE, "verified", f"bk_{ID}_{rng.getrandbits(256):064x}", keys)
    cause = (
        "let `KeysUnavailable` out: nobody knows whether the key is valid, so 401 would be wrong"
    )
    must_raise("verified() while the keys cannot be read", answer, "KeysUnavailable", cause)


# -- refusal ----------------------------------------------------------------------------------------


def test_a_person_is_sent_to_the_login(locked: Api, keyring: Keyring) -> None:
    """d: a browser that opens a page gets the form, and a program never does."""
    for who, headers in {
        "without a key": {},
        "with a revoked key in the cookie": {"Cookie": f"{COOKIE}={keyring.key(revoked=True)}"},
    }.items():
        answer = locked.get("/", headers={**AS_A_BROWSER, **headers})
        place = answer.headers.get("location", "")
        if (answer.status_code, place) != (303, "/login"):
            sent = f"GET / from a browser, {who}"
            cause = "`page_view` is true then: redirect to `LOGIN_PATH` with status 303"
            fail_with(locked, answer, sent, "303, Location: /login", cause)
    cause = "only a person who opens a page can use a form"
    answer = locked.post("/documents", headers=AS_A_BROWSER)
    check_refused(locked, answer, "POST /documents without a key", cause)
    answer = locked.get("/jobs", headers={"Accept": "application/json"})
    check_refused(locked, answer, "GET /jobs of a script, without a key", cause)


def test_a_scope_opens_its_own_routes(locked: Api, keyring: Keyring) -> None:
    """e, f: a key without the scope gets 403, whichever of the two scopes it lacks."""
    cases = {"admin": "/jobs", "documents": "/admin/nothing-here"}
    for scope, path in cases.items():
        answer = locked.get(path, headers=bearer(keyring.key(scopes=(scope,))))
        sent = f"GET {path} with a key of the scope {scope}"
        if answer.status_code != 403 or locked.json(answer).get("type") != "scope_missing":
            cause = (
                "the key is valid, so it is not 401: it must not do this. No scope contains another"
            )
            fail_with(locked, answer, sent, "403 and the body of `ScopeMissing`", cause)
    key = keyring.key(scopes=("admin",))
    answer = locked.get("/", headers={**AS_A_BROWSER, "Cookie": f"{COOKIE}={key}"})
    if answer.status_code != 403:
        sent = "GET / from a browser, with a valid key of the scope admin"
        cause = "a person with a valid key is logged in: the form would accept the same key again"
        fail_with(locked, answer, sent, "403 and the body of `ScopeMissing`", cause)
    key = keyring.key(scopes=("admin", "documents"))
    answer = locked.get("/admin/nothing-here", headers=bearer(key))
    if answer.status_code != 404:
        sent = "GET /admin/nothing-here with both scopes"
        cause = "a key may have more scopes than a request needs"
        fail_with(locked, answer, sent, "404: the request passes, and there is no such page", cause)


# -- the owner --------------------------------------------------------------------------------------


def test_an_owner_sees_their_own_jobs(locked: Api, keyring: Keyring, run: Run, rng: Random) -> None:
    """j: each request is answered as the owner of its key."""
    owners = [keyring.owner() for _ in range(3)]
    table = JobsTable(run)
    jobs = {owner: job(rng, "completed", owner=owner) for owner in owners}
    table.put(*jobs.values(), job(rng, "completed"))
    keys = {owner: keyring.key(owner) for owner in owners}
    cause = "the routes read the context variable `OWNER`: set it to `key.owner` before they run"
    for owner in (*owners, *reversed(owners)):
        answer = locked.get("/jobs", headers=bearer(keys[owner]))
        found = locked.json(answer).get("jobs") if answer.status_code == 200 else None
        ids = [one.get("job_id") for one in found] if isinstance(found, list) else None
        if ids != [jobs[owner]["id"]]:
            sent = "GET /jobs with the key of an owner who has one job"
            fail_with(locked, answer, sent, f"this job alone: {jobs[owner]['id']}", cause)
    first, other = owners[0], owners[1]
    path = f"/jobs/{UUID(jobs[first]['id'])}"
    answer = locked.get(path, headers=bearer(keys[other]))
    if answer.status_code != 404:
        fail_with(locked, answer, "GET another owner's job", "404, as if it did not exist", cause)


# -- the cookie -------------------------------------------------------------------------------------


def cookie_of(api: Api, key: str, sent: str) -> Morsel[str]:
    """The cookie that a login sets."""
    answer = api.post("/login", data={"key": key})
    if answer.status_code != 303:
        fail_with(api, answer, sent, "303: a valid key is accepted")
    try:
        cookies: SimpleCookie = SimpleCookie(answer.headers.get("set-cookie", ""))
    except CookieError:
        cookies = SimpleCookie()
    if COOKIE not in cookies or cookies[COOKIE].value != key:
        got = answer.headers.get("set-cookie", "no cookie").replace(key, "(the key)")
        cause = "the browser sends the cookie with each request, in place of the header"
        fail(sent=sent, expected=f"the cookie {COOKIE} with the key", got=got, cause=cause)
    return cookies[COOKIE]


def test_the_cookie(locked: Api, keyring: Keyring, login_seconds: int) -> None:
    """g, h, i: what the cookie is like in development."""
    key, sent = keyring.key(), "POST /login with a valid key"
    cookie = cookie_of(locked, key, sent)
    wanted = {
        "path": ("/", "the cookie is needed for all paths, not only below the login"),
        "max-age": (str(login_seconds), "`settings.login_seconds` says how long it is kept"),
        "httponly": ("True", "a script on the page could read the key, and send it away"),
        "samesite": ("strict", "with `Lax` the cookie goes along when another site links here"),
        "secure": ("", "the local stack has no HTTPS, so a browser would never send the cookie"),
        "domain": ("", "without a domain it belongs to this host alone"),
    }
    for name, (value, cause) in wanted.items():
        if str(cookie[name]).lower() != value.lower():
            expected = f"{name}: {value}" if value else f"no {name}"
            fail(sent=sent, expected=expected, got=f"{name}: {cookie[name]!r}", cause=cause)
    answer = locked.get("/jobs", headers={"Cookie": f"{COOKIE}={key}"})
    if answer.status_code != 200:
        fail_with(locked, answer, "GET /jobs with this cookie", "200 and the jobs")


def test_the_cookie_in_production(production: Api, keyring: Keyring) -> None:
    """i: outside development the cookie travels over HTTPS only."""
    sent = "POST /login with APP_ENV=production"
    if not cookie_of(production, keyring.key(), sent)["secure"]:
        cause = (
            "without `Secure` the browser sends the key over plain HTTP too, where anybody reads it"
        )
        fail(sent=sent, expected="a cookie that is Secure", got="it is not", cause=cause)
