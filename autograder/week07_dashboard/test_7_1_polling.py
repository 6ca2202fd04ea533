"""7.1: the page polls while something may change, stops when nothing does, and bears failures.

Promises checked here, by their letters in the TODOs: e and f (`attempt`), g and h (`waitSeconds`).
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random

import pytest

from autograder.week07_dashboard.board import Board, newer, view

pytestmark = pytest.mark.item("7.1")

EVERY, LONGEST = 3, 30
WAIT = """async (cases) => {
  const { waitSeconds } = await import("/dashboard/polling.js");
  const shown = (value) => (typeof value === "number" ? value : value === null ? "null" : typeof value);
  return cases.map(([failures, active]) => shown(waitSeconds(failures, active)));
}"""
ATTEMPT = """async (rejects) => {
  const { Polling } = await import("/dashboard/polling.js");
  const problem = new Error("away"), said = [];
  let done = false;
  const ask = async () => {
    await new Promise((go) => queueMicrotask(() => queueMicrotask(go)));
    done = true;
    if (rejects) throw problem;
  };
  const tell = (error) => said.push(error === null ? "null" : error === problem ? "error" : "other");
  const polling = new Polling(ask, () => false, () => {});
  polling.onOutcome = tell;
  let value, thrown = "";
  try { value = await polling.attempt(); } catch (error) { thrown = String(error); }
  const kind = value === null ? "null" : value === problem ? "error" : typeof value;
  return { kind, said, thrown, done };
}"""


def test_the_functions(board: Callable[..., Board], rng: Random) -> None:
    """e, f, g, h: how long the page waits, and what one attempt does."""
    page = board().go_beside("polling.js")
    check_waiting(page, rng)
    for rejects in (False, True):
        check_attempt(page, rejects)


def check_waiting(page: Board, rng: Random) -> None:
    """Three seconds while a job is active, none if none is; longer after failures, up to 30 s."""
    cases: list[tuple[int, bool, object]] = [(0, True, EVERY), (0, False, "null")]
    for failures in range(1, 8):
        wanted = min(LONGEST, EVERY * 2 ** (failures - 1))
        cases += [(failures, active, wanted) for active in (True, False)]
    cases.append((rng.randint(50, 2000), False, LONGEST))
    answers = page.call(WAIT, [case[:2] for case in cases])
    for (failures, active, expected), got in zip(cases, answers, strict=True):
        if got != expected:
            cause = (
                "after a failure it goes on in any case, and waits twice as long each time, from 3 s up to "
                "30 s, after however many failures"
                if failures
                else "after a success it goes on while a job is active, and ends with null if none is"
            )
            page.fail(f"waitSeconds({failures}, {str(active).lower()})", str(expected), got, cause)


def check_attempt(page: Board, rejects: bool) -> None:
    """It waits for the answer, tells what came of it once, returns it and throws nothing."""
    got = page.call(ATTEMPT, rejects)
    kind = "error" if rejects else "null"
    expected = {"kind": kind, "said": [kind], "thrown": "", "done": True}
    if got != expected:
        cause = "wait for `this.ask()`, catch what it throws, call `onOutcome` once, and return the same"
        what = "rejects" if rejects else "resolves"
        page.fail(f"attempt(), where ask() {what} after a moment", str(expected), str(got), cause)


def polls(page: Board) -> int:
    return page.count("GET", "/jobs")


def test_it_stops(board: Callable[..., Board], rng: Random) -> None:
    """g: one request every three seconds while a job is active; after that none."""
    job = view(rng, rng.choice(["pending", "processing"]))
    page = board(job, view(rng, "completed")).go()
    page.run(1.5)
    sent = "a page without a stream, with one job that is active"
    page.must(
        sent, "a request for the jobs", lambda: polls(page), lambda: page.asked, "see the log"
    )
    before = polls(page)
    for _ in range(4):
        page.run(EVERY)
    if not 3 <= polls(page) - before <= 5:
        cause = "while a job is active the page asks every three seconds"
        page.fail(sent, "4 requests in 12 s", f"{polls(page) - before}", cause)
    page.jobs[0] = newer(job, "completed", 100)
    page.run(EVERY)
    page.run(EVERY)
    before = polls(page)
    page.run(4 * LONGEST)
    if polls(page) != before:
        cause = "when no job is active nothing changes by itself: `waitSeconds` ends polling"
        sent = "the same page, after its last job has ended"
        page.fail(sent, "no more requests", f"{polls(page) - before} in two minutes", cause)


def test_failures(board: Callable[..., Board], rng: Random) -> None:
    """f, h: the page says that it is offline, asks less and less often, and comes back by itself."""
    page = board(view(rng)).go()
    page.answers["GET", "/jobs"] = 503, {"detail": "away"}
    page.run(1.5)
    sent = "a page whose requests fail"
    offline = lambda: page.connection().startswith("Offline")  # noqa: E731
    cause = "if `ask` rejects, `attempt` calls `onOutcome(error)` and returns the error"
    page.must(sent, "the status Offline", offline, page.connection, cause)
    before = polls(page)
    for _ in range(10):
        page.run(6)
    if not 3 <= polls(page) - before <= 6:
        cause = "the waits are 3, 6, 12, 24 and 30 s, and it never gives up"
        page.fail(sent, "about 4 requests in a minute", f"{polls(page) - before}", cause)
    del page.answers["GET", "/jobs"]
    page.run(LONGEST)
    page.run(LONGEST)
    back = lambda: page.connection().startswith("Polling")  # noqa: E731
    cause = "`attempt` waits for `this.ask()`, without a limit of its own; then it calls `onOutcome(null)`"
    page.must("the server again", "the status Polling", back, page.connection, cause)
    before = polls(page)
    for _ in range(3):
        page.run(EVERY)
    if not 2 <= polls(page) - before <= 4:
        cause = "after a success the count of failures starts again at 0"
        page.fail("the server again", "3 requests in 9 s", f"{polls(page) - before}", cause)


def test_one_at_a_time(board: Callable[..., Board], rng: Random) -> None:
    """e: while a request is on its way there is no second one."""
    page = board(view(rng)).go()
    page.held = []
    page.run(1.5)
    for _ in range(2):
        page.run(EVERY)
    if polls(page) != 1:
        cause = "`attempt` waits for `this.ask()`: the next request is planned after the answer"
        page.fail("a slow answer", "one request at a time", f"{polls(page)} in 7 s", cause)
