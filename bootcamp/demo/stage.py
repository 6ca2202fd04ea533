"""The demo: the reference pipeline at work on sample documents.

`demo()` sets the stage and plays the scenes that `bootcamp/demo/scenes.py` finds.
"""

from __future__ import annotations

import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx

from bootcamp import paths
from bootcamp.course.layers import Layer, reference_layers
from bootcamp.course.weeks import Week, all_weeks
from bootcamp.environment import has_own_key
from bootcamp.errors import BootcampError, UsageError
from bootcamp.samples.library import Samples
from bootcamp.stack import Run, Stack, find_or_start
from bootcamp.stack.apps import NEWS_MODULE, PAGE_MODULE, Apps, has

WORKERS = 2
HASTE = {
    "BACKOFF_BASE_SECONDS": "0.4",
    "BACKOFF_CAP_SECONDS": "2",
    "NEWS_SUMMARISE_SECONDS": "1",
    "NEWS_TICK_SECONDS": "1",
    "OUTBOX_INTERVAL_SECONDS": "0.2",
    "WEBHOOK_SCHEDULE": "0,0.5,1,2",
}
"""Nobody watches a demo for a minute: production's waits are longer."""
FEW = {"TREND_PRIOR": "100"}
"""The demo has two dozen articles. Production's prior is for thousands."""
TOKENS = "3,000"
"""What samples, questions and two notes come to, by the stand-in's count: 2,800 in 8 requests."""
REQUEST_SECONDS = 30.0
STOP_SECONDS = 0.0
"""What an unfinished task is given at the end: all that it works on is thrown away with it."""


class DemoFailed(BootcampError):
    """The pipeline did not do what the demo shows."""


@dataclass
class Progress:
    """Where one document is, as `GET /tasks/{id}` says. `percent` is 0 to 100."""

    name: str
    status: str = "waiting"
    step: str = ""
    percent: int = 0
    pages: int = 0
    chunks: int = 0
    seconds: float = 0.0
    """From the upload to the end."""
    error: str = ""

    @property
    def ended(self) -> bool:
        return self.status in ("completed", "failed")

    def take(self, answer: dict[str, Any]) -> None:
        """Follow an answer of the API. What it does not say stays as it was."""
        self.status = answer["status"]
        if progress := answer["progress"]:
            self.step, self.percent = progress["step"], progress["percent"]
        if self.status == "completed":
            self.step, self.percent = "", 100
            self.pages, self.chunks = answer["result"]["pages"], answer["result"]["chunks"]
        if error := answer["error"]:
            self.error = f"{error['message']} ({error['type']})"


@dataclass(frozen=True)
class Answer:
    """The best hit for a question. `score` is the cosine similarity, 1 to -1."""

    question: str
    document: str
    page: int
    score: float
    text: str
    found: str
    """The words of the answer, which stand in `text`."""


@dataclass(frozen=True)
class Story:
    """Something that went wrong, and what came of it."""

    title: str
    lines: tuple[str, ...]


@dataclass
class Report:
    """What the demo came to."""

    stack: str
    """`temporary`, or `joined`: the one that was up."""
    openai: str
    layers: dict[str, str]
    addresses: dict[str, str]
    documents: list[Progress] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
    stories: list[Story] = field(default_factory=list)
    seconds: float = 0.0

    def to_json(self) -> dict[str, Any]:
        """Give what `bootcamp demo --json` prints."""
        return {"ok": True, **asdict(self)}


class Show(Protocol):
    """How the audience is told. The command line has one for terminals and one for plain text."""

    def phase(self, text: str) -> AbstractContextManager[None]:
        """Something that takes a while."""

    def stage(self, report: Report) -> None:
        """Everything is up."""

    def documents(
        self, documents: Sequence[Progress]
    ) -> AbstractContextManager[Callable[[], None]]:
        """Follow these while the block lasts; the block calls what it is given at each news."""

    def answer(self, answer: Answer) -> None:
        """A question was answered."""

    def story(self, story: Story) -> None:
        """Something went wrong, and ended well."""


@dataclass(frozen=True)
class Stage:
    """What every scene has to hand."""

    run: Run
    apps: Apps
    api: httpx.Client
    samples: Samples
    show: Show
    report: Report

    def ask(self, method: str, path: str, **options: Any) -> Any:
        """The JSON that the API answers.

        Raises:
            DemoFailed: it refuses, or does not answer.
        """
        try:
            response = self.api.request(method, path, **options)
        except httpx.HTTPError as error:
            self.check_alive()
            raise DemoFailed(f"{method} {path}: no answer from the API: {error!r}.") from error
        if not response.is_success:
            said = response.text[:300]
            raise DemoFailed(f"{method} {path}: the API answers {response.status_code}: {said}")
        return response.json()

    def tell(self, title: str, *lines: str) -> None:
        """Show a story, and note it."""
        story = Story(title, lines)
        self.report.stories.append(story)
        self.show.story(story)

    def check_alive(self) -> None:
        """Raise DemoFailed if a process of the pipeline ends whenever it is started."""
        if given_up := self.apps.given_up:
            raise DemoFailed(f"{given_up[0].name} ended with {given_up[0].returncode}.")


