"""Grades a class in a container, with the `docker` that is on PATH."""

from __future__ import annotations

import math
import queue
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Generator, Iterable
from contextlib import suppress
from dataclasses import replace
from functools import partial
from types import TracebackType
from typing import IO, Self, TypeVar

from pydantic import BaseModel, ValidationError

from autograder.classroom.execution.container import (
    DOCKER,
    REPOSITORY,
    build_words,
    image_name,
    run_words,
)
from autograder.classroom.execution.grading_process import Answer, Job
from autograder.classroom.execution.messages import MAX_LINE_BYTES, Greeting, HandedIn, Reply
from autograder.classroom.execution.pool import MAX_JOB_SECONDS, STOP_SECONDS, RunJobs
from autograder.sandbox.tiers import Tier
from bootcamp import paths
from bootcamp.course.manifest import load_manifest
from bootcamp.course.weeks import find_week
from bootcamp.errors import BootcampError, UsageError

ENGINE_SECONDS = 30.0
"""An engine that says nothing for so long does not answer."""
START_SECONDS = 120.0
"""From `docker run` to the container's first word."""
SILENT_SECONDS = MAX_JOB_SECONDS + 2 * STOP_SECONDS
"""After so long without an answer the container hangs: inside, a submission is ended before."""
LAST_WORDS = 2_000
"""Characters of what it printed that are shown when it fails."""
M = TypeVar("M", bound=BaseModel)


def in_docker(unsandboxed: bool = False) -> RunJobs:
    """What grades jobs in a container. Builds the image if it is not there yet.

    Args:
        unsandboxed: take a container in which no sandbox works, too.

    Raises:
        UsageError: there is no `docker`, its engine does not answer, or the image cannot be built.
    """
    if not is_there():
        raise UsageError(
            "--docker needs the command `docker`, and it is not on PATH.",
            "Install Docker, or Podman with its `docker` command, and try `docker ps`.",
        )
    _ask_engine()
    return partial(run_jobs, image=_image(), unsandboxed=unsandboxed)


def is_there() -> bool:
    """Whether there is a `docker` on PATH. Its engine may not be running."""
    return shutil.which(DOCKER) is not None


def run_jobs(
    jobs: Iterable[Job], processes: int, image: str, unsandboxed: bool
) -> Generator[tuple[Job, Answer], None, None]:
    """As `pool.run_jobs`, in one container that ends with the generator.

    If the container dies, the jobs that it has not answered are answered with the problem.

    Raises:
        BootcampError: it did not start.
        UsageError: no sandbox works in it.
    """
    waiting = {job.student: job for job in jobs}
    if not waiting:
        return
    problem = ""
    with Container(image, processes) as container:
        _check(container.greeting, unsandboxed)
        container.send(waiting.values())
        while waiting and not problem:
            try:
                reply = container.receive()
                job = waiting.pop(reply.student)
            except (BootcampError, KeyError) as error:
                problem = str(error)
            else:
                yield job, _checked(job, reply.answer, container.greeting)
    for job in waiting.values():
        yield job, Answer(problem=problem)


def _checked(job: Job, answer: Answer, greeting: Greeting) -> Answer:
    if not is_credible(job, answer):
        return Answer(problem="the container's answer has items or points that cannot be")
    return replace(answer, versions=greeting.versions)


def is_credible(job: Job, answer: Answer) -> bool:
    """Whether an answer is about this job: no other items, and no points that cannot be."""
    items = {one.id: one for one in load_manifest(find_week(job.week)).items if one.id in job.items}
    return all(
        one.id in items
        and one.max_score == items[one.id].points
        and 0 <= one.score <= one.max_score + sum(c.points for c in items[one.id].checks if c.bonus)
        and all(0 <= check.score <= check.max_score < math.inf for check in one.checks)
        for one in answer.items
    )


