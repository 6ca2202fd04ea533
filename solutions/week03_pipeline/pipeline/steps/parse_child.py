"""The child process that parses one document and then ends. `sandbox.py` starts it.

Given to students complete. It reads the document from standard input and writes one line of JSON to
standard output: `{"pages": [{"number": 1, "text": "…"}, …]}` or
`{"error": "EncryptedDocument", "message": "…"}`. It imports little, because it starts for every document.
"""

from __future__ import annotations

import json
import logging
import resource
import signal
import sys
import traceback
from collections.abc import Callable

from pipeline.errors import PermanentError
from pipeline.steps.limits import ParseLimits
from pipeline.steps.types import Page


def limit(kind: int, soft: int, hard: int | None = None) -> None:
    """Lower one resource limit, if this system supports it. macOS does not support `RLIMIT_AS`."""
    try:
        resource.setrlimit(kind, (soft, soft if hard is None else hard))
    except (ValueError, OSError):
        traceback.print_exc()


def confine(limits: ParseLimits) -> None:
    """Limit what this process may use from now on."""
    limit(resource.RLIMIT_AS, limits.memory_bytes)
    limit(resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1)  # SIGXCPU, then SIGKILL
    limit(resource.RLIMIT_FSIZE, limits.answer_bytes)
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_NPROC, 0)  # no child processes; this limit does not apply to root
    # The parent kills this process at the deadline. The timer is for the case that the parent has died.
    signal.setitimer(signal.ITIMER_REAL, limits.wall_seconds + 1)


def answer(parse: Callable[[], list[Page]]) -> str:
    """Call `parse`, and return its pages or the name of its error as JSON."""
    try:
        return json.dumps({"pages": parse()}, ensure_ascii=False)
    except PermanentError as error:
        return failure(type(error).__name__, str(error))
    except MemoryError:
        return failure("DocumentTooLarge", "The document needs too much memory.")
    except Exception:
        traceback.print_exc()
        return failure("DamagedDocument")


def failure(name: str, message: str = "") -> str:
    """Return the JSON that names an error."""
    return json.dumps({"error": name, "message": message})


def main() -> None:
    """`python -m pipeline.steps.parse_child CONTENT_TYPE LIMITS_AS_JSON < document`."""
    content_type, limits = sys.argv[1], ParseLimits(**json.loads(sys.argv[2]))
    confine(limits)
    logging.disable()  # pypdf logs a warning for every small irregularity of a file
    output = sys.stdout
    sys.stdout = sys.stderr  # so what the parser prints does not become a part of the answer
    from pipeline.steps.parse import parse_document

    data = sys.stdin.buffer.read()
    output.write(answer(lambda: parse_document(data, content_type, limits)))
    output.flush()


if __name__ == "__main__":
    main()
