"""The process that parses one document and ends. Started by `sandbox.py`. Given.

Reads the document from standard input and writes one line of JSON to standard output:
`{"pages": [{"number": 1, "text": "…"}, …]}` or `{"error": "EncryptedDocument", "message": "…"}`.
Its imports are few: it starts for every document.
"""

from __future__ import annotations

import json
import logging
import resource
import signal
import sys
import traceback

from pipeline.errors import PermanentError
from pipeline.steps.limits import ParseLimits


def limit(kind: int, soft: int, hard: int | None = None) -> None:
    """Lower one resource limit, as far as this system has it: macOS refuses `RLIMIT_AS`."""
    try:
        resource.setrlimit(kind, (soft, soft if hard is None else hard))
    except (ValueError, OSError):
        traceback.print_exc()


def confine(limits: ParseLimits) -> None:
    """Hold this process, from here to its end, to what one document may use."""
    limit(resource.RLIMIT_AS, limits.memory_bytes)
    limit(resource.RLIMIT_CPU, limits.cpu_seconds, limits.cpu_seconds + 1)  # SIGXCPU, then SIGKILL
    limit(resource.RLIMIT_FSIZE, limits.answer_bytes)
    limit(resource.RLIMIT_CORE, 0)
    limit(resource.RLIMIT_NPROC, 0)  # no children of its own; root is not held by this
    # The parent ends us at the deadline. This is for the case that the parent is gone.
    signal.setitimer(signal.ITIMER_REAL, limits.wall_seconds + 1)


def answer(data: bytes, content_type: str, limits: ParseLimits) -> str:
    """Parse, and turn every way of failing into words."""
    from pipeline.steps.parse import parse_document

    try:
        pages = parse_document(data, content_type, limits)
        return json.dumps({"pages": pages}, ensure_ascii=False)
    except PermanentError as error:
        return failure(type(error).__name__, str(error))
    except MemoryError:
        return failure("DocumentTooLarge", "The document needs too much memory.")
    except Exception:
        traceback.print_exc()
        return failure("DamagedDocument")


def failure(name: str, message: str = "") -> str:
    """The answer that stands for an error of this name."""
    return json.dumps({"error": name, "message": message})


def main() -> None:
    """`python -m pipeline.steps.parse_child CONTENT_TYPE LIMITS_AS_JSON < document`."""
    content_type, limits = sys.argv[1], ParseLimits(**json.loads(sys.argv[2]))
    confine(limits)
    logging.disable()  # pypdf warns about every oddity of every file
    output = sys.stdout
    sys.stdout = sys.stderr  # a print in the parser is no part of the answer
    output.write(answer(sys.stdin.buffer.read(), content_type, limits))
    output.flush()


if __name__ == "__main__":
    main()
