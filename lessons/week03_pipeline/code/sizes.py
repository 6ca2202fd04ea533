"""How the size of a chunk decides what a search finds: ten questions, four sizes, two ways to cut."""

import re
import tomllib
from collections.abc import Callable

import numpy as np
from blind_cuts import at_boundaries, every
from local import SAMPLES, local_services
from numpy.typing import NDArray
from openai import OpenAI

QUESTIONS = tomllib.loads((SAMPLES / "questions.toml").read_text(encoding="utf-8"))["question"]
LINE_END = re.compile(r"(?<!\n)\n(?!\n)")
"""The end of a line inside a paragraph: chance, not meaning."""
SIZES = (60, 300, 1_000, 4_000)
SHOWN = 600
"""Characters of search results that a reader looks at, or that a model is given."""

Splitter = Callable[[int, str], list[str]]


def pages() -> list[str]:
    """The pages of all samples, as text."""
    sources = [*SAMPLES.glob("source/*.md"), SAMPLES / "tide_notes.md", SAMPLES / "letter_de.txt"]
    texts = [path.read_text(encoding="utf-8") for path in sorted(sources)]
    return [LINE_END.sub(" ", page) for text in texts for page in text.split("\n---\n")]


def embed(texts: list[str]) -> NDArray[np.float32]:
    """Shape (texts, 1536); each row has length 1."""
    answer = OpenAI().embeddings.create(model="text-embedding-3-small", input=texts)
    return np.array([item.embedding for item in answer.data], dtype=np.float32)


def answered(size: int, cut: Splitter) -> tuple[int, int]:
    """How many chunks there are, and how many questions find their answer in the first `SHOWN`
    characters of the results, best chunk first.
    """
    chunks = [piece for page in pages() for piece in cut(size, page) if piece.strip()]
    similarity = embed([question["text"] for question in QUESTIONS]) @ embed(chunks).T
    found = 0
    for question, row in zip(QUESTIONS, similarity, strict=True):
        results = " | ".join(chunks[index] for index in np.argsort(-row))[:SHOWN]
        found += question["answer"] in results
    return len(chunks), found


def main() -> None:
    with local_services():
        for size in SIZES:
            for cut in (every, at_boundaries):
                count, found = answered(size, cut)
                print(
                    f"{cut.__name__} {size:,}: {count} chunks, {found} of {len(QUESTIONS)} answered"
                )


if __name__ == "__main__":
    main()
