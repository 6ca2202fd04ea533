"""5.4: what a dead letter contains.

What a submission could fake:
- counts: all writes of a dead letter must be one, those that cannot succeed included.
- witness: the log is the submission's word. So the row, the index and the API's answer must agree with
  it.
- place: owners, texts, counts and times are random.
- store: the row, the index `by_dead_letter`, the API's list and the log.
- probe: others come right before a write, in calls and in a real worker. Some calls have no race, and a
  call cannot tell which it is before its write.
"""

from __future__ import annotations

import time
from itertools import product
from random import Random
from typing import Any

import pytest

from autograder.sdk import fail, made
from autograder.sdk.answers import Code, must_return, number, plain
from autograder.week05_retries.rows import Item, as_job, job

pytestmark = pytest.mark.item("5.4")

DEAD = "pipeline.tasks.dead_letter"
STEPS = ("parse", "chunk", "embed", "index")
OURS = ("pipeline.steps.errors", "DamagedDocument")
SLACK_SECONDS = 2.0
MAX_DETAIL = 4_000
"""The most characters of a `detail`."""
NAMES = {
    "step",
    "task",
    "arguments",
    "kind",
    "message",
    "exception",
    "detail",
    "attempts",
    "deliveries",
}
NAMES |= {"first_at", "last_at", "fingerprint"}
"""The attributes of a dead letter."""

Made = dict[str, Any]


def letter_of(
    code: Code, row: Item, step: str, failures: Made, error: Made, task: str
) -> dict[str, Any]:
    """Return the student's dead letter for a job whose step has failed with this error."""
    arguments = [plain(row["document"])]
    sent = f"dead_letter() of a job whose step {step} has failed"
    answer = code.ask(DEAD, "dead_letter", as_job(row), step, task, arguments, failures, error)
    said = must_return(sent, answer)
    if not isinstance(said, dict):
        fail(sent=sent, expected="a dict with the attributes of `DeadLetter`", got=said)
    if set(said) != NAMES:
        missing, more = sorted(NAMES - set(said)), sorted(set(said) - NAMES)
        fail(
            sent=sent,
            expected="exactly the twelve attributes of `DeadLetter`",
            got=f"missing: {', '.join(missing) or 'none'}; not in it: {', '.join(map(str, more)) or 'none'}",
            cause="an operator needs all of them when the log no longer exists, and whatever else a letter "
            "contains stays on the row for weeks",
        )
    return said


def failures(rng: Random, count: int = 2) -> tuple[int, float, Made]:
    """Return a count, a time, and a `Failures` object with both as an argument."""
    first_at = round(time.time() - rng.uniform(50, 5_000), 3)
    return (
        count,
        first_at,
        made("pipeline.models.dead_letters", "Failures", count=count, first_at=first_at),
    )


def test_what_it_holds(code: Code, rng: Random) -> None:
    """a, b, c, d, e: all attributes, for an error of the pipeline and for a foreign one.

    A step of a poison job may never have failed: its workers died without an error.
    """
    secret = f"/srv/key-{rng.getrandbits(40):x}"
    text = f"{'row, ' * MAX_DETAIL}no table at {secret}"
    foreign, named = made("psycopg", "ProgrammingError", text), made("configparser", "Error", text)
    public = "the message of `public_error`"
    cases: tuple[tuple[Made, dict[str, Any]], ...] = (
        (foreign, {"kind": "internal_error", "exception": "psycopg.ProgrammingError"}),
        # it has an attribute `message` of its own
        (named, {"kind": "internal_error", "exception": "configparser.Error"}),
        (
            made(*OURS),
            {"kind": "damaged_document", "exception": "pipeline.steps.errors.DamagedDocument"},
        ),
    )
    for (error, facts), times in product(cases, (0, 1, rng.randint(2, 30))):
        step, begun_last = rng.sample(STEPS, 2)
        task, lost = f"pipeline.task_{rng.getrandbits(32):x}", rng.randint(1, 3)
        counts = {"deliveries": lost + rng.randint(1, 3), "lost_messages": lost}
        row = job(rng, "processing", step=begun_last, **counts)
        count, first_at, object_ = failures(rng, times)
        begun = time.time()
        said = letter_of(code, row, step, object_, error, task)
        known = must_return("public_error()", code.ask("pipeline.errors", "public_error", error))
        wanted = facts | {
            "step": step,
            "task": task,
            "arguments": [plain(row["document"])],
            "attempts": count,
            "deliveries": row["deliveries"],
            "first_at": first_at,
        }
        sent = f"dead_letter() of a job whose step {step} failed {count} times"
        check_letter(sent, said, wanted)
        check_last(said, begun)
        ours = facts["kind"] == "damaged_document"
        if not ours and secret in str(said.get("message")):
            fail(
                sent=f"dead_letter() for an error whose text contains {secret!r}",
                expected=f"{public}, without that text",
                got=said.get("message"),
                cause="take `message` from `public_error(error)`: it is for clients, and the text of a "
                "foreign exception can contain secrets",
            )
        check_letter(sent, said, {"message": known["message"]})
        if not ours and secret not in str(said.get("detail")):
            fail(
                sent=f"dead_letter() for an error whose text contains {secret!r}",
                expected="a `detail` for the operator that contains this text",
                got=said.get("detail"),
                cause="use `detail_of(error)`: without the traceback an operator cannot find the cause",
            )
        if len(str(said.get("detail"))) > MAX_DETAIL:
            fail(
                sent=f"dead_letter() for an error whose text has {5 * MAX_DETAIL} characters",
                expected=f"a `detail` of {MAX_DETAIL} characters at most, the end of the traceback",
                got=f"{len(str(said.get('detail')))} characters",
                cause="use `detail_of(error)`: an item of DynamoDB has at most 400 KB, and the list of dead "
                "letters reads many of them",
            )


