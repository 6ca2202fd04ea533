"""5.4: what a dead letter holds, and the one write that leaves it."""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from autograder.engine.between import Between, Request
from autograder.engine.calls import Answer
from autograder.engine.card import fail
from autograder.engine.remote import made
from autograder.week04_job_state.code import (
    Code,
    changed,
    must_be_job,
    must_raise,
    must_return,
    number,
    plain,
)
from autograder.week05_retries.rows import LONG, Item, Rows, as_job, job, moment, row_of
from autograder.week05_retries.writes import check_one_write

pytestmark = pytest.mark.item("5.4")

DEAD = "pipeline.tasks.dead_letter"
STEPS = ("parse", "chunk", "embed", "index")
OURS = ("pipeline.steps.errors", "DamagedDocument")
SLACK_SECONDS = 2.0
ROUNDING = 0.001
"""Of a time on its way through `Decimal` and `float`, seconds."""
ONE_WRITE = "one conditional write: `move` with all of it, and `generation=job.generation`"

NO_GAP = "a worker that dies between two writes leaves a failed job without a letter, or a letter of a job "
NO_GAP += "that lives"

Made = dict[str, Any]


def letter_of(code: Code, row: Item, step: str, failures: Made, error: Made) -> dict[str, Any]:
    """The student's dead letter of a job whose step has failed with this error."""
    arguments = [plain(row["document"])]
    sent = f"dead_letter() of a job whose step {step} has failed"
    task = f"pipeline.{step}_document"
    answer = code.ask(DEAD, "dead_letter", as_job(row), step, task, arguments, failures, error)
    said = must_return(sent, answer)
    if not isinstance(said, dict):
        fail(sent=sent, expected="a dict with the attributes of `DeadLetter`", got=said)
    return said


def failures(rng: Random) -> tuple[int, float, Made]:
    """How often, when first, and the student's object that says so."""
    count, first_at = rng.randint(2, 30), round(time.time() - rng.uniform(50, 5_000), 3)
    return (
        count,
        first_at,
        made("pipeline.models.dead_letters", "Failures", count=count, first_at=first_at),
    )


def test_what_it_holds(code: Code, rng: Random) -> None:
    """All that is needed next week, of an error of ours and of a foreign one."""
    secret = f"/srv/key-{rng.getrandbits(40):x}"
    foreign = made("psycopg", "ProgrammingError", f"no table at {secret}")
    public = "the kind and the message of `public_error`"
    cases: tuple[tuple[Made, dict[str, Any]], ...] = (
        (
            foreign,
            {"kind": "internal_error", "exception": "psycopg.ProgrammingError"},
        ),
        (
            made(*OURS),
            {"kind": "damaged_document", "exception": "pipeline.steps.errors.DamagedDocument"},
        ),
    )
    for error, wanted in cases:
        row, step = job(rng, "processing"), rng.choice(STEPS)
        count, first_at, object_ = failures(rng)
        begun = time.time()
        said = letter_of(code, row, step, object_, error)
        wanted |= {
            "step": step,
            "task": f"pipeline.{step}_document",
            "arguments": [plain(row["document"])],
            "attempts": count,
            "deliveries": row["deliveries"],
            "first_at": first_at,
        }
        check_letter(f"dead_letter() of a job whose step {step} failed {count} times", said, wanted)
        check_last(said, begun)
        if error is foreign and secret in str(said.get("message")):
            fail(
                sent=f"dead_letter() for an error whose text holds {secret!r}",
                expected=f"{public}, without that text",
                got=said.get("message"),
                cause="`message` is for clients: a foreign exception's text can hold anything",
            )
        if error is foreign and secret not in str(said.get("detail")):
            fail(
                sent=f"dead_letter() for an error whose text holds {secret!r}",
                expected="a `detail` for the operator that says what went wrong",
                got=said.get("detail"),
                cause="`detail_of(error)`: without the truth nobody can mend it",
            )


CAUSES = {
    "arguments": "what the task was called with, as it is: references, so that it can be replayed",
    "attempts": "`failures.count`; `deliveries` counts the workers, and is another number",
    "deliveries": "`job.deliveries`; `failures.count` counts the errors, and is another number",
    "kind": "`public_error(error)` has it as `type`",
    "exception": "`class_name(error)`, for the operator",
    "first_at": "`failures.first_at`, by `exact`: when the trouble began",
}


def check_letter(sent: str, said: dict[str, Any], wanted: dict[str, Any]) -> None:
    for name, value in wanted.items():
        got = number(said.get(name)) if isinstance(value, float) else said.get(name)
        same = abs(got - value) < 0.01 if isinstance(value, float) and got else got == value
        if not same:
            fail(
                sent=sent,
                expected=f"{name}: {value!r}",
                got=f"{name}: {plain(said[name])!r}" if name in said else f"no {name}",
                cause=CAUSES.get(name, "somebody reads this next week, and the log is gone"),
            )


