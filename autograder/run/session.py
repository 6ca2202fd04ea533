"""One grading run: a submission put together, its own stack resources, the student's processes."""

from __future__ import annotations

import random
import time
from collections.abc import Iterable, Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path, PurePosixPath
from typing import Self

from autograder.card import Card, NotGradable
from autograder.process.browser import Chrome
from autograder.process.fork_client import Host
from autograder.process.student import Student
from autograder.run.dynamodb_proxy import DynamoDBProxy
from autograder.run.submission import Submission, assemble, folder_of
from autograder.sandbox import share
from autograder.sandbox.disk import too_much_disk
from autograder.sandbox.held import Held
from autograder.sandbox.memory import too_much_memory
from autograder.sandbox.resource_watch import Crowd, Look, Watch
from autograder.sandbox.tiers import Sandbox, Tier, can_change_user, can_filter, new_user
from bootcamp import bounds
from bootcamp.course.layers import Layer, layers_under
from bootcamp.course.manifest import Item, Manifest, load_manifest
from bootcamp.course.weeks import Week
from bootcamp.ports import own_ports
from bootcamp.stack import Run, Stack
from bootcamp.stack.state import StateFolder

MAX_RUN_SECONDS = 300.0
"""A submission that has run for longer is ended. The reference needs less than a tenth of it."""


