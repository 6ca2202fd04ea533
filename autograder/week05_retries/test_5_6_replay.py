"""5.6: replay of one and of all, as functions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

import psutil
import pytest

from autograder.sdk import Api, fail, made
from autograder.sdk.answers import (
    Code,
    changed,
    must_be_job,
    must_raise,
    must_return,
    number,
    plain,
)
from autograder.sdk.dynamodb import DynamoDBProxy, Request, check_one_write
from autograder.week05_retries.rows import (
    DEAD_MODEL,
    Item,
    Rows,
    Settings,
    as_job,
    dead,
    due_after,
    job,
    moment,
    row_of,
)

pytestmark = pytest.mark.item("5.6")

REPLAYS = "pipeline.models.replays"
SLACK_SECONDS = 3.0
GONE = ("error", "dead_letter", "dead_at", "waiting", "finished_at", "expires_at", "lease_owner")
ONE_WRITE = (
    "`move` in one conditional write, with `generation=job.generation`: the one that was read"
)


@pytest.fixture
def quiet(api: Api, table: Rows) -> Iterator[Rows]:
    """The table while the API, and with it the outbox, stands still: nothing that is due begins."""
    process = psutil.Process(api.process.pid)
    process.suspend()
    try:
        yield table
    finally:
        table.clear()
        process.resume()


def test_one(code: Code, quiet: Rows, settings: Settings, rng: Random) -> None:
    """Back to where every job begins, and nothing of the failure is left."""
    for due_in in (None, 0.0, float(rng.randint(30, 90))):
        row = died(rng)
        quiet.put(row)
        sent = f"replay() of a job with a dead letter, due_in={due_in}"
        must_be_job(sent, code.ask(DEAD_MODEL, "replay", as_job(row), due_in))
        found = row_of(quiet, row["id"])
        check_anew(sent, found, row)
        after = due_after(found)
        wanted = settings.publish_seconds if due_in is None else due_in
        if after is None or abs(after - wanted) > SLACK_SECONDS or "due_shard" not in found:
            fail(
                sent=sent,
                expected=f"due {wanted:g} s from now",
                got=plain(
                    {name: found.get(name) for name in ("due_at", "due_shard", "updated_at")}
                ),
                cause="`timing(job.id, Status.PENDING, wait)`: a job that nobody finds never begins",
            )
        if left := quiet.by("by_dead_letter", "owner", row["owner"]):
            fail(sent=sent, expected="no longer in the list of the dead", got=plain(left))


def died(rng: Random) -> Item:
    """A job with a dead letter, which somebody has replayed before."""
    return dead(rng, owner=f"owner-{rng.getrandbits(32):x}", replays=rng.randint(0, 5))


def check_anew(sent: str, row: Item, before: Item) -> None:
    """Pending, with a clean slate."""
    causes = {
        "deliveries": "with the old deliveries the job counts as poison at its next crash, or at once",
        "failures": "with the old failures its first error is its last attempt",
        "lost_messages": "it was counted of deliveries that are forgotten now",
        "waiting": "the outbox would send that step, and the job is at its beginning",
        "dead_letter": "a job that lives and has a dead letter stands in both lists",
        "dead_at": "a job that lives and has a dead letter stands in both lists",
    }
    odd = [name for name in GONE if name in row]
    odd += [
        name for name in ("deliveries", "failures", "lost_messages", "steps_done") if row.get(name)
    ]
    if row.get("status") != "pending" or odd:
        got = plain({name: row[name] for name in ("status", *odd) if name in row})
        fail(
            sent=sent,
            expected="a pending job; error, dead letter and counts are gone",
            got=got or "no row",
            cause=next((causes[name] for name in odd if name in causes), "`move` to PENDING"),
        )
    if row.get("replays") != before["replays"] + 1:
        fail(
            sent=sent,
            expected=f"replays: {before['replays'] + 1}",
            got=f"replays: {plain(row.get('replays'))}",
            cause="whoever reads the next dead letter must see how often this was tried",
        )


def test_one_too_late(code: Code, quiet: Rows, dynamodb_proxy: DynamoDBProxy, rng: Random) -> None:
    """Somebody else was faster: by now, or right before the write; or nobody was."""

    def replayed(row: Item) -> Item:
        more = {"owner": row["owner"], "replays": row["replays"] + 1}
        return job(rng, "pending", id=row["id"], generation=row["generation"], **more)

    def failed_again(row: Item) -> Item:
        more = {"owner": row["owner"], "replays": row["replays"] + 1}
        return dead(rng, id=row["id"], generation=row["generation"] + 6, **more)

    def completed(row: Item) -> Item:
        more = {"owner": row["owner"], "replays": row["replays"] + 1}
        return job(rng, "completed", id=row["id"], generation=row["generation"] + 6, **more)

    cases: list[tuple[str, Callable[[Item], Item] | None, bool]] = [
        (what + (", right before the write" if racing else ""), other, racing)
        for what, other in (
            ("that somebody else has replayed", replayed),
            ("that was replayed, and has failed again", failed_again),
            ("that was replayed, and is completed", completed),
        )
        for racing in (False, True)
    ]
    cases += [("that nobody else replays", None, False)] * 2
    for what, other, racing in rng.sample(cases, len(cases)):
        row = died(rng)
        quiet.put(row)
        sent = f"replay() of a job {what}"
        if other is None:
            alone(sent, code, quiet, dynamodb_proxy, row)
        else:
            refused(sent, code, quiet, dynamodb_proxy, row, other(row), racing)


def alone(sent: str, code: Code, quiet: Rows, dynamodb_proxy: DynamoDBProxy, row: Item) -> None:
    """Nobody else wants this one: it is replayed, in one write."""
    with dynamodb_proxy.watching() as seen:
        must_be_job(sent, code.ask(DEAD_MODEL, "replay", as_job(row)))
    check_one_write(sent, seen, row["id"], ONE_WRITE)
    check_anew(sent, row_of(quiet, row["id"]), row)


def refused(
    sent: str,
    code: Code,
    quiet: Rows,
    dynamodb_proxy: DynamoDBProxy,
    row: Item,
    now: Item,
    racing: bool,
) -> None:
    """A JobConflict, and what somebody else has made of the row is left alone."""

    def act() -> None:
        quiet.put(now)

    def writes_it(request: Request) -> bool:
        return racing and request.writes and request.names(row["id"])

    if not racing:
        act()
    with dynamodb_proxy.before(act, writes_it):
        answer = code.ask(DEAD_MODEL, "replay", as_job(row))
    must_raise(sent, answer, "JobConflict", ONE_WRITE)
    if odd := changed(now, quiet.get(row["id"])):
        fail(sent=sent, expected="JobConflict, nothing written", got=odd, cause=ONE_WRITE)


# -- all -------------------------------------------------------------------------------------


def deaths(rng: Random, owner: str, count: int, kinds: list[str]) -> list[Item]:
    """Jobs with dead letters, oldest first."""
    times = sorted(moment(-rng.uniform(100, 9_000)) for _ in range(count))
    found = []
    for at, died in enumerate(times):
        fingerprint = {"fingerprint": kinds[at % len(kinds)], "last_at": died}
        found.append(dead(rng, owner=owner, dead_at=died, replays=0, letter=fingerprint))
    return found


def replay_all(code: Code, sent: str, owner: str, kind: str | None) -> tuple[float, float]:
    """How many, and how long that takes, by the student's word."""
    said = must_return(sent, code.ask(REPLAYS, "replay_all", owner, kind))
    said = said if isinstance(said, dict) else {}
    count, seconds = number(said.get("count")), number(said.get("seconds"))
    if count is None or seconds is None:
        fail(sent=sent, expected="a `Replayed` with count and seconds", got=said)
    return count, seconds


