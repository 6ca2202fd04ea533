"""An index that the grader fills: chunks at known angles to one question."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random
from typing import Any

import numpy as np
import psycopg

from autograder.sdk import Run, database
from autograder.week03_pipeline.files import made_up
from autograder.week03_pipeline.vectors import DIMENSIONS, Vectors, true_vectors

CHUNKS = 24
CHUNKS_OF_A_DOCUMENT = 3
STRANGER = 0.998
"""The cosine of another owner's chunks. They are nearer than every chunk of the library."""


@dataclass(frozen=True)
class Indexed:
    """A chunk that the grader has put into the index, and how near it is to the question."""

    document_id: str
    filename: str
    page: int
    text: str
    cosine: float


@dataclass(frozen=True)
class Library:
    """The indexed chunks, the nearest to the question first."""

    question: str
    chunks: list[Indexed]


def fill(run: Run, rng: Random) -> Library:
    """Index chunks around one question. Their vectors have different lengths, so that neither the
    Euclidean distance nor the inner product gives the order of the angles.
    """
    question = " ".join(made_up(rng, 3)).title()
    axis = true_vectors(run, [question])[0].astype(float)
    chunks = []
    with database.connect(run) as connection, connection.transaction():
        for number, cosine in enumerate(spread(rng)):
            position = number % CHUNKS_OF_A_DOCUMENT
            if not position:
                document_id, filename = made_up(rng, 2)
            text = " ".join(made_up(rng, rng.choice((4, 80))))
            one = Indexed(document_id, filename, rng.randint(1, 300), text, cosine)
            vector = at_angle(rng, axis, cosine) * length(number)
            insert(connection, one, database.PUBLIC, vector, position)
            chunks.append(one)
    return Library(question, sorted(chunks, key=lambda one: -one.cosine))


def insert(
    connection: psycopg.Connection[Any],
    one: Indexed,
    owner: str,
    vector: Vectors,
    position: int = 0,
) -> None:
    """Index a chunk, and before the first one of a document the document."""
    if not position:
        connection.execute(
            "INSERT INTO documents (document_id, owner, filename) VALUES (%s, %s, %s)",
            (one.document_id, owner, one.filename),
        )
    connection.execute(
        "INSERT INTO chunks (document_id, owner, position, page, text, embedding) "
        "VALUES (%s, %s, %s, %s, %s, %s::real[]::vector)",
        (one.document_id, owner, position, one.page, one.text, vector.tolist()),
    )


def add_strangers(run: Run, library: Library, rng: Random, stranger: str = "") -> set[str]:
    """Index chunks of another owner that are nearer to the question than all others: one in a
    document of its own, one in a document with an id that is in the library. Returns their texts.
    """
    [name, own_id] = made_up(rng, 2)
    owner = stranger or name
    axis = true_vectors(run, [library.question])[0].astype(float)
    texts = set()
    with database.connect(run) as connection, connection.transaction():
        for document_id in (own_id, library.chunks[0].document_id):
            text = " ".join(made_up(rng, 4))
            one = Indexed(document_id, made_up(rng, 1)[0], rng.randint(1, 300), text, STRANGER)
            insert(connection, one, owner, at_angle(rng, axis, STRANGER))
            texts.add(text)
    return texts


def spread(rng: Random) -> list[float]:
    """Cosines from -0.9 to 0.99, no two nearer than rounding, in any order."""
    steps = np.linspace(-0.9, 0.98, CHUNKS)
    found = [float(step) + rng.uniform(-0.01, 0.01) for step in steps]
    rng.shuffle(found)
    return found


def length(number: int) -> float:
    """The length of a vector: very short, 1, and very long in turn."""
    return (0.05, 1.0, 30.0)[number % 3]


def at_angle(rng: Random, axis: Vectors, cosine: float) -> Vectors:
    """A vector of length 1 at an angle to `axis`, which has length 1."""
    other = np.array([rng.gauss(0, 1) for _ in range(DIMENSIONS)])
    other -= (other @ axis) * axis
    other /= np.linalg.norm(other)
    return np.asarray(cosine * axis + np.sqrt(1 - cosine**2) * other)
