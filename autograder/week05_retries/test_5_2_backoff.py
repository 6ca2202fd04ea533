"""5.2: how long to wait. Each check makes the same call many times and looks at the numbers.

What a submission could fake:
- counts: mean, ends and repetitions are calculated from the waits, so none can be padded.
- witness: the returned waits. Those of a real worker are judged by 5.3.
- place: base, cap, attempts and `asked` are random, also where two processes are compared by 200 waits.
- store: nothing is stored.
- probe: the function sees numbers only, which are alike in all checks.
"""

from __future__ import annotations

from collections import Counter
from random import Random
from statistics import mean
from typing import Any

import pytest

from autograder.sdk import fail
from autograder.sdk.answers import Code, must_return
from autograder.sdk.randomness import check_forked_chance, check_own_chance, values

pytestmark = pytest.mark.item("5.2")

RETRY = "pipeline.tasks.retry"
CALLS = 400
ALIKE = CALLS // 10
"""More equal waits than this are not random, even if waits are rounded to milliseconds."""
NEAR = 0.1
"""The smallest and the largest of 400 waits must be within this part of the longest wait from 0 and
from the longest wait. A correct solution misses that once in 10^18 runs."""
MEAN_BAND = 0.1
"""Seven times the standard error of the mean of 400."""
MAX_ASKED = 3600.0
INNER_BAND = 60
"""Of 400 waits, 200 are in the middle half of the range. This is six times the standard deviation."""
WHOLE_SECONDS = (
    "the waits are whole seconds, so jobs that failed together still retry in the same second: keep the "
    "fraction"
)
SAME_JITTER = (
    "add the same random wait that a retry without `asked` has, and no more. A random wait in proportion "
    "to `asked` is too small for short waits, and makes an hour up to two hours"
)
TENTH = 0.1
"""The part of `asked` that is accepted as jitter, if it is more than the usual random wait."""


def waits(code: Code, attempt: int, base: float, cap: float, *asked: Any) -> list[float]:
    """Return 400 waits after this attempt, the shortest first."""
    sent = text(attempt, base, cap, *asked)
    said = must_return(sent, values(code, CALLS, RETRY, "backoff", attempt, base, cap, *asked))
    numbers = [one for one in said if isinstance(one, int | float) and not isinstance(one, bool)]
    if len(numbers) != CALLS or min(numbers) < 0:
        odd = next((one for one in said if one not in numbers or one < 0), None)
        fail(sent=sent, expected="a number of seconds, at least 0", got=odd)
    return sorted(map(float, numbers))


def text(attempt: int, base: float, cap: float, *asked: Any) -> str:
    words = [f"{attempt}", f"base={base:g}", f"cap={cap:g}", *(f"asked={one}" for one in asked)]
    return f"backoff({', '.join(words)}), {CALLS} times"


def seen(found: list[float]) -> str:
    return f"from {found[0]:.3g} to {found[-1]:.3g} s, {mean(found):.3g} s on average"


def numbers(rng: Random) -> tuple[float, float, int]:
    """Return a base, a cap, and the last attempt before the cap is reached."""
    base, doublings = round(rng.uniform(0.2, 3), 2), rng.randint(4, 6)
    return base, round(base * 2**doublings * rng.uniform(1.1, 1.9), 2), doublings + 1


def test_growth_and_cap(code: Code, rng: Random) -> None:
    """a, b: the waits are spread evenly from 0 to the doubled base, and at most to the cap."""
    base, cap, last = numbers(rng)
    for attempt in (1, 2, 3, last, last + 1, last + rng.randint(2, 9), 70, 5_000):
        longest = min(cap, base * 2 ** min(attempt - 1, 40))
        check_jitter(code, attempt, base, cap, longest)


def most_alike(found: list[float]) -> int:
    """Return how often the most frequent wait occurs."""
    return max(Counter(round(one, 9) for one in found).values())


def are_whole(found: list[float]) -> bool:
    """Whether the waits are rounded to seconds."""
    return all(one == int(one) for one in found)


def why_alike(found: list[float], cap: float) -> str:
    """Return the likely cause of many equal waits."""
    if are_whole(found):
        return WHOLE_SECONDS
    if found[0] < cap * (1 - NEAR) and found.count(cap) > ALIKE:
        return (
            "the cap is applied to the random wait, so many waits are exactly the cap: apply the cap "
            "first, then draw a random wait below it"
        )
    return (
        "without jitter all jobs that failed together retry together. A random number generator with a "
        "fixed seed gives every process the same waits, too"
    )


