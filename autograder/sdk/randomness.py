"""Randomness: whether a function draws other numbers in each process."""

from __future__ import annotations

from typing import Any

from autograder.card import fail
from autograder.process.rpc_client import Answer
from autograder.sdk.answers import Code, must_return
from autograder.sdk.races import made


def function(module: str, name: str) -> dict[str, Any]:
    """A function of the student's, as an argument."""
    return made("builtins", "getattr", made("importlib", "import_module", module), name)


def values(code: Code, n: int, module: str, name: str, *args: Any) -> Answer:
    """What a function answers when it is called `n` times with these arguments."""
    repeated = [made("itertools", "repeat", one, n) for one in args]
    return code.ask("builtins", "list", made("builtins", "map", function(module, name), *repeated))


DRAWS = 200
"""So many numbers of two processes are compared. One that is random only at first is noticed too."""
ALIKE = DRAWS // 10
"""More equal numbers than this, each at the same place, are not random, even if they are rounded."""


def is_the_same(drawn: list[Any]) -> bool:
    """Whether two processes have drawn one sequence. Answers that are no list are compared as a whole."""
    one, other = drawn
    if not isinstance(one, list) or not isinstance(other, list):
        return bool(one == other)
    return sum(bool(a == b) for a, b in zip(one, other, strict=False)) > ALIKE


def shown(values: Any) -> Any:
    """The last of these values, for a card."""
    return values[-4:] if isinstance(values, list) else values


def check_own_chance(code: Code, sent: str, module: str, name: str, *args: Any) -> None:
    """The function's first values in one process are not its first values in the next."""
    drawn = [first_values(code, sent, module, name, *args) for _ in "ab"]
    if is_the_same(drawn):
        fail(
            sent=f"{sent}, {DRAWS} times, in a new process; and then in another process",
            expected="other numbers",
            got=f"at the end twice {shown(drawn[0])}",
            cause="chance with a seed of its own is the same in every worker: all that failed "
            "together come back together",
        )


def first_values(code: Code, sent: str, module: str, name: str, *args: Any) -> Any:
    """What a function says first, in a process that has done nothing yet."""
    code.student.renew()
    return must_return(sent, values(code, DRAWS, module, name, *args))


def check_forked_chance(code: Code, sent: str, module: str, name: str, *args: Any) -> None:
    """Check that two processes draw different values if both are forked after the import.

    The functions of `random` get a new seed in each forked process. A generator of the module's own
    is copied with its state.
    """
    code.student.renew()
    draws = made("operator", "methodcaller", "starmap", function(module, name), [[*args]] * DRAWS)
    pool = made("multiprocessing", "Pool", 1)
    drawn = [must_return(sent, code.ask("operator", "call", draws, pool)) for _ in "ab"]
    code.student.renew()
    if is_the_same(drawn):
        fail(
            sent=f"{sent}, {DRAWS} times, in each of two processes that were forked after the import",
            expected="different numbers",
            got=f"at the end twice {shown(drawn[0])}",
            cause="a `Random()` that is created at import is copied with its state into each worker that "
            "Celery forks. Use the functions of `random` itself, or create the generator in the call",
        )