CAUSES = {
    "arguments": "store the arguments unchanged, so that the task can be called again with them",
    "attempts": "use `failures.count`, the errors of the step: `deliveries` counts the workers. It "
    "is 0 if workers died and the step never raised an error",
    "deliveries": "use `job.deliveries`, the workers that started the job: `failures.count` counts errors, "
    "and nothing is subtracted",
    "step": "use the `step` that was passed: the row has the step that was begun last",
    "task": "use the `task` that was passed: it is the entry task if a worker died in a step",
    "kind": "use the `type` of `public_error(error)`",
    "message": "use the `message` of `public_error(error)`: it is for clients",
    "exception": "use `class_name(error)`, for the operator",
    "first_at": "use `exact(failures.first_at)`, the time of the first failure",
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
                cause=CAUSES.get(name, "an operator needs this when the log no longer exists"),
            )


def check_last(said: dict[str, Any], begun: float) -> None:
    for name in ("first_at", "last_at"):
        if isinstance(said.get(name), float):
            fail(
                sent="dead_letter()",
                expected=f"{name} in the form for the table",
                got=f"the float {said[name]}",
                cause="DynamoDB rejects floats, so this letter could never be written: use `exact` and "
                "`moment`",
            )
    last_at = number(said.get("last_at"))
    if last_at is None or not begun - SLACK_SECONDS <= last_at <= time.time() + SLACK_SECONDS:
        fail(
            sent="dead_letter()",
            expected="last_at: now",
            got=said.get("last_at"),
            cause="use `moment()`, the present time in the form for the table, also after a single error",
        )


def test_kinds(code: Code, rng: Random) -> None:
    """f: failures that differ only in numbers and ids have one fingerprint. All others differ."""

    def of(step: str, text: str, kind: str = "ValueError") -> Any:
        object_ = failures(rng)[2]
        row = job(rng, "processing")
        error = made("builtins", kind, text)
        task = f"pipeline.task_{rng.getrandbits(32):x}"
        return letter_of(code, row, step, object_, error, task).get("fingerprint")

    def text(what: str) -> str:
        spent = rng.uniform(1, 90)
        return (
            f"{what}: job {rng.getrandbits(128):032x} took {spent:.2f} s for {rng.randint(2, 999)}"
        )

    one, same = of("embed", text("no answer")), of("embed", text("no answer"))
    if not isinstance(one, str) or one != same:
        fail(
            sent="dead_letter() of two jobs of different tasks whose errors differ only in numbers and ids",
            expected="the same fingerprint",
            got=f"{one!r} and {same!r}",
            cause="use `fingerprint(step, error)`, without the task, the job's id or the plain text: "
            "otherwise there is an alert for each job",
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
                cause="use `fingerprint(step, error)`: each kind of failure needs an alert of its own",
            )
