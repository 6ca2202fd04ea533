"""The check of retired words, which is part of `make lint`.

    python -m bootcamp.authoring.words

The course uses the field's word for a thing, and always the same one. The words below have a better
replacement everywhere except in `ALLOWED`. The check cannot tell what "letter" or "tell" mean in a
sentence, so they are not listed.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path

from bootcamp.paths import ROOT

RETIRED = {
    "anew": "again",
    "as ever": "(delete it)",
    r"bur(?:y|ies|ied)": "dead-letter, or delete",
    "for ever": "without end, or permanently",
    r"forg[eo]t(?:s|ting|ten)?": "delete, drop, or omit",
    r"hurr(?:y|ies|ied)": "the exact action",
    r"look(?:s|ed|ing)? after": "redrive, or the exact action",
    r"mend(?:s|ed|ing)?": "correct, fix, or repair",
    "nobody has it": "say what is missing, and where",
    r"put(?:s|ting)? off": "delay, or retry later",
    r"remember(?:s|ed|ing)?": "store, record, or keep",
    "whoever": "name the person or the process",
}
"""Patterns of whole words, and what to write instead."""

PAGES = (
    "AGENTS.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CODE_OF_CONDUCT.md",
    "CONTRIBUTING.md",
    "README.md",
    "SECURITY.md",
    "notebooks/README.md",
)
FOLDERS = (
    "autograder",
    "bootcamp",
    "deploy",
    "docs",
    "exercises",
    "lessons",
    "ops",
    "solutions",
    "teaching",
)
SUFFIXES = {".css", ".html", ".j2", ".js", ".md", ".patch", ".py", ".sh", ".toml", ".yml"}

ALLOWED = {
    ("exercises/week02_api/pipeline/queueing.py", "forget"): "a method of Celery's backend",
    ("solutions/week02_api/pipeline/queueing.py", "forget"): "a method of Celery's backend",
    ("bootcamp/providers/accounts.py", "forgotten"): "a field of the journal's public answer",
    ("bootcamp/providers/clients.py", "forgotten"): "reads that field",
    ("bootcamp/providers/openai_standin/stop_words.py", "whoever"): "a list of English words",
}
"""Uses that are intended, by file and word, each with its reason. At most 15."""

PATTERN = re.compile(rf"\b(?:{'|'.join(RETIRED)})\b", re.IGNORECASE)


def replacement(word: str) -> str:
    """What to write instead of a retired word."""
    return next(text for pattern, text in RETIRED.items() if re.fullmatch(pattern, word, re.I))


def checked_files() -> Iterator[Path]:
    """The files of the course that must not contain retired words."""
    for page in PAGES:
        yield ROOT / page
    for folder in FOLDERS:
        for path in sorted((ROOT / folder).rglob("*")):
            if path == Path(__file__):
                continue
            if path.suffix in SUFFIXES and path.is_file():
                yield path


def retired_words(text: str) -> Iterator[tuple[int, str]]:
    """The number of the line and the word, for each retired word in a text.

    A phrase is also found if a line break divides it.
    """
    for match in PATTERN.finditer(text.replace("\n", " ")):
        yield text.count("\n", 0, match.start()) + 1, match[0]


def main() -> int:
    """Print each retired word. Return 1 if there is one, else 0."""
    found = 0
    for path in checked_files():
        name = path.relative_to(ROOT).as_posix()
        for line, word in retired_words(path.read_text(encoding="utf-8")):
            if (name, word.lower()) not in ALLOWED:
                print(f'{name}:{line}: "{word}" is retired. Write instead: {replacement(word)}')
                found = 1
    return found


if __name__ == "__main__":
    sys.exit(main())