class Container:
    """A running container. Use it in a `with` block: it ends with it.

    Raises (on entering):
        BootcampError: it did not start; says what Docker said.
    """

    def __init__(self, image: str, processes: int) -> None:
        self._name = f"{REPOSITORY}-{secrets.token_hex(6)}"
        self._words = run_words(image, self._name, processes)
        self._lines: queue.SimpleQueue[bytes] = queue.SimpleQueue()
        self.greeting: Greeting

    def __enter__(self) -> Self:
        self._errors = tempfile.TemporaryFile()
        self._process = subprocess.Popen(
            self._words,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._errors,
            start_new_session=True,  # Ctrl-C goes to us, who decide when it stops
        )
        assert self._process.stdin and self._process.stdout  # for mypy: they are pipes
        self._stdin = self._process.stdin
        threading.Thread(target=self._read, args=(self._process.stdout,), daemon=True).start()
        try:
            self.greeting = self._hear(Greeting, START_SECONDS)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with suppress(OSError):
            self._stdin.close()  # inside, that means: end
        try:
            self._process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            subprocess.run([DOCKER, "kill", self._name], check=False, capture_output=True)
            self._process.kill()
            self._process.wait()
        self._errors.close()

    def send(self, jobs: Iterable[Job]) -> None:
        """Hand over all jobs."""
        with suppress(OSError):  # it has died: `receive` says so
            for job in jobs:
                self._stdin.write(HandedIn.of(job).line())
            self._stdin.write(b"\n")
            self._stdin.flush()

    def receive(self) -> Reply:
        """The next answer.

        Raises:
            BootcampError: it ended, hangs, or said something else.
        """
        return self._hear(Reply, SILENT_SECONDS)

    def _read(self, stream: IO[bytes]) -> None:
        """Lines as they come, and b"" at the end."""
        while (line := stream.readline(MAX_LINE_BYTES)).endswith(b"\n"):
            self._lines.put(line)
        self._lines.put(b"")

    def _hear(self, kind: type[M], seconds: float) -> M:
        line = self._line(seconds)
        try:
            return kind.model_validate_json(line)
        except ValidationError as error:
            raise BootcampError(f"The container's answer is none: {error}") from None

    def _line(self, seconds: float) -> bytes:
        try:
            if line := self._lines.get(timeout=seconds):
                return line
        except queue.Empty:
            raise BootcampError(f"The container said nothing for {seconds:g} s.") from None
        self._process.wait()
        raise BootcampError(
            f"The container ended (exit code {self._process.returncode}): {self._last_words()}",
            "Code 137 means that it ran out of memory or was killed. Try fewer at once: -j 1.",
        )

    def _last_words(self) -> str:
        self._errors.seek(0)
        text = self._errors.read().decode("utf-8", "replace").strip()
        return text[-LAST_WORDS:] or "it printed nothing"


def _check(greeting: Greeting, unsandboxed: bool) -> None:
    """The container holds what is around it; its sandbox, submissions from each other and us."""
    if greeting.tier is Tier.LIMITS or not greeting.own_user:
        if unsandboxed:
            return
        raise UsageError(
            f"In the container no sandbox works (the strongest is {greeting.tier}): submissions "
            "could change each other's results.",
            "Update Docker: its kernel needs Landlock (Linux 5.13 or newer). Or, for submissions "
            "that you trust, --allow-unsandboxed.",
        )


def _ask_engine() -> None:
    words = [DOCKER, "ps", "--quiet"]
    try:
        done = subprocess.run(
            words, check=False, capture_output=True, text=True, timeout=ENGINE_SECONDS
        )
        said = "" if done.returncode == 0 else done.stderr.strip() or f"code {done.returncode}"
    except (OSError, subprocess.TimeoutExpired) as error:
        said = str(error)
    if said:
        raise UsageError(
            f"`docker` is there, but its engine does not answer: {said[-LAST_WORDS:]}",
            "Start it (Docker Desktop, or `sudo systemctl start docker`), and see that `docker ps` "
            "works without an error.",
        )


def _image() -> str:
    """The image for the course as it is here; built if need be.

    Raises:
        UsageError: that did not work.
    """
    try:
        image = image_name(paths.ROOT)
    except OSError as error:
        raise UsageError(
            f"The image cannot be built from {paths.ROOT}: {error}.",
            "Grade from a checkout of the whole course.",
        ) from None
    known = subprocess.run([DOCKER, "image", "inspect", image], check=False, capture_output=True)
    if known.returncode == 0:
        return image
    print(f"Building {image}: minutes the first time, seconds later.", file=sys.stderr)
    built = subprocess.run(build_words(image, paths.ROOT), check=False, stdout=sys.stderr)
    if built.returncode:
        raise UsageError(
            f"The image {image} could not be built (`docker build`: {built.returncode}).",
            "The lines above say why. The first time it needs the network, and 1 GB of disk.",
        )
    return image
