"""Profiles the worker's side of the parse step, and asks the system who used the processor."""

import cProfile
import io
import pstats
import sys
from resource import RUSAGE_CHILDREN, RUSAGE_SELF, getrusage

from bootcamp.course.lesson_code import lesson_layers
from bootcamp.samples.documents import make_pdf

sys.path[:0] = [str(layer.path) for layer in lesson_layers("3", "3.1")]

from pipeline.steps.sandbox import parse_in_child  # noqa: E402 - after the layers

PAGES = 10


def used(who: int) -> float:
    """Return the processor seconds of this process, or of its children that have ended."""
    usage = getrusage(who)
    return usage.ru_utime + usage.ru_stime


def main() -> None:
    contract = make_pdf([f"Clause {n}. " + "The tenant keeps the key. " * 60 for n in range(PAGES)])
    own, children = used(RUSAGE_SELF), used(RUSAGE_CHILDREN)
    with cProfile.Profile() as profile:
        parse_in_child(io.BytesIO(contract), "application/pdf")
    own, children = used(RUSAGE_SELF) - own, used(RUSAGE_CHILDREN) - children
    stats = pstats.Stats(profile)
    [slowest] = sorted(stats.stats.items(), key=lambda entry: -entry[1][2])[:1]  # type: ignore[attr-defined]
    (_, _, name), (_, _, seconds, _, _) = slowest
    print(f"the profile of the worker: {seconds:.2f} s of {stats.total_tt:.2f} s in {name}")  # type: ignore[attr-defined]
    print(f"processor time of the worker: {own:.3f} s")
    print(f"processor time of its child:  {children:.3f} s")


if __name__ == "__main__":
    main()
