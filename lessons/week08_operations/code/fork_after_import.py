"""Some child processes that have the parsers: each a fresh Python, or each a fork of one that has them."""

import os
import subprocess
import sys
from collections.abc import Callable
from resource import RUSAGE_CHILDREN, getrusage

import docx
import pypdf
import pypdfium2

CHILDREN = 3
LOADED = (docx, pypdf, pypdfium2)


def fresh() -> None:
    """Start a Python and import the libraries in it."""
    subprocess.run([sys.executable, "-c", "import docx, pypdf, pypdfium2"], check=True)


def forked() -> None:
    """Fork this process, which has imported them."""
    child = os.fork()
    if child == 0:
        os._exit(0 if all(LOADED) else 1)
    os.waitpid(child, 0)


def milliseconds(start: Callable[[], None]) -> float:
    """Return the processor time of one child."""
    before = getrusage(RUSAGE_CHILDREN)
    for _ in range(CHILDREN):
        start()
    after = getrusage(RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return 1000 * used / CHILDREN


if __name__ == "__main__":
    print(f"a fresh Python: ~{milliseconds(fresh):.0f} ms for each document")
    print(f"a fork:         ~{milliseconds(forked):.0f} ms for each document")
