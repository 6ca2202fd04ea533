"""A document in one task, and in four: what each attempt pays for when the last step fails."""

import os
from collections.abc import Callable
from typing import Any, TypeVar

import psycopg
from local import SAMPLES, local_services
from openai import OpenAI
from pypdf import PdfReader

from bootcamp.stack import Run

T = TypeVar("T")

HANDBOOK = SAMPLES / "lighthouse_handbook.pdf"
OUTAGES = 2
"""How many attempts find the database away."""

Chunks = list[str]
Vectors = list[list[float]]
paid: list[int] = []
"""Tokens, one number for each request to the model."""


def parse() -> list[str]:
    return [page.extract_text() for page in PdfReader(HANDBOOK).pages]


def chunk(pages: list[str]) -> Chunks:
    return [line for page in pages for line in page.splitlines() if line.strip()]


def embed(chunks: Chunks) -> Vectors:
    answer = OpenAI().embeddings.create(model="text-embedding-3-small", input=chunks)
    paid.append(answer.usage.total_tokens)
    return [item.embedding for item in answer.data]


def index(chunks: Chunks, vectors: Vectors) -> None:
    with psycopg.connect(os.environ["DATABASE_URL"]) as database:
        database.execute("CREATE TABLE IF NOT EXISTS chunks (text text, vector float4[])")
        rows = zip(chunks, vectors, strict=True)
        database.cursor().executemany("INSERT INTO chunks VALUES (%s, %s)", list(rows))


def in_one_task() -> None:
    chunks = chunk(parse())
    index(chunks, embed(chunks))


kept: dict[str, Any] = {}
"""What finished steps have left. Here in memory; in the pipeline, in the blob store."""


def once(step: str, make: Callable[[], T]) -> T:
    """Do a step, unless an earlier attempt has done it."""
    if step not in kept:
        kept[step] = make()
    result: T = kept[step]
    return result


def in_four_steps() -> None:
    pages = once("parse", parse)
    chunks = once("chunk", lambda: chunk(pages))
    vectors = once("embed", lambda: embed(chunks))
    index(chunks, vectors)


def attempts(run: Run, work: Callable[[], None]) -> str:
    """Try until it works, while the database is away for the first attempts."""
    paid.clear()
    for _ in range(OUTAGES):
        with run.postgres_outage():
            try:
                work()
            except psycopg.OperationalError:
                print("  the database is away")
    work()
    return f"  done; requests paid for: {len(paid)}, tokens: {sum(paid):,}"


def main() -> None:
    with local_services() as run:
        print("one task")
        print(attempts(run, in_one_task))
        print("four steps")
        print(attempts(run, in_four_steps))


if __name__ == "__main__":
    main()