def check_jitter(
    code: Code, attempt: int, base: float, cap: float, longest: float, *asked: Any
) -> None:
    found = waits(code, attempt, base, cap, *asked)
    sent = text(attempt, base, cap, *asked)
    expected = f"waits between 0 and {longest:.3g} s, spread evenly"
    if found[-1] > longest * 1.001:
        over = found[-1] > cap * 1.001
        fail(
            sent=sent,
            expected=expected,
            got=seen(found),
            cause=WHOLE_SECONDS
            if are_whole(found)
            else "no random wait may be longer than the cap"
            if over
            else "the longest wait after attempt 1 is the base, and it doubles with each attempt",
        )
    if most_alike(found) > ALIKE:
        fail(
            sent=sent,
            expected=expected,
            got=f"{seen(found)}, many of them exactly equal",
            cause=why_alike(found, cap),
        )
    if found[0] > longest * NEAR:
        fail(
            sent=sent,
            expected=expected,
            got=seen(found),
            cause='full jitter draws from zero on. Half of the wait plus a random part is "equal jitter", '
            "and a wait plus a small random part keeps the retries together",
        )
    if found[-1] < longest * (1 - NEAR) or abs(mean(found) - longest / 2) > longest * MEAN_BAND:
        fail(
            sent=sent,
            expected=expected,
            got=seen(found),
            cause="the longest wait after attempt n is base * 2 ** (n - 1), at most the cap. Every wait up "
            "to it must be equally likely",
        )
    inner = sum(longest / 4 <= one <= longest * 3 / 4 for one in found)
    if abs(inner - CALLS // 2) > INNER_BAND:
        fail(
            sent=sent,
            expected=f"{expected}: about {CALLS // 2} of {CALLS} in the middle half of this range",
            got=f"{inner} in the middle half",
            cause="draw once, with every wait equally likely. A triangular or a normal distribution, and "
            "also a mean of several draws, prefer the middle, so retries come closer together",
        )


def some_call(rng: Random) -> tuple[str, tuple[float, ...]]:
    """Return a call of `backoff` in words, and its arguments, which are like those of all other checks."""
    base, cap, last = numbers(rng)
    attempt = rng.randint(1, last + 2)
    return f"backoff({attempt}, base={base:g}, cap={cap:g})", (attempt, base, cap)


def test_chance_is_each_process_its_own(code: Code, rng: Random) -> None:
    """c: two processes draw different waits. A fixed seed would give both of them the same waits."""
    sent, arguments = some_call(rng)
    check_own_chance(code, sent, RETRY, "backoff", *arguments)


def test_forked_workers_draw_their_own(code: Code, rng: Random) -> None:
    """c: two processes that were forked after the import draw different waits, as Celery's workers do."""
    sent, arguments = some_call(rng)
    check_forked_chance(code, sent, RETRY, "backoff", *arguments)


def test_asked_is_the_least(code: Code, rng: Random) -> None:
    """d, e: the wait is never shorter than `asked`, and differs among jobs that were asked the same."""
    base, cap, last = numbers(rng)
    for attempt in (1, 3, last + 2):
        longest = min(cap, base * 2 ** (attempt - 1))
        for asked in (longest * rng.uniform(0.3, 0.7), cap * rng.uniform(1.5, 4)):
            check_asked(code, attempt, base, cap, round(asked, 3))
    for asked in (None, 0.0):  # the provider did not ask: the same as without `asked`
        check_jitter(code, 1, base, cap, base, asked)


def check_asked(code: Code, attempt: int, base: float, cap: float, asked: float) -> None:
    found, sent = waits(code, attempt, base, cap, asked), text(attempt, base, cap, asked)
    longest = min(cap, base * 2 ** (attempt - 1))
    expected = f"from {asked:g} to {asked + longest:.4g} s: `asked` plus the jitter"
    if found[0] < asked * 0.999:
        fail(
            sent=sent,
            expected=expected,
            got=seen(found),
            cause="the provider accepts requests again only after `asked` seconds, so an earlier request is "
            "rejected again: `asked` is the shortest wait, and the cap does not limit it",
        )
    most = most_alike(found)
    narrow = found[-1] - found[0] < longest * (1 - 2 * NEAR)
    if most > ALIKE or narrow:
        same = "all jobs that were asked the same wait retry at the same time: add the jitter to `asked`"
        fail(
            sent=sent,
            expected=expected,
            got=f"{seen(found)}, {most} of them exactly equal",
            cause=same if most > ALIKE else SAME_JITTER,
        )
    if found[-1] > (asked + max(longest, asked * TENTH)) * 1.001:
        fail(sent=sent, expected=expected, got=seen(found), cause=SAME_JITTER)


def test_asked_is_bounded(code: Code, rng: Random) -> None:
    """d: of an absurd `Retry-After`, only `MAX_ASKED_SECONDS` count."""
    base, cap, _ = numbers(rng)
    for asked in (3_000.0, MAX_ASKED):
        check_asked(code, 2, base, cap, asked)
    asked = float(rng.randint(10**8, 10**12))
    found = waits(code, 1, base, cap, asked)
    if found[-1] > MAX_ASKED * (1 + TENTH) * 1.001 or found[0] < MAX_ASKED * 0.999:
        fail(
            sent=text(1, base, cap, asked),
            expected=f"about {MAX_ASKED:g} s: at most MAX_ASKED_SECONDS of `asked` count",
            got=seen(found),
            cause="without a limit an absurd Retry-After would delay the job for years",
        )
