"""8.8: the submission's tests pass right tasks, and each broken task fails at least one of them.

What a submission could fake:
- counts: one failure on each broken task is enough, and a failure on a right one loses.
- witness: the submission reports its own outcomes. So it must report the opposite for tasks that it
  cannot tell apart without a test.
- place: the broken tasks are known. Parts of their code that do not matter are chosen at random, so a
  table of codes must have all combinations.
- store: only the reported outcomes count.
- probe: the process of the tests is told the same for every task, and their order is random. A worker
  that is made to show its code stays possible, because tests may look into everything.
"""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future

import pytest

from autograder.sdk import Run, Session, Student, fail
from autograder.week08_operations.task_runs import RUN_SECONDS, RunOutcome, TaskRuns
from autograder.week08_operations.tasks import BROKEN, RIGHT

pytestmark = pytest.mark.item("8.8")

FILE = "test_invoices.py"
TURNS = len(BROKEN) + len(RIGHT) - 1
WAIT_SECONDS = 85.0
"""For one turn. Runs go on side by side, so most turns have ended when they are asked for."""


@pytest.fixture(scope="session")
def task_runs(session: Session, student: Student, run: Run) -> Iterator[TaskRuns]:
    """Runs of the submission's tests, in its sandbox."""
    given = session.submission.layer.path / "task_tests" / "invoices.py"
    rng = session.random("how tasks are written")
    runs = TaskRuns(student, run, given.read_text(encoding="utf-8"), FILE, rng)
    yield runs
    runs.close()


@pytest.fixture(scope="session")
def first(task_runs: TaskRuns) -> RunOutcome:
    """The tests on the given task. The other tasks have no turn before it has passed."""
    return task_runs.start(RIGHT[0]).result()


@pytest.fixture(scope="session")
def turns(session: Session, task_runs: TaskRuns, first: RunOutcome) -> list[Future[RunOutcome]]:
    """All other tasks in an order of chance, and the second right one among them."""
    order = [*BROKEN, *RIGHT[1:]]
    session.random("order of tasks").shuffle(order)
    return [task_runs.start(task) for task in order] if passes(first) else []


def passes(outcome: RunOutcome) -> bool:
    """Whether there are tests, and all have passed."""
    tests = outcome.tests
    return not outcome.late and bool(tests) and all(one.outcome == "passed" for one in tests)


def check_passes(sent: str, outcome: RunOutcome, cause: str) -> None:
    """Check that all tests pass on a right task."""
    if passes(outcome):
        return
    bad = next((one for one in outcome.tests if one.outcome != "passed"), None)
    if bad is not None:
        got = f"{bad.name}: {bad.outcome}, {bad.message or 'without a message'}"
    elif outcome.late:
        got = f"the tests did not end within {RUN_SECONDS:g} seconds"
    else:
        got = "no test was found"
    fail(sent=sent, expected="each test passes, and none is skipped", got=got, cause=cause)


def test_the_right_task_passes(first: RunOutcome) -> None:
    """Nothing else is run before the given task has passed."""
    cause = "a test expects what the docstring of the task does not promise, or fails by itself"
    check_passes(f"{FILE} on the given task", first, cause)


@pytest.mark.parametrize("turn", range(TURNS))
def test_wait_for_a_task(turns: list[Future[RunOutcome]], turn: int) -> None:
    """Each task has a time limit of its own. What its tests came to is judged below."""
    if turns:
        turns[turn].result(WAIT_SECONDS)


def test_another_right_task_passes(turns: list[Future[RunOutcome]]) -> None:
    """A right task of other code."""
    for outcome in (one.result() for one in turns):
        if not outcome.variant.name:
            cause = (
                "a test expects more than the docstring promises, or it knows the code of the task"
            )
            check_passes(f"{FILE} on a task that keeps all promises in another way", outcome, cause)


def test_each_broken_task_is_noticed(turns: list[Future[RunOutcome]]) -> None:
    """a, b, c, d, e, f, g: one broken task or more for each promise."""
    broken = [one.result() for one in turns if one.result().variant.name]
    missed = [one for one in broken if not one.notices]
    if not missed:
        return
    known = [variant.name for variant in BROKEN]
    missed.sort(key=lambda one: known.index(one.variant.name))
    names = ", ".join(f"`{one.variant.name}`" for one in missed)
    fail(
        sent=f"{FILE} on {len(broken)} broken tasks. Each breaks one promise of the docstring",
        expected="at least one test fails on each of them, by what it asserts or by the task's own error",
        got=f"{len(broken) - len(missed)} of {len(broken)} are noticed. Not noticed: {names}",
        cause=why(missed[0]),
    )


def why(outcome: RunOutcome) -> str:
    """Why a broken task was not noticed."""
    promise = f"`{outcome.variant.name}` means: {outcome.variant.promise}. "
    own = next((one for one in outcome.tests if one.outcome == "failed"), None)
    if own is not None:
        return (
            f"{promise}{own.name} fails by an error of its own, which does not count: {own.message}"
        )
    if outcome.late:
        return f"{promise}The tests did not end: give each wait a limit"
    return f"{promise}No test fails if the task does not keep this promise"
