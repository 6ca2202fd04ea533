"""3.6: search ranks by cosine distance, and answers 503 when a service fails.

What a submission could fake:
- counts: connections are counted by PostgreSQL, and more of them lose.
- witness: the response, and the statement as PostgreSQL shows it, up to 16 kB.
- place: questions, vectors and owners are random.
- store: only the statement that waits for the lock is seen. One that is sent for show, before another
  one, is not found out. This stays.
- probe: the lock can be looked up in PostgreSQL.
"""

from __future__ import annotations

import json
from random import Random
from typing import LiteralString

import httpx
import pytest

from autograder.sdk import Api, Fault, OpenAIControl, Run, Session, Student, database, fail, until
from autograder.week03_pipeline import index_rows
from autograder.week03_pipeline.files import made_up
from autograder.week03_pipeline.library import CHUNKS, Library, add_strangers, fill
from autograder.week03_pipeline.searches import (
    DEFAULT_LIMIT,
    MAX_LIMIT,
    SEARCH_SECONDS,
    Asking,
    check_ranking,
    check_unavailable,
    fail_blocked,
    search,
)

pytestmark = [pytest.mark.item("3.6"), pytest.mark.usefixtures("stores")]

OTHERS_SECONDS = 8.0
"""How long other requests may take. `GET /health` needs a thousandth of this."""
SLOW_SECONDS = 4.0
"""How long the provider takes for some questions: less than the API waits for it."""
CONNECTIONS = 4
"""How many connections the pool of the API has."""
SEARCHES = 14


@pytest.fixture(scope="module", autouse=True)
def nobody_else(student: Student) -> None:
    """Stop the workers, so that no document of another item is indexed now."""
    for worker in student.workers:
        worker.kill()


@pytest.fixture(scope="module")
def library(session: Session, run: Run) -> Library:
    """The chunks that a search can find."""
    return fill(run, session.random("library"))


def test_before_the_first_document(api: Api, run: Run, rng: Random) -> None:
    """The index is empty. This is the first test of the item, because the others fill the index."""
    index_rows.clear(run)
    sent = "GET /search?q=… before anything was indexed"
    if found := search(api, sent, q=made_up(rng, 1)[0]):
        fail(sent=sent, expected="no results", got=found)


def test_ranked_by_the_angle(api: Api, openai: OpenAIControl, library: Library) -> None:
    """a, c, d, e: documents of several chunks, with vectors of different lengths."""
    for limit in (CHUNKS, 5, 1):
        check_ranking(api, library, limit, {"limit": limit})
    check_ranking(api, library, DEFAULT_LIMIT, {})
    asked = {text for entry in openai.journal("embeddings") for text in entry.inputs}
    if asked != {library.question}:
        fail(
            sent=f"GET /search?q={library.question}",
            expected="this question sent to the provider, unchanged",
            got=sorted(asked)[:2],
            cause="the question must be embedded as the client wrote it, as the chunks were",
        )


def test_other_owners_are_not_searched(api: Api, run: Run, library: Library, rng: Random) -> None:
    """b: another owner has nearer chunks, also in a document with the same id as one of the client's."""
    sent = "GET /search?q=… while another owner has nearer chunks"
    texts = add_strangers(run, library, rng)
    found = {one.get("text") for one in search(api, sent, q=library.question)}
    if leaked := sorted(texts & found):
        fail(
            sent=sent,
            expected="only chunks of the client's own documents",
            got=f"also {leaked[0]!r}, which belongs to another owner",
            cause="filter by the owner in the query, and join by document and owner",
        )
    check_ranking(api, library, DEFAULT_LIMIT, {})


@pytest.mark.parametrize(
    "params",
    [{}, {"q": ""}, {"q": " \t "}, {"q": "x", "limit": 0}, {"q": "x", "limit": MAX_LIMIT + 1}],
    ids=["no question", "empty", "blank", "limit 0", "limit 51"],
)
def test_questions_that_are_none(
    api: Api, openai: OpenAIControl, params: dict[str, str | int]
) -> None:
    response = api.get("/search", params=params)
    if response.status_code != 422 or openai.journal():
        fail(
            sent=f"GET /search?{httpx.QueryParams(params)}",
            expected="422, and nothing sent to the provider",
            got=f"{response.status_code} after {len(openai.journal())} requests to the provider",
            cause="the given limits of the parameters were removed",
        )


