"""Week 3 on stage: documents go in, and questions are answered."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from bootcamp.demo.stage import Answer, DemoFailed, Progress, Scene, Stage
from bootcamp.samples.library import Question

QUESTIONS = 2
DOCUMENTS_SECONDS = 120.0
"""How long all documents together may take."""
POLL_SECONDS = 0.05


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
        reasons = [f"{one.name} failed, last seen in {one.step}: {one.error}" for one in failed]
        raise DemoFailed("\n".join(reasons))


def _late(waiting: Sequence[Progress]) -> str:
    where = ", ".join(f"{one.name} ({one.status} {one.step} {one.percent} %)" for one in waiting)
    return f"After {DOCUMENTS_SECONDS:.0f} s these documents are not done: {where}."


def questions_are_answered(stage: Stage) -> None:
    """Search for the answers, and make sure that the best hit is the right page."""
    for question in stage.samples.some_questions(QUESTIONS):
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


SCENES: tuple[Scene, ...] = (
    documents_go_in,
    questions_are_answered,
)
