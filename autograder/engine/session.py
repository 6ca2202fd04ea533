"""One grading run: a submission put together, its own stack resources, the student's processes."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path, PurePosixPath
from types import TracebackType
from typing import Self

from autograder.engine.card import Card
from autograder.engine.manifest import Item, Manifest, load_manifest
from autograder.engine.student import Student
from autograder.engine.submission import Submission, assemble, folder_of, unwritten
from bootcamp.layers import layers_under
from bootcamp.stack import Run, Stack
from bootcamp.weeks import Week


class Session:
    """What the fixtures hand to graders. Everything in it ends with the `with` block."""

    def __init__(
        self, week: Week, source: Path, stack: Stack, seed: int, items: Iterable[str] | None = None
    ) -> None:
        self.week = week
        self.manifest: Manifest = load_manifest(week)
        self.reported = tuple(items or (item.id for item in self.manifest.items))
        """Items to report on; those that they need run too."""
        self.wanted = self.manifest.with_needs(self.reported)
        self.seed = seed
        self._source = source
        self._stack = stack
        self._exit = ExitStack()
        self._broken: dict[PurePosixPath, Card] | None = None
        self.run: Run
        self.submission: Submission
        self.student: Student

    def __enter__(self) -> Self:
        with ExitStack() as exit_stack:
            folder = Path(tempfile.mkdtemp(prefix="bootcamp-check-"))
            exit_stack.callback(shutil.rmtree, folder, ignore_errors=True)
            self.submission = assemble(self.week, self._source, folder / "layer")
            self.run = exit_stack.enter_context(self._stack.isolated())
            home = folder / "home"
            home.mkdir()
            layers = layers_under(self.week, self.submission.layer)
            self.student = Student(layers, self.run.environment(), home)
            exit_stack.callback(self.student.stop)
            self.student.warm_up()
            self._exit = exit_stack.pop_all()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._exit.close()

    def random(self, purpose: str) -> random.Random:
        """A source of random inputs that follows from the seed and the purpose."""
        return random.Random(f"{self.seed}:{purpose}")  # noqa: S311 - inputs, not secrets

    def problem(self, item: Item) -> Card | None:
        """Why an item cannot be graded at all: a file is missing or cannot be imported."""
        broken = self._broken_files()
        for relative in map(PurePosixPath, item.files):
            if relative in broken:
                return broken[relative]
        return None

    def unwritten(self, item: Item) -> str:
        """Where the scaffold's marker of an item still stands, or ""."""
        return unwritten(self.submission.layer.path, self.manifest, item)

    def _broken_files(self) -> dict[PurePosixPath, Card]:
        if self._broken is None:
            self._broken = {}
            for relative in self.manifest.files:
                if card := self._file_problem(relative):
                    self._broken[relative] = card
        return self._broken

    def _file_problem(self, relative: PurePosixPath) -> Card | None:
        name = folder_of(self.week, relative)
        if reason := self.submission.refused.get(relative):
            return Card(
                sent=name,
                expected="the homework file",
                got=f"it {reason}",
                cause=f"`bootcamp reset {self.week.number}` puts a missing file back, with a backup",
            )
        return self.student.import_error(relative) if relative.suffix == ".py" else None