@pytest.mark.parametrize(
    "fault",
    [Fault.status(429, retry_after=7), Fault.status(500), Fault.drop()],
    ids=["429", "500", "dropped connection"],
)
def test_a_provider_that_is_away(
    api: Api, openai: OpenAIControl, library: Library, fault: Fault
) -> None:
    """g: the provider rejects the request, or is unreachable."""
    openai.script(fault)
    response = api.get("/search", params={"q": library.question}, timeout=SEARCH_SECONDS)
    what = f"status {fault.answer}" if fault.kind == "status" else "a connection that breaks"
    check_unavailable(f"GET /search while the provider answers with {what}", response, api)


def test_what_the_provider_says_stays_here(
    api: Api, openai: OpenAIControl, library: Library, rng: Random
) -> None:
    """g: without the message of the other error."""
    [secret] = made_up(rng, 1)
    openai.script(Fault.status(500, body=json.dumps({"error": {"message": secret}})))
    sent = "GET /search while the provider answers 500 with a message of its own"
    response = api.get("/search", params={"q": library.question}, timeout=SEARCH_SECONDS)
    check_unavailable(sent, response, api)
    if secret in response.text:
        fail(
            sent=sent,
            expected="none of those words in the answer to the client",
            got=response.text[:300],
            cause="the message of another service was returned: it can contain addresses and keys",
        )


@pytest.mark.parametrize("end", ["cancel", "terminate"])
def test_a_database_that_goes_away(api: Api, run: Run, library: Library, end: str) -> None:
    """a, c, f, g: a lock stops a search. Meanwhile other requests are answered, and its statement can be
    read. Then PostgreSQL cancels the statement, as after its time limit, or cuts the connection.
    """
    sent = "GET /search while the table is locked"
    with index_rows.held(run, "LOCK TABLE chunks IN ACCESS EXCLUSIVE MODE"):
        asking = Asking(
            lambda: api.get("/search", params={"q": library.question}, timeout=SEARCH_SECONDS)
        )
        stopped = index_rows.wait_for_waiting(run, 1, unless=lambda: asking.done)
        others = Asking(lambda: api.get("/health", timeout=SEARCH_SECONDS))
        until(lambda: others.done or asking.done, OTHERS_SECONDS)
        blocked = bool(stopped) and not others.done
        statements = index_rows.statements_of(run, stopped)
        for pid in index_rows.waiting(run):
            database.query(run, ENDS[end], pid)
        if blocked:
            fail_blocked(sent)
        response = asking.finish()
    others.finish()
    how = "its statement is cancelled" if end == "cancel" else "its connection is cut"
    check_unavailable(f"{sent}, until {how}", response, api)
    check_ranking(api, library, DEFAULT_LIMIT, {})
    for statement in statements:
        check_statement(run, statement)


ENDS: dict[str, LiteralString] = {
    "cancel": "SELECT pg_cancel_backend(%s)",
    "terminate": "SELECT pg_terminate_backend(%s)",
}


def check_statement(run: Run, statement: str) -> None:
    """Check that no value is in the text of the statement, and that PostgreSQL can use the index."""
    sent = "GET /search; the statement that PostgreSQL got"
    values = [f"'{database.PUBLIC}'", "'[", f"LIMIT {DEFAULT_LIMIT}", f"FIRST {DEFAULT_LIMIT}"]
    if found := [value for value in values if value in statement]:
        fail(
            sent=sent,
            expected="a statement with parameters in place of values",
            got=f"{found[0]} in its text",
            cause="the statement was put together as text: pass all values as parameters",
        )
    if len(statement.encode()) >= index_rows.LONGEST_STATEMENT:
        fail(
            sent=sent,
            expected="a statement that PostgreSQL shows as a whole",
            got=f"one of {index_rows.LONGEST_STATEMENT:,} bytes or more",
            cause="one SELECT of five columns has a few hundred bytes, if all values are parameters",
        )
    plan = index_rows.plan_of(run, statement)
    if plan and INDEX not in plan:
        fail(
            sent=sent,
            expected=f"an order that the index `{INDEX}` has",
            got=" / ".join(line.strip() for line in plan.splitlines()[:4]),
            cause="order by the distance itself (`<=>`), ascending: an order by the score, or by a "
            "function, reads the whole table",
        )