def check_throttled(
    sent: str, table: Rows, wanted: list[Item], said: tuple[float, float], every: float
) -> None:
    """Each is pending, the oldest due at once, and each later one `every` seconds after."""
    rows = [row_of(table, one["id"]) for one in wanted]
    asleep = [row["id"] for row in rows if row.get("status") != "pending" or "due_at" not in row]
    if asleep:
        fail(
            sent=sent,
            expected=f"{len(wanted)} jobs pending and due",
            got=f"{len(asleep)} of them are not",
            cause="`replay` each of the chosen",
        )
    written = rows[0].get("updated_at") if rows else None
    due = [due_after({**row, "updated_at": written}) for row in rows]
    expected = [place * every for place in range(len(rows))]
    off = [
        one is None or abs(one - other) > SLACK_SECONDS
        for one, other in zip(due, expected, strict=True)
    ]
    if any(off):
        fail(
            sent=sent,
            expected=f"due, oldest first, after {[round(one) for one in expected]} s",
            got=f"due after {[one if one is None else round(one) for one in due]} s",
            cause=f"REPLAYS_PER_SECOND is {1 / every:g}: whatever they all need may only just be back, "
            "and new documents need it too. Oldest first; who was left out takes no turn",
        )
    last = expected[-1] if expected else 0.0
    if said[0] != len(wanted) or abs(said[1] - last) > SLACK_SECONDS:
        fail(
            sent=sent,
            expected=f"count {len(wanted)}, seconds {last:g} (until the last one is published)",
            got=f"count {said[0]:g}, seconds {said[1]:g}",
        )