class Session:
    """What the fixtures hand to graders. Everything in it ends with the `with` block."""

    def __init__(
        self,
        week: Week,
        source: Path,
        stack: Stack,
        seed: int,
        items: Iterable[str] | None = None,
        host: Host | None = None,
        tier: Tier = Tier.LIMITS,
        browser: Chrome | None = None,
    ) -> None:
        self.week = week
        self.manifest: Manifest = load_manifest(week)
        self.reported = tuple(items or (item.id for item in self.manifest.items))
        """Items to report on; those that they need run too."""
        self.wanted = self.manifest.with_needs(self.reported)
        self.seed = seed
        self._source = source
        self._stack = stack
        self._host = host
        self._warm_browser = browser
        self.tier = tier
        self.walls = Sandbox(tier)
        self._exit = ExitStack()
        self._deadline = 0.0
        self.crowd = Crowd()
        """How many processes wanted a processor while a test ran."""
        self._problems: dict[PurePosixPath, NotGradable | None] = {}
        self.run: Run
        self.submission: Submission
        self.dynamodb_proxy: DynamoDBProxy
        """The student's way to DynamoDB."""
        self.student: Student
        self.browser: Chrome
        """Opens the submission's page, in the submission's sandbox."""

    def __enter__(self) -> Self:
        with ExitStack() as exit_stack:
            state = StateFolder()  # temporary, and gone even if this process is killed
            exit_stack.callback(state.close)
            folder = state.path
            home, logs = folder / "home", folder / "logs"
            home.mkdir()
            logs.mkdir()
            host = self._host
            if host is None and self.tier is Tier.LIMITS:
                host = exit_stack.enter_context(Host(home, logs))
                host.start()  # it imports while all else is put together
            self.submission = assemble(self.week, self._source, folder / "layer")
            self.run = exit_stack.enter_context(
                self._stack.isolated(guarded=self.tier is not Tier.LIMITS)
            )
            layers = layers_under(self.week, self.submission.layer)
            walled = host is None
            if host is None:
                self.walls = walls = self._walls(folder, layers)
                host = exit_stack.enter_context(Host(home, logs, walls))
            self._host = host
            self.browser = self._warm_browser or self._own_browser(folder, exit_stack)
            self.browser.ended = ""  # a page of the check before may have ended it
            self._deadline = time.monotonic() + MAX_RUN_SECONDS
            if walled:
                exit_stack.enter_context(Watch(self._looks(host, self.walls), self._end))
            env = self.run.environment()
            self.dynamodb_proxy = exit_stack.enter_context(DynamoDBProxy(env))
            self.student = Student(layers, env | self.dynamodb_proxy.environment, home, host)
            exit_stack.callback(self.student.stop)
            self.student.warm_up()
            self._exit = exit_stack.pop_all()
        return self

    def __exit__(self, *error: object) -> None:
        self._exit.close()

    def _own_browser(self, folder: Path, exit_stack: ExitStack) -> Chrome:
        """A browser in the submission's sandbox that ends with the session."""
        (own := folder / "browser").mkdir()
        browser = Chrome(self.walls, own)
        exit_stack.callback(browser.close)
        return browser

    def _walls(self, folder: Path, layers: Sequence[Layer]) -> Sandbox:
        """The sandbox in which this submission finds its code, its home and its services alone."""
        write = (folder / "home", self.run.blob_folder)
        read = tuple(layer.path for layer in layers)
        user = new_user() if can_change_user(self.tier) else None
        ports = tuple(own_ports())
        filtered, groups = can_filter(self.tier), share.of_submission()
        walls = Sandbox(self.tier, user, read, write, ports, filtered, groups=groups)
        for own in write:
            walls.give(own)
        walls.open_way((folder, self._stack.path))
        return walls

    def _looks(self, host: Host, walls: Sandbox) -> list[Look]:
        """What this submission must not use up."""
        on_disk = [partial(too_much_disk, folder) for folder in walls.write]
        # Memory first: it grows fastest. The database last: asking it takes longest.
        in_use = [lambda: too_much_memory(host.pid), lambda: too_much_memory(self.browser.pid)]
        services = Held(self._stack).too_much
        looks: list[Look] = [self.crowd.look, self._too_long, *in_use, services, *on_disk]
        return [*looks, self._too_much_in_postgres]

    @property
    def out_of_time(self) -> bool:
        """Whether the submission has run for as long as it may."""
        return time.monotonic() > self._deadline

    def _too_long(self) -> str:
        return f"it ran for more than {MAX_RUN_SECONDS:g} s in all" if self.out_of_time else ""

    def _end(self, reason: str) -> None:
        """End all that runs for the submission, for good, and whatever a grader is being sent of it."""
        if self._host is not None:
            self._host.end(reason)
        self.browser.end(reason)
        self.run.cut_off()

    def _too_much_in_postgres(self) -> str:
        if self.run.database_bytes() <= bounds.MAX_DISK_BYTES:
            return ""
        return f"it filled the disk with more than {bounds.MAX_DISK_BYTES // bounds.MIB:,} MiB in PostgreSQL"

    @property
    def ended(self) -> str:
        """Why the submission was ended before its time, or ""."""
        return self._host.ended if self._host is not None else ""

    def flags(self) -> tuple[str, ...]:
        """What an instructor should look at."""
        ended = (f"it was ended: {self.ended}",) if self.ended else ()
        return (*ended, *(self._host.odd_ends if self._host is not None else ()))

    def random(self, purpose: str) -> random.Random:
        """A source of random inputs that follows from the seed and the purpose."""
        return random.Random(f"{self.seed}:{purpose}")  # noqa: S311 - inputs, not secrets

    def problem(self, item: Item) -> NotGradable | None:
        """Why an item cannot be graded at all: a file is missing or cannot be imported.

        Raises:
            GraderError: the sandbox did not come up.
        """
        if self._host is not None:
            self._host.await_ready()
        for relative in map(PurePosixPath, item.files):
            if relative not in self._problems:
                self._problems[relative] = self._file_problem(relative)
            if problem := self._problems[relative]:
                return problem
        return None

    def _file_problem(self, relative: PurePosixPath) -> NotGradable | None:
        name = folder_of(self.week, relative)
        if reason := self.submission.refused.get(relative):
            cause = f"`bootcamp reset {self.week.number}` puts a missing file back, with a backup"
            expected, got = "the homework file", f"it {reason}"
            return NotGradable(Card(sent=name, expected=expected, got=got, cause=cause))
        return self.student.import_error(relative) if relative.suffix == ".py" else None
