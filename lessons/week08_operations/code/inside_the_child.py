"""Profiles the work of the parse child: its start, its imports, and the reading of one document."""

import cProfile
import pstats
import subprocess
import sys
import time
from pathlib import Path
from resource import RUSAGE_CHILDREN, getrusage

from bootcamp.course.lesson_code import lesson_layers
from bootcamp.samples.documents import make_pdf

sys.path[:0] = [str(layer.path) for layer in lesson_layers("3", "3.1")]

from pipeline.steps.parse import PDF, parse_document  # noqa: E402 - after the layers

PAGES = 10


def started(code: str) -> float:
    """Return the processor seconds of a Python that runs `code`."""
    before = getrusage(RUSAGE_CHILDREN)
    subprocess.run([sys.executable, "-c", code], check=True)
    after = getrusage(RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    contract = make_pdf([f"Clause {n}. " + "The tenant keeps the key. " * 60 for n in range(PAGES)])
    empty = started("pass")
    print(f"start of Python:  {empty:.3f} s")
    print(f"import of pypdf:  {started('import pypdf') - empty:.3f} s")
    parse_document(contract, PDF)  # the imports of this process are not part of the next figure
    before = time.process_time()
    parse_document(contract, PDF)
    print(f"{PAGES} pages:         {time.process_time() - before:.3f} s")

    with cProfile.Profile() as profile:
        parse_document(contract, PDF)
    stats = pstats.Stats(profile).stats  # type: ignore[attr-defined]
    own = sum(entry[2] for entry in stats.values())
    pypdf = sum(entry[2] for (file, _, _), entry in stats.items() if "pypdf" in Path(file).parts)
    print(f"own time of functions of pypdf: ~{100 * pypdf / own:.0f} %")


if __name__ == "__main__":
    main()
