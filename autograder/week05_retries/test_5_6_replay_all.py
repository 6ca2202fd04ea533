"""5.6: replay of many dead letters, as a function."""

from __future__ import annotations

from random import Random

import pytest

from autograder.sdk import fail, made
from autograder.sdk.answers import Code, changed, must_raise, must_return, number
from autograder.sdk.dynamodb import DynamoDBProxy, Request, check_one_write
from autograder.week05_retries.rows import (
    Item,
    Rows,
    Settings,
    dead,
    due_after,
    job,
    moment,
    row_of,
)

pytestmark = pytest.mark.item("5.6")

REPLAYS = "pipeline.models.replays"
SLACK_SECONDS = 3.0
ONE_WRITE = "`replay` must be one conditional write with the generation that was read"


def deaths(rng: Random, owner: str, count: int, kinds: list[str]) -> list[Item]:
    """Return jobs with dead letters, oldest first."""
    times = sorted(moment(-rng.uniform(100, 9_000)) for _ in range(count))
    found = []
    for at, died in enumerate(times):
        fingerprint = {"fingerprint": kinds[at % len(kinds)], "last_at": died}
        found.append(dead(rng, owner=owner, dead_at=died, replays=0, letter=fingerprint))
    return found


def replay_all(code: Code, sent: str, owner: str, kind: str | None) -> tuple[float, float]:
    """Return the count and the seconds of the student's `Replayed`."""
    said = must_return(sent, code.ask(REPLAYS, "replay_all", owner, kind))
    said = said if isinstance(said, dict) else {}
    count, seconds = number(said.get("count")), number(said.get("seconds"))
    if count is None or seconds is None:
        fail(sent=sent, expected="a `Replayed` with count and seconds", got=said)
    return count, seconds


def check_throttled(
    sent: str, table: Rows, wanted: list[Item], said: tuple[float, float], every: float
) -> None:
    """Check that each job is pending, the oldest due at once, and each next one `every` seconds later."""
    rows = [row_of(table, one["id"]) for one in wanted]
    asleep = [row["id"] for row in rows if row.get("status") != "pending" or "due_at" not in row]
    if asleep:
        fail(
            sent=sent,
            expected=f"{len(wanted)} jobs pending and due",
            got=f"{len(asleep)} of them are not",
            cause="`replay` each job of `chosen`, up to MAX_REPLAYS. A job that was skipped does not count",
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
            cause=f"REPLAYS_PER_SECOND is {1 / every:g}, because the provider may still be weak and also "
            "serves new documents. Oldest first, and a skipped job uses up no slot",
        )
    last = expected[-1] if expected else 0.0
    if said[0] != len(wanted) or abs(said[1] - last) > SLACK_SECONDS:
        fail(
            sent=sent,
            expected=f"count {len(wanted)}, seconds {last:g} (until the last one is published)",
            got=f"count {said[0]:g}, seconds {said[1]:g}",
            cause="count only the jobs that were replayed, and at most MAX_REPLAYS"
            if said[0] != len(wanted)
            else "the first job is due at once, so the last of n jobs is due after n - 1 pauses",
        )


def test_all(
    code: Code, quiet: Rows, dynamodb_proxy: DynamoDBProxy, settings: Settings, rng: Random
) -> None:
    """g, k: all dead letters of an owner, or those of one kind. No other job is touched."""
    every = 1 / settings.replays_per_second
    owner, other = (f"owner-{rng.getrandbits(32):x}" for _ in "ab")
    kinds = [f"{rng.getrandbits(64):016x}" for _ in "ab"]
    mine = deaths(rng, owner, 6, kinds)
    others = [*deaths(rng, other, 2, kinds), job(rng, "completed", owner=owner)]
    quiet.put(*rng.sample(mine, len(mine)), *others)

    sent = "replay_all() for one fingerprint; the owner has 6 dead letters, 3 of that kind"
    with dynamodb_proxy.watching() as seen:
        said = replay_all(code, sent, owner, kinds[0])
    for one in (*mine[1::2], *others):
        if odd := changed(one, quiet.get(one["id"])):
            whose = "of another kind" if one["owner"] == owner else "of another owner"
            fail(sent=sent, expected="no other job is touched", got=f"one {whose}: {odd}")
    check_throttled(sent, quiet, mine[::2], said, every)
    for one in mine[::2]:
        check_one_write(sent, seen, one["id"], ONE_WRITE)
    sent = "replay_all() for the other three"
    check_throttled(sent, quiet, mine[1::2], replay_all(code, sent, owner, None), every)
    sent = "replay_all() of an owner without dead letters"
    check_throttled(sent, quiet, [], replay_all(code, sent, owner, None), every)


