"""The demo: the reference pipeline at work on the bundled samples, in scenes.

`demo()` sets the stage and plays `SCENES` in order. A scene is a function of the `Stage`: it uses the
pipeline from outside, as a client would, tells the audience, notes what came out in the `Report`,
and raises a `DemoFailed` where the pipeline does not do what it should. A new scene needs no more
than its function and a place in `SCENES`.
"""

from __future__ import annotations

import os
import shutil
import time
import tomllib
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Protocol

import httpx

from bootcamp import paths
from bootcamp.apps import Apps
from bootcamp.errors import BootcampError, UsageError
from bootcamp.layers import Layer, reference_layers
from bootcamp.stack import Run, Stack, find_or_start
from bootcamp.stack.addresses import LOCAL_KEY
from bootcamp.weeks import all_weeks

WORKERS = 2
QUESTIONS = 2
DOCUMENT_TYPES = (".pdf", ".docx", ".md", ".txt")
QUESTIONS_FILE = "questions.toml"
NOT_A_DOCUMENT = "README.md"
DOCUMENTS_SECONDS = 120.0
"""How long all documents together may take."""
REQUEST_SECONDS = 30.0
POLL_SECONDS = 0.05
STOP_SECONDS = 0.0
"""What an unfinished task is given at the end: all that it works on is thrown away with it."""


class DemoFailed(BootcampError):
    """The pipeline did not do what the demo shows."""


@dataclass(frozen=True)
class Question:
    """A question that the samples answer: on which page, and in which words."""

    text: str
    document: str
    page: int
    answer: str


@dataclass(frozen=True)
class Samples:
    """Documents to upload, and questions about them."""

    documents: tuple[Path, ...]
    questions: tuple[Question, ...]

    @classmethod
    def load(cls, folder: Path = paths.SAMPLES) -> Samples:
        """The documents of a folder, and its `questions.toml`.

        Raises:
            UsageError: there is no document, or the questions are missing or not as they must be.
        """
        file = folder / QUESTIONS_FILE
        try:
            known = tomllib.loads(file.read_text(encoding="utf-8"))
            questions = tuple(Question(**one) for one in known["question"])
            found = [path for path in folder.iterdir() if path.suffix.lower() in DOCUMENT_TYPES]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise UsageError(
                f"Cannot use {file}: {type(error).__name__}: {error}",
                f"It must hold questions as {paths.SAMPLES / QUESTIONS_FILE} does.",
            ) from None
        documents = tuple(sorted(path for path in found if path.name != NOT_A_DOCUMENT))
        if not documents:
            raise UsageError(
                f"No document in {folder}.", f"The demo takes: {', '.join(DOCUMENT_TYPES)}"
            )
        return cls(documents, questions)

    def chosen(self) -> list[Question]:
        """The questions to ask: about different documents, as far as there are different ones."""
        first = {question.document: question for question in reversed(self.questions)}
        one_each = [question for question in self.questions if question in first.values()]
        return (one_each + [one for one in self.questions if one not in one_each])[:QUESTIONS]


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
            self.percent = 100
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


@dataclass
class Report:
    """What the demo came to."""

    openai: str
    layers: dict[str, str]
    addresses: dict[str, str]
    documents: list[Progress] = field(default_factory=list)
    answers: list[Answer] = field(default_factory=list)
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

    def check_alive(self) -> None:
        """Raise DemoFailed if a process of the pipeline has ended."""
        for process in self.apps.processes:
            if not process.alive:
                raise DemoFailed(f"{process.name} ended with {process.returncode}.")


# -- scenes ------------------------------------------------------------------------------------


def documents_go_in(stage: Stage) -> None:
    """Upload every sample, and follow each until it can be searched."""
    known = [Progress(path.name) for path in stage.samples.documents]
    stage.report.documents = known
    with stage.show.documents(known) as tell:
        started = time.monotonic()
        waiting: dict[str, tuple[Progress, float]] = {}
        for progress, path in zip(known, stage.samples.documents, strict=True):
            with path.open("rb") as file:
                files = {"file": (path.name, file)}
                accepted = stage.ask("POST", "/documents/upload", files=files)
            waiting[accepted["status_url"]] = (progress, time.monotonic())
            progress.status = "uploaded"
            tell()
        while waiting:
            stage.check_alive()
            for url, (progress, since) in list(waiting.items()):
                progress.take(stage.ask("GET", url))
                progress.seconds = round(time.monotonic() - since, 2)
                if progress.ended:
                    del waiting[url]
            tell()
            if waiting and time.monotonic() - started > DOCUMENTS_SECONDS:
                raise DemoFailed(_late([progress for progress, _ in waiting.values()]))
            time.sleep(POLL_SECONDS if waiting else 0)
    if failed := [one for one in known if one.status == "failed"]:
        reasons = [f"{one.name} failed in step {one.step!r}: {one.error}" for one in failed]
        raise DemoFailed("\n".join(reasons))


