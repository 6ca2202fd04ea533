"""A class of cheats, graded as a class is: intake, pool, strongest sandbox, networks of their own."""

from __future__ import annotations

from collections.abc import Generator, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from autograder.classroom.execution import pool
from autograder.classroom.execution.grading_process import Answer, Job
from autograder.classroom.intake.allow_list import Intake, store, take
from autograder.classroom.intake.trees import FolderTree
from autograder.sandbox.tiers import Tier, strongest
from bootcamp.course.manifest import load_manifest
from bootcamp.course.weeks import find_week
from tests.cheats import watched
from tests.cheats.baits import Baits
from tests.cheats.making import Cheat, aimed
from tests.parts import missing

PROCESSES = 2
SEED = 4711


@dataclass
class Class:
    """Hands all cheats in at once, and has each one's answer when it is asked for."""

    cheats: list[Cheat]
    folder: Path
    baits: Baits
    intakes: dict[str, Intake] = field(default_factory=dict)
    _answers: dict[str, Answer] = field(default_factory=dict)
    _running: Generator[tuple[Job, Answer], None, None] = field(init=False)

    def __post_init__(self) -> None:
        jobs = [self._hand_in(cheat) for cheat in self.cheats]
        self._running = pool.run_jobs(jobs, min(PROCESSES, len(jobs)), strongest())

    def _hand_in(self, cheat: Cheat) -> Job:
        source, taken = self.folder / "in" / cheat.name, self.folder / "taken" / cheat.name
        source.mkdir(parents=True)
        cheat.write(source)
        for path in source.rglob("*"):
            if path.is_file() and not path.is_symlink():
                path.write_text(aimed(path.read_text(), self.baits.marks))
        week = find_week(cheat.week)
        intake = self.intakes[cheat.name] = take(FolderTree(source), week)
        store(intake, taken)
        order = [item.id for item in load_manifest(week).items]
        items = tuple(sorted({*cheat.loses, *cheat.keeps}, key=order.index))
        return Job(cheat.name, cheat.week, taken, items, SEED)

    def answer(self, cheat: Cheat) -> watched.Watched:
        while cheat.name not in self._answers:
            job, answer = next(self._running)
            self._answers[job.student] = answer
        answer = self._answers[cheat.name]
        assert isinstance(answer, watched.Watched), answer
        return answer

    def close(self) -> None:
        self._running.close()


@pytest.fixture(scope="session")
def baits(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Baits]:
    with Baits(tmp_path_factory.mktemp("outside")) as baits:
        yield baits


@pytest.fixture(scope="session")
def graded(
    request: pytest.FixtureRequest, baits: Baits, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Class]:
    """The class; `answer` waits for one cheat."""
    if strongest() is not Tier.BUBBLEWRAP:
        missing("no bubblewrap that works on this machine: `apt-get install bubblewrap`")
    calls = [getattr(item, "callspec", None) for item in request.session.items]
    cheats = [call.params["cheat"] for call in calls if call and "cheat" in call.params]
    patch = pytest.MonkeyPatch()
    patch.setattr(pool, "serve", watched.serve)
    everybody = Class(cheats, tmp_path_factory.mktemp("class"), baits)
    yield everybody
    everybody.close()
    patch.undo()