Scene = Callable[[Stage], None]


def whose_openai(real: bool) -> str:
    """Say which OpenAI service the demo will use.

    Raises:
        UsageError: the real one is asked for, but there is no key.
    """
    if not real and not has_own_key():
        return "OpenAI: the stand-in. It needs no key, no network and no money."
    if not real:
        return (
            "OpenAI: the stand-in. OPENAI_API_KEY is set, but the demo spends nothing by itself; "
            "--real-openai uses it."
        )
    if not has_own_key():
        raise UsageError("--real-openai needs your own key in OPENAI_API_KEY.")
    return f"OpenAI: the real service, with your key. It will bill about {TOKENS} tokens."


@contextmanager
def demo(
    scenes: Sequence[Scene], samples: Samples, show: Show, *, real_openai: bool = False
) -> Iterator[Stage]:
    """Start everything, play the scenes, and keep it up for the `with` block.

    A stack that is up is joined, in a run of its own: nothing of its owner's is touched. Else a
    temporary one is started, and gone afterwards.

    Raises:
        StackError: a part did not start.
        DemoFailed: the pipeline did not do what a scene shows. The logs are kept.
    """
    started = time.monotonic()
    layers = reference_layers(newest_solved())
    with ExitStack() as undo:
        with show.phase("Services: Redis, PostgreSQL, DynamoDB, S3, the OpenAI stand-in"):
            stack = undo.enter_context(find_or_start())
            run = undo.enter_context(stack.isolated())
        env = run.environment() | HASTE | FEW
        if real_openai:
            env = {name: env[name] for name in env if not name.startswith("OPENAI_")}
        apps = Apps(env, layers, workers=WORKERS, stop_seconds=STOP_SECONDS)
        with show.phase(f"The pipeline: an API and {WORKERS} workers"):
            undo.enter_context(apps)
        report = _report(stack, run, apps, layers, real_openai)
        show.stage(report)
        client = httpx.Client(
            base_url=report.addresses["API"],
            headers=apps.headers,
            timeout=REQUEST_SECONDS,
            trust_env=False,
        )
        stage = Stage(run, apps, undo.enter_context(client), samples, show, report)
        try:
            for scene in scenes:
                scene(stage)
        except DemoFailed as error:
            error.next_step = f"The logs of API and workers: {_keep_logs(apps)}"
            raise
        report.seconds = round(time.monotonic() - started, 2)
        yield stage


def newest_solved() -> Week:
    """The last week whose reference, and that of all weeks before, is here.

    Raises:
        UsageError: the first week is open still.
    """
    solved: Week | None = None
    for week in all_weeks():
        if week.is_open:
            break
        solved = week
    if solved is None:
        raise UsageError("No week is closed yet, so there is no reference pipeline to show.")
    return solved


def _report(
    stack: Stack, run: Run, apps: Apps, layers: Sequence[Layer], real_openai: bool
) -> Report:
    api = str(apps.api_url)
    known = run.environment()
    page = {"Status page": f"{api}/"} if has(layers, PAGE_MODULE) else {}
    news = {"News": f"{api}/desk"} if has(layers, NEWS_MODULE) else {}
    key = {"API key": apps.api_key} if apps.api_key else {}
    addresses = {
        **page,
        **news,
        **key,
        "API": api,
        "API docs": f"{api}/docs",
        "Redis": known["REDIS_URL"],
        "PostgreSQL": known["DATABASE_URL"],
        "DynamoDB and S3": known["AWS_ENDPOINT_URL"],
    }
    if not real_openai:
        addresses["OpenAI stand-in"] = known["OPENAI_BASE_URL"]
    return Report(
        stack="joined" if stack.attached else "temporary",
        openai="the real service" if real_openai else "stand-in",
        layers={one.week.name: str(one.source) for one in reversed(layers)},
        addresses=addresses,
    )


def _keep_logs(apps: Apps) -> Path:
    """Copy the logs out of the temporary folder, before it goes."""
    folder = paths.state_dir() / "demo"
    folder.mkdir(parents=True, exist_ok=True)
    for process in apps.processes:
        shutil.copy(process.log, folder)
    return folder