def _late(waiting: Sequence[Progress]) -> str:
    where = ", ".join(f"{one.name} ({one.status} {one.step} {one.percent} %)" for one in waiting)
    return f"After {DOCUMENTS_SECONDS:.0f} s these documents are not done: {where}."


def questions_are_answered(stage: Stage) -> None:
    """Search for the answers, and make sure that the best hit is the right page."""
    for question in stage.samples.chosen():
        found = stage.ask("GET", "/search", params={"q": question.text, "limit": 1})["results"]
        answer = judged(question, found)
        stage.report.answers.append(answer)
        stage.show.answer(answer)


def judged(question: Question, found: Sequence[dict[str, Any]]) -> Answer:
    """The first hit as an answer.

    Raises:
        DemoFailed: there is none, or it is not the page that answers the question.
    """
    if not found:
        raise DemoFailed(f"The search for {question.text!r} found nothing.")
    hit = found[0]
    text = " ".join(hit["text"].split())
    right = (hit["filename"], hit["page"]) == (question.document, question.page)
    if not right or question.answer.lower() not in text.lower():
        raise DemoFailed(
            f"The best hit for {question.text!r} is {hit['filename']}, page {hit['page']}. "
            f"Expected {question.document}, page {question.page}, with {question.answer!r}."
        )
    score = round(hit["score"], 4)
    return Answer(question.text, hit["filename"], hit["page"], score, text, question.answer)


Scene = Callable[[Stage], None]
SCENES: tuple[Scene, ...] = (documents_go_in, questions_are_answered)


# -- the stage ---------------------------------------------------------------------------------


def has_own_key() -> bool:
    """Whether `OPENAI_API_KEY` in our environment is a key of the real service."""
    key = os.environ.get("OPENAI_API_KEY", "")
    return bool(key) and not key.startswith(LOCAL_KEY)


@contextmanager
def demo(
    samples: Samples, show: Show, *, real_openai: bool = False
) -> Iterator[tuple[Stage, Apps]]:
    """Start everything, play all scenes, and keep it up for the `with` block.

    A stack that is up is joined, in a run of its own: nothing of its owner's is touched. Else a
    temporary one is started, and gone afterwards.

    Raises:
        UsageError: the real service is asked for, but there is no key.
        StackError: a part did not start.
        DemoFailed: the pipeline did not do what a scene shows. The logs are kept.
    """
    if real_openai and not has_own_key():
        raise UsageError("--real-openai needs your key in OPENAI_API_KEY.")
    started = time.monotonic()
    layers = reference_layers(all_weeks()[-1])
    with ExitStack() as undo:
        with show.phase("Starting Redis, PostgreSQL, DynamoDB, S3 and the OpenAI stand-in"):
            stack = undo.enter_context(find_or_start())
            run = undo.enter_context(stack.isolated())
        env = run.environment()
        if real_openai:
            env = {name: env[name] for name in env if not name.startswith("OPENAI_")}
        apps = Apps(env, layers, workers=WORKERS, stop_seconds=STOP_SECONDS)
        with show.phase(f"Starting the API and {WORKERS} workers"):
            undo.enter_context(apps)
        report = _report(stack, run, apps, layers, real_openai)
        show.stage(report)
        client = httpx.Client(
            base_url=report.addresses["API"], timeout=REQUEST_SECONDS, trust_env=False
        )
        stage = Stage(run, apps, undo.enter_context(client), samples, show, report)
        try:
            for scene in SCENES:
                scene(stage)
        except DemoFailed as error:
            error.next_step = f"The logs of API and workers: {_keep_logs(apps)}"
            raise
        report.seconds = round(time.monotonic() - started, 2)
        yield stage, apps


def _report(
    stack: Stack, run: Run, apps: Apps, layers: Sequence[Layer], real_openai: bool
) -> Report:
    api = str(apps.api_url)
    known = run.environment()
    addresses = {
        "API": api,
        "API docs": f"{api}/docs",
        "Redis": known["REDIS_URL"],
        "PostgreSQL": known["DATABASE_URL"],
        "DynamoDB and S3": known["AWS_ENDPOINT_URL"],
    }
    if not real_openai:
        addresses["OpenAI stand-in"] = known["OPENAI_BASE_URL"]
    return Report(
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
