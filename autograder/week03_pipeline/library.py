"""An index that the grader fills itself: chunks at known angles to one question."""

from __future__ import annotations

from dataclasses import dataclass
from random import Random

import numpy as np

from autograder.week03_pipeline import database
from autograder.week03_pipeline.files import made_up
from autograder.week03_pipeline.vectors import DIMENSIONS, Vectors, true_vectors
from bootcamp.stack import Run

CHUNKS = 24


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
    """What is indexed, nearest to the question first."""

    question: str
    chunks: list[Indexed]


def fill(run: Run, rng: Random) -> Library:
    """Index chunks around one question. Their vectors have all lengths, so that neither distance nor
    inner product has the order that the angle has.
    """
    question = " ".join(made_up(rng, 3))
    axis = true_vectors(run, [question])[0].astype(float)
    chunks = []
    with database.connect(run) as connection, connection.transaction():
        for number, cosine in enumerate(spread(rng)):
            document_id, filename = made_up(rng, 2)
            text = " ".join(made_up(rng, 4))
            one = Indexed(document_id, filename, rng.randint(1, 300), text, cosine)
            vector = at_angle(rng, axis, cosine) * length(number)
            connection.execute("INSERT INTO documents VALUES (%s, %s)", (document_id, filename))
            connection.execute(
                "INSERT INTO chunks VALUES (%s, 0, %s, %s, %s::real[]::vector)",
                (document_id, one.page, text, vector.tolist()),
            )
            chunks.append(one)
    return Library(question, sorted(chunks, key=lambda one: -one.cosine))


def spread(rng: Random) -> list[float]:
    """Cosines from -0.9 to 0.99, no two nearer than rounding, in any order."""
    steps = np.linspace(-0.9, 0.98, CHUNKS)
    found = [float(step) + rng.uniform(-0.01, 0.01) for step in steps]
    rng.shuffle(found)
    return found


def length(number: int) -> float:
    """Very short and very long vectors by turns."""
    return (0.05, 1.0, 30.0)[number % 3]


def at_angle(rng: Random, axis: Vectors, cosine: float) -> Vectors:
    """A vector of length 1 at an angle to `axis`, which has length 1."""
    other = np.array([rng.gauss(0, 1) for _ in range(DIMENSIONS)])
    other -= (other @ axis) * axis
    other /= np.linalg.norm(other)
    return np.asarray(cosine * axis + np.sqrt(1 - cosine**2) * other)
