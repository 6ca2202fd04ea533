"""Tries all twenty-five changes from one state to another, on real rows of the pipeline."""

import io
import sys
from collections.abc import Sequence
from contextlib import redirect_stdout

from local import local_services

from bootcamp.course.lesson_code import lesson_layers

sys.path += [str(layer.path) for layer in lesson_layers("4", "4.1", "4.2")]

from pipeline.documents import TEXT, DocumentRef
from pipeline.migrate import migrate
from pipeline.models.creation import create
from pipeline.models.errors import JobConflict
from pipeline.models.job import ALLOWED, Status, move

ROUTES = {
    Status.PENDING: [],
    Status.PROCESSING: [Status.PROCESSING],
    Status.COMPLETED: [Status.PROCESSING, Status.COMPLETED],
    Status.FAILED: [Status.PROCESSING, Status.FAILED],
    Status.CANCELLED: [Status.CANCELLED],
}
"""The changes that lead a new job into each state."""


def job_in(status: Status, name: str) -> str:
    """Create a job, lead it into a state, and return its id."""
    document = DocumentRef(document_id=name, blob_key="none", filename=name, content_type=TEXT)
    job_id = create(document, "public").job_id
    for step in ROUTES[status]:
        move(job_id, step)
    return job_id


def attempt(start: Status, to: Status) -> str:
    """Try to change the state of a job. Return "yes", or "-" if the change is rejected."""
    job_id = job_in(start, f"{start}-to-{to}")
    try:
        move(job_id, to)
    except JobConflict:
        return "-"
    return "yes"


def print_row(name: str, cells: Sequence[str]) -> None:
    print("".join(f"{word:<12}" for word in (name, *cells)).rstrip())


def main() -> None:
    with local_services():
        with redirect_stdout(io.StringIO()):  # do not print its lines
            migrate()
        print_row("", list(Status))
        for start in ALLOWED:
            print_row(start, [attempt(start, to) for to in Status])


if __name__ == "__main__":
    main()
