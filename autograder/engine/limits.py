"""Sets the limits of a student's process and becomes it: `python -I -S limits.py command …`.

Standard library only; it runs before the student's interpreter starts.
"""

from __future__ import annotations

import os
import resource
import sys

MAX_MEMORY_BYTES = 4 * 1024**3
"""Address space of one process; numpy and friends reserve far more than they use."""
MAX_FILE_BYTES = 64 * 1024**2
"""Largest file it may write: what it prints, too."""
MAX_OPEN_FILES = 1024
MAX_CPU_SECONDS = 120


def main() -> None:
    """Apply the limits, then run the command in this very process."""
    limits = {
        resource.RLIMIT_FSIZE: MAX_FILE_BYTES,
        resource.RLIMIT_NOFILE: MAX_OPEN_FILES,
        resource.RLIMIT_CPU: MAX_CPU_SECONDS,
        resource.RLIMIT_CORE: 0,
    }
    if sys.platform == "linux":  # macOS does not enforce it, and refuses some values
        limits[resource.RLIMIT_AS] = MAX_MEMORY_BYTES
    for kind, wanted in limits.items():
        _, hard = resource.getrlimit(kind)
        value = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(kind, (value, value))
    os.execvp(sys.argv[1], sys.argv[1:])


if __name__ == "__main__":
    main()
