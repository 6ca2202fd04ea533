"""5.4: what a dead letter holds."""

from __future__ import annotations

import time
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
"""Characters of a `detail`."""

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
    foreign = made("psycopg", "ProgrammingError", f"{'row, ' * MAX_DETAIL}no table at {secret}")
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
        if len(str(said.get("detail"))) > MAX_DETAIL:
            fail(
                sent=f"dead_letter() for an error whose text has {5 * MAX_DETAIL} characters",
                expected=f"a `detail` of {MAX_DETAIL} characters at most, the end of the traceback",
                got=f"{len(str(said.get('detail')))} characters",
                cause="`detail_of(error)`: an item of DynamoDB holds 400 KB at most, and the list of dead "
                "letters reads many",
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