def check_last(said: dict[str, Any], begun: float) -> None:
    for name in ("first_at", "last_at"):
        if isinstance(said.get(name), float):
            fail(
                sent="dead_letter()",
                expected=f"{name} as the table keeps it",
                got=f"the float {said[name]}",
                cause="DynamoDB takes no floats: `exact` and `moment` make what it takes, and the letter "
                "would never be written",
            )
    last_at = number(said.get("last_at"))
    if last_at is None or not begun - SLACK_SECONDS <= last_at <= time.time() + SLACK_SECONDS:
        fail(
            sent="dead_letter()",
            expected="last_at: now",
            got=said.get("last_at"),
            cause="`moment()` is now, as the table keeps it",
        )


def test_kinds(code: Code, rng: Random) -> None:
    """Equal failures have one fingerprint, whatever number or id stands in their text."""

    def of(step: str, text: str, kind: str = "ValueError") -> Any:
        object_ = failures(rng)[2]
        row = job(rng, "processing")
        error = made("builtins", kind, text)
        return letter_of(code, row, step, object_, error).get("fingerprint")

    def text(what: str) -> str:
        spent = rng.uniform(1, 90)
        return (
            f"{what}: job {rng.getrandbits(128):032x} took {spent:.2f} s for {rng.randint(2, 999)}"
        )

    one, same = of("embed", text("no answer")), of("embed", text("no answer"))
    if not isinstance(one, str) or one != same:
        fail(
            sent="dead_letter() of two jobs with the same error, but for numbers and ids in its text",
            expected="the same fingerprint",
            got=f"{one!r} and {same!r}",
            cause="`fingerprint(step, error)`, and no id of a job in it: or there is one alert for "
            "each job",
        )
    for other, what in (
        (of("index", text("no answer")), "of another step"),
        (of("embed", text("bad answer")), "with another text"),
        (of("embed", text("no answer"), "KeyError"), "with another class of error"),
    ):
        if other == one:
            fail(
                sent=f"dead_letter() of two failures, the second one {what}",
                expected="two fingerprints",
                got=f"{one!r} twice",
                cause="`fingerprint(step, error)`: failures of different kinds need different people",
            )


# -- the write -------------------------------------------------------------------------------


def taken(rng: Random, table: Rows, **more: Any) -> Item:
    """A job that a worker has."""
    row = job(rng, "processing", owner=f"owner-{rng.getrandbits(32):x}", steps_done=2, step="embed")
    row |= {"percent": 50, "waiting": {"number": 3, "arguments": []}, **more}
    table.put(row)
    return row


def letter(rng: Random) -> tuple[dict[str, Any], Made]:
    """A dead letter as it must stand on the row, and as an argument."""
    known = {
        "step": "embed",
        "task": "pipeline.embed_chunks",
        "arguments": [{"blob_key": f"uploads/{rng.getrandbits(64):x}"}],
        "kind": f"kind_{rng.randint(0, 99)}",
        "message": f"Message {rng.randint(0, 99)}.",
        "exception": "ValueError",
        "detail": "Traceback",
        "attempts": rng.randint(2, 9),
        "deliveries": rng.randint(1, 3),
        "fingerprint": f"{rng.getrandbits(64):016x}",
    }
    times = {"first_at": moment(-300), "last_at": moment(-1)}
    argument = {name: made("decimal", "Decimal", str(value)) for name, value in times.items()}
    return {**known, **times}, {**known, **argument}


def mark(rng: Random) -> dict[str, Any]:
    """What a later week has `bury` write along."""
    return {"mark": f"m{rng.randint(0, 99)}"}


def bury(code: Code, row: Item, argument: Made, more: dict[str, Any]) -> Answer:
    return code.ask(DEAD, "bury", as_job(row), argument, more)