def test_all(code: Code, quiet: Rows, settings: Settings, rng: Random) -> None:
    """An owner's, or those of one kind: no one else's, and nothing that lives."""
    every = 1 / settings.replays_per_second
    owner, other = (f"owner-{rng.getrandbits(32):x}" for _ in "ab")
    kinds = [f"{rng.getrandbits(64):016x}" for _ in "ab"]
    mine = deaths(rng, owner, 6, kinds)
    others = [*deaths(rng, other, 2, kinds), job(rng, "completed", owner=owner)]
    quiet.put(*rng.sample(mine, len(mine)), *others)

    sent = "replay_all() for one fingerprint; the owner has 6 dead letters, 3 of that kind"
    said = replay_all(code, sent, owner, kinds[0])
    for one in (*mine[1::2], *others):
        if odd := changed(one, quiet.get(one["id"])):
            whose = "of another kind" if one["owner"] == owner else "of another owner"
            fail(sent=sent, expected="no other job is touched", got=f"one {whose}: {odd}")
    check_throttled(sent, quiet, mine[::2], said, every)
    sent = "replay_all() for the other three"
    check_throttled(sent, quiet, mine[1::2], replay_all(code, sent, owner, None), every)
    sent = "replay_all() where no dead letter is left"
    check_throttled(sent, quiet, [], replay_all(code, sent, owner, None), every)


def test_all_while_others_do(
    code: Code, quiet: Rows, dynamodb_proxy: DynamoDBProxy, settings: Settings, rng: Random
) -> None:
    """One of them is replayed by somebody else, right before its write."""
    every = 1 / settings.replays_per_second
    owner = f"owner-{rng.getrandbits(32):x}"
    mine = deaths(rng, owner, 4, ["0123456789abcdef"])
    quiet.put(*mine)
    taken = job(rng, id=mine[1]["id"], owner=owner, replays=1, generation=mine[1]["generation"])

    def act() -> None:
        quiet.put(taken)

    def writes_it(request: Request) -> bool:
        return request.writes and request.names(taken["id"])

    sent = "replay_all() of 4 jobs; somebody else replays the second, right before its write"
    with dynamodb_proxy.before(act, writes_it):
        said = replay_all(code, sent, owner, None)
    if odd := changed(taken, quiet.get(taken["id"])):
        fail(sent=sent, expected="the second is left alone", got=odd, cause=ONE_WRITE)
    check_throttled(sent, quiet, [mine[0], *mine[2:]], said, every)


def test_all_has_a_limit(code: Code, quiet: Rows, settings: Settings, rng: Random) -> None:
    """One request replays `MAX_REPLAYS` at most. Here that is 3."""
    owner = f"owner-{rng.getrandbits(32):x}"
    mine = deaths(rng, owner, 5, ["0123456789abcdef"])
    quiet.put(*mine)
    module = made("importlib", "import_module", REPLAYS)
    before = code.student.read(REPLAYS, "MAX_REPLAYS")
    code.student.call("builtins", "setattr", module, "MAX_REPLAYS", 3)
    try:
        sent = "replay_all() of 5 jobs, with MAX_REPLAYS = 3"
        said = replay_all(code, sent, owner, None)
    finally:
        code.student.call("builtins", "setattr", module, "MAX_REPLAYS", before)
    check_throttled(sent, quiet, mine[:3], said, 1 / settings.replays_per_second)
    for one in mine[3:]:
        if odd := changed(one, quiet.get(one["id"])):
            fail(sent=sent, expected="the two newest are left for the next request", got=odd)