INDEX = "chunks_embedding"


def test_the_connections_of_the_pool_are_used(api: Api, run: Run, library: Library) -> None:
    """e: many searches, one after another, need no more connections than the pool has."""
    before = index_rows.connections_so_far(run)
    for _ in range(SEARCHES):
        search(api, "GET /search, many times", q=library.question)
    made = index_rows.connections_so_far(run) - before
    if made > 2 * CONNECTIONS:  # PostgreSQL counts a connection a moment after it was made
        fail(
            sent=f"GET /search, {SEARCHES} times, one after another",
            expected=f"at most {CONNECTIONS} new connections, which the pool keeps",
            got=f"{made} new connections to PostgreSQL",
            cause="each search opens a connection of its own: take one by `pool.connection()`",
        )


def test_the_owner_of_the_request(
    student: Student, run: Run, library: Library, rng: Random
) -> None:
    """a, b, f: the grader calls the route as another owner, whose name contains a quote."""
    [name] = made_up(rng, 1)
    owner = f"o'{name}"
    texts = add_strangers(run, library, rng, owner)
    sent = f"GET /search?q=… of the owner {owner}"
    answer = student.ask(
        "builtins", "eval", as_owner(owner, library.question), timeout=SEARCH_SECONDS
    )
    if not answer.ok:
        fail(
            sent=sent,
            expected="the chunks of this owner",
            got=f"{answer.error}: {answer.message} ({answer.where})",
            cause="the name of the owner became a part of the statement: pass it as a parameter"
            if "Syntax" in answer.error
            else "see the line that is named here",
        )
    found = answer.value if isinstance(answer.value, list) else []
    if set(map(str, found)) != texts:
        fail(
            sent=sent,
            expected=f"this owner's {len(texts)} chunks",
            got=f"{len(found)} chunks, {len(texts & set(map(str, found)))} of them this owner's",
            cause="search for the owner of the request, `current_owner()`",
        )


def as_owner(owner: str, question: str) -> str:
    """An expression that calls the route as an owner, and returns the texts that are found."""
    program = f"""
async def ask():
    from types import SimpleNamespace
    from pipeline.api import search
    from pipeline.owners import OWNER
    OWNER.set({owner!r})
    async with search._lifespan(None) as state:
        request = SimpleNamespace(state=SimpleNamespace(**state))
        found = await search.search(request, {question!r}, {DEFAULT_LIMIT})
    return [one.text for one in found.results]
"""
    return f"(lambda names: exec({program!r}, names) or names['ask']())({{}})"


def test_a_slow_provider_holds_nobody_else(
    api: Api, openai: OpenAIControl, library: Library, rng: Random
) -> None:
    """e, f: as many slow questions as the pool has connections, and a quick one. This is the last test,
    because it does not wait for the slow ones.
    """
    slow = made_up(rng, 1)[0]
    openai.script(Fault.slow(SLOW_SECONDS, matching=slow, times=None))
    asking = [
        Asking(lambda: api.get("/search", params={"q": slow}, timeout=SEARCH_SECONDS))
        for _ in range(CONNECTIONS)
    ]
    sent = f"{CONNECTIONS} questions for which the provider takes {SLOW_SECONDS:g} s"
    waiting = until(lambda: len(openai.journal("embeddings")) == CONNECTIONS, SLOW_SECONDS)
    if not waiting:
        fail_blocked(sent)
    quick = Asking(
        lambda: api.get("/search", params={"q": library.question}, timeout=SEARCH_SECONDS)
    )
    until(lambda: quick.done or any(one.done for one in asking), SEARCH_SECONDS)
    answered = quick.done and quick.finish().status_code
    if answered != 200:
        fail(
            sent=f"{sent}, and one that it answers at once",
            expected="the quick one is answered while the others wait",
            got=f"it was answered with {answered}" if answered else "it waited for them",
            cause="a database connection is held while the provider works: embed the question "
            "first, then take a connection",
        )