def test_one_write(code: Code, table: Rows, between: Between, rng: Random) -> None:
    """State, error, letter and its time: together."""
    row, more = taken(rng, table), mark(rng)
    known, argument = letter(rng)
    sent = "bury() of a job that this worker has"
    with between.watching() as seen:
        said = must_be_job(sent, bury(code, row, argument, more))
    found = row_of(table, row["id"])
    wanted: dict[str, Any] = {
        "status": "failed",
        "error": {"type": known["kind"], "message": known["message"]},
        "dead_letter": known,
        **more,
    }
    causes = {
        "dead_at": "the list finds dead letters by `dead_at`: without it nobody sees this one",
        "mark": "`more` is written along: later weeks put a webhook there",
        "error": "clients read `error`: its kind and its message, nothing else of the letter",
    }
    for name, value in wanted.items():
        if found.get(name) != value:
            got = plain(found[name]) if name in found else "nothing"
            cause = causes.get(name, ONE_WRITE)
            expected = f"{name} on the row: {plain(value)!r}"
            fail(sent=sent, expected=expected, got=f"{name}: {got!r}", cause=cause)
    dead_at = number(found.get("dead_at"))
    died = float(known["last_at"])
    if dead_at is None or not died - ROUNDING <= dead_at <= time.time() + SLACK_SECONDS:
        fail(
            sent=sent,
            expected=f"dead_at: the letter's last_at, {known['last_at']}, or now",
            got=f"dead_at: {plain(found.get('dead_at'))!r}",
            cause=causes["dead_at"],
        )
    check_finished(sent, found)
    check_one_write(sent, seen, row["id"], NO_GAP)
    own = "lost_messages" in said  # of `ReliableJob` alone: the row has none
    if said.get("status") != "failed" or not said.get("dead_letter") or not own:
        fail(
            sent=sent,
            expected="the job as it is now, with its letter (`ReliableJob`)",
            got=said,
            cause="a `Job` has its letter as a plain dict: the alert that comes next cannot read it",
        )
    index = table.by("by_dead_letter", "owner", row["owner"])
    if [one["id"] for one in index] != [row["id"]]:
        fail(
            sent=sent,
            expected="the job in the index of the dead",
            got=index,
            cause=causes["dead_at"],
        )


def check_finished(sent: str, row: Item) -> None:
    """It is over: nobody is to look after it, and it may be deleted one day."""
    left = [name for name in ("lease_owner", "lease_until", "due_at", "due_shard") if name in row]
    if left or "expires_at" not in row or "finished_at" not in row:
        fail(
            sent=sent,
            expected="a finished job: no lease, not due, with `finished_at` and `expires_at`",
            got=plain({name: row.get(name) for name in (*left, "finished_at", "expires_at")}),
            cause="`move` to FAILED does all of that",
        )


def test_too_late(code: Code, table: Rows, between: Between, rng: Random) -> None:
    """Another worker has the job, or it was cancelled: by now, or right before the write; or neither."""

    def taken_over(row: Item) -> None:
        table.put({**row, "generation": row["generation"] + 1, "lease_until": moment(LONG)})

    def cancelled(row: Item) -> None:
        table.cancel(row["id"])

    cases: list[tuple[str, Callable[[Item], None] | None, bool]] = [
        (f"{what}{', right before its write' if racing else ''}", act, racing)
        for what, act in (
            ("that another worker has taken since", taken_over),
            ("that was cancelled", cancelled),
        )
        for racing in (False, True)
    ]
    cases += [("that this worker has", None, False)] * 2
    for what, act, racing in rng.sample(cases, len(cases)):
        row = taken(rng, table)
        sent = f"bury() of a job {what}"
        if act is None:
            alone(sent, code, table, between, row, rng)
        else:
            refused(sent, code, table, between, row, rng, act, racing)


def alone(sent: str, code: Code, table: Rows, between: Between, row: Item, rng: Random) -> None:
    """Nobody else wants this one: it is buried, in one write."""
    with between.watching() as seen:
        must_be_job(sent, bury(code, row, letter(rng)[1], mark(rng)))
    check_one_write(sent, seen, row["id"], ONE_WRITE)
    if (status := row_of(table, row["id"]).get("status")) != "failed":
        fail(sent=sent, expected="a failed job", got=plain(status), cause=ONE_WRITE)


def refused(
    sent: str,
    code: Code,
    table: Rows,
    between: Between,
    row: Item,
    rng: Random,
    act: Callable[[Item], None],
    racing: bool,
) -> None:
    """A JobConflict, and a row that is as it was after `act`."""
    kept: list[Item] = []

    def meddle() -> None:
        act(row)
        kept.append(row_of(table, row["id"]))

    def writes_it(request: Request) -> bool:
        return racing and request.writes and request.names(row["id"])

    if not racing:
        meddle()
    with between.before(meddle, writes_it):
        answer = bury(code, row, letter(rng)[1], mark(rng))
    must_raise(sent, answer, "JobConflict", ONE_WRITE)
    if not kept:
        fail(sent=sent, expected="JobConflict from a write", got="no write", cause=ONE_WRITE)
    if odd := changed(kept[0], row_of(table, row["id"])):
        fail(sent=sent, expected="JobConflict, and nothing written", got=odd, cause=ONE_WRITE)