def test_all_while_others_do(
    code: Code, quiet: Rows, dynamodb_proxy: DynamoDBProxy, settings: Settings, rng: Random
) -> None:
    """i, k: another request replays one of the jobs, right before its write."""
    every = 1 / settings.replays_per_second
    owner = f"owner-{rng.getrandbits(32):x}"
    mine = deaths(rng, owner, 4, ["0123456789abcdef"])
    quiet.put(*mine)
    taken = job(rng, id=mine[1]["id"], owner=owner, replays=1, generation=mine[1]["generation"])

    def act() -> None:
        quiet.put(taken)

    def writes_it(request: Request) -> bool:
        return request.writes and request.names(taken["id"])

    sent = "replay_all() of 4 jobs; another request replays the second, right before its write"
    with dynamodb_proxy.before(act, writes_it):
        said = replay_all(code, sent, owner, None)
    if odd := changed(taken, quiet.get(taken["id"])):
        fail(sent=sent, expected="the second job is unchanged", got=odd, cause=ONE_WRITE)
    check_throttled(sent, quiet, [mine[0], *mine[2:]], said, every)


def test_all_without_dynamodb(
    code: Code, quiet: Rows, dynamodb_proxy: DynamoDBProxy, rng: Random
) -> None:
    """j: DynamoDB does not answer to the second write. That is an outage, not a conflict."""
    owner = f"owner-{rng.getrandbits(32):x}"
    mine = deaths(rng, owner, 3, ["0123456789abcdef"])
    quiet.put(*mine)

    def passes(request: Request) -> bool:
        return not (request.writes and request.names(mine[1]["id"]))

    sent = "replay_all() of 3 jobs; DynamoDB does not answer to the write of the second"
    with dynamodb_proxy.watching(passes):
        answer = code.ask(REPLAYS, "replay_all", owner, None)
    cause = "skip a job only on `JobConflict`: after an outage the client must not be told that all went well"
    must_raise(sent, answer, "JobStoreUnavailable", cause)


def test_all_has_a_limit(
    code: Code, quiet: Rows, dynamodb_proxy: DynamoDBProxy, settings: Settings, rng: Random
) -> None:
    """h, i: one request replays at most `MAX_REPLAYS` jobs. One that is skipped does not count."""
    owner, limit = f"owner-{rng.getrandbits(32):x}", rng.randint(2, 4)
    mine = deaths(rng, owner, limit + 3, ["0123456789abcdef"])
    quiet.put(*mine)
    first = mine[0]["id"]
    taken = job(rng, id=first, owner=owner, replays=1, generation=mine[0]["generation"])

    def writes_it(request: Request) -> bool:
        return request.writes and request.names(first)

    module = made("importlib", "import_module", REPLAYS)
    before = code.student.read(REPLAYS, "MAX_REPLAYS")
    code.student.call("builtins", "setattr", module, "MAX_REPLAYS", limit)
    sent = f"replay_all() of {len(mine)} jobs, with MAX_REPLAYS = {limit}; another request replays the first "
    sent += "right before its write"
    try:
        with dynamodb_proxy.before(lambda: quiet.put(taken), writes_it):
            said = replay_all(code, sent, owner, None)
    finally:
        code.student.call("builtins", "setattr", module, "MAX_REPLAYS", before)
    for one in mine[limit + 1 :]:
        if odd := changed(one, quiet.get(one["id"])):
            cause = (
                "stop after MAX_REPLAYS replayed jobs, so that one request cannot run for minutes"
            )
            fail(
                sent=sent, expected="the two newest wait for the next request", got=odd, cause=cause
            )
    check_throttled(sent, quiet, mine[1 : limit + 1], said, 1 / settings.replays_per_second)
