"""What goes in and out of a grading container: lines of JSON. No pickle: nothing in it can run here.

In: a `HandedIn` per line, and an empty line. Out: a `Greeting`, then a `Reply` per submission.
Over a broker: an `Order` to the workers, and each `Report` back, both signed (`signing.py`).
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict

from autograder.classroom.execution.grading_process import Answer, Job
from autograder.sandbox.tiers import Tier
from bootcamp.files import files_in, write_atomic

MAX_LINE_BYTES = 32 * 1024**2
"""A longer line is not read: a card holds some kilobytes."""


class _Message(BaseModel):
    model_config = ConfigDict(
        extra="forbid", frozen=True, ser_json_bytes="base64", val_json_bytes="base64"
    )

    def line(self) -> bytes:
        """As it is sent."""
        return self.model_dump_json().encode() + b"\n"


class Greeting(_Message):
    """How firmly the container will hold student code, and what it grades with."""

    tier: Tier
    own_user: bool
    versions: dict[str, str]


class HandedIn(_Message):
    """A job and the files of its submission: the container sees no folder of ours."""

    student: str
    week: str
    items: tuple[str, ...]
    seed: int
    alone: bool
    files: dict[str, bytes]
    """Contents by path, relative to the submission's folder."""

    @classmethod
    def of(cls, job: Job) -> HandedIn:
        """A job as it is sent."""
        files = {one.as_posix(): (job.folder / one).read_bytes() for one in files_in(job.folder)}
        facts = {name: value for name, value in vars(job).items() if name != "folder"}
        return cls(**facts, files=files)

    def unpack(self, folder: Path) -> Job:
        """The job again, with its files written to `folder`."""
        for name, content in self.files.items():
            write_atomic(folder / name, content)
        return Job(self.student, self.week, folder, self.items, self.seed, self.alone)


class Reply(_Message):
    """What came of one submission."""

    student: str
    answer: Answer


class Order(_Message):
    """A submission for whichever worker takes it."""

    run: str
    """Of the publisher: each of its runs has a random one."""
    id: str
    """Random, and of this order alone: a second answer to it is not used."""
    graders: str
    """SHA-256 of the publisher's graders."""
    handed_in: HandedIn


class Report(_Message):
    """What a worker says about an order. Without an answer or a refusal: it has begun."""

    run: str
    id: str
    worker: str
    answer: Answer | None = None
    refusal: str = ""
    """Why this worker cannot grade it. Another one may."""
