"""The samples as values: documents to upload, and questions that they answer."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from pathlib import Path

from bootcamp import paths
from bootcamp.errors import UsageError

DOCUMENT_TYPES = (".pdf", ".docx", ".md", ".txt")
QUESTIONS_FILE = "questions.toml"
NOT_A_DOCUMENT = "README.md"


@dataclass(frozen=True)
class Question:
    """A question, and where a document answers it: the page (from 1) and words that stand there."""

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
                f"Cannot use {file}: {error}",
                f"It must hold questions as {paths.SAMPLES / QUESTIONS_FILE} does.",
            ) from None
        documents = tuple(sorted(path for path in found if path.name != NOT_A_DOCUMENT))
        if not documents:
            raise UsageError(
                f"There is no document in {folder}.",
                f"Put some there: {', '.join(DOCUMENT_TYPES)}",
            )
        return cls(documents, questions)

    def some_questions(self, count: int) -> list[Question]:
        """`count` of the questions: about different documents, as far as there are enough."""
        first = {one.document: one for one in reversed(self.questions)}
        one_each = [one for one in self.questions if one is first[one.document]]
        return (one_each + [one for one in self.questions if one not in one_each])[:count]
