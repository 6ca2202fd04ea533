"""3.3: what `embed_batch` makes of the provider's answers."""

from __future__ import annotations

import math
from random import Random

import numpy as np
import pytest

from autograder.sdk import OpenAIControl, Student, fail
from autograder.week03_pipeline import vectors
from autograder.week03_pipeline.files import made_up
from autograder.week03_pipeline.shapes import as_vectors, called
from autograder.week03_pipeline.vectors import DIMENSIONS

pytestmark = pytest.mark.item("3.3")

EMBED = "pipeline.steps.embed"


def test_answers_in_another_order(student: Student, openai: OpenAIControl, rng: Random) -> None:
    """e, h: the vectors are those of the answer, as 32-bit floats."""
    texts = made_up(rng, 4)
    items = [(index, vectors.sparse(rng)) for index in range(4)]
    right = [vector for _, vector in items]
    while [index for index, _ in items] == sorted(index for index, _ in items):
        rng.shuffle(items)
    openai.script(vectors.answer_with(items))
    sent = f"embed_batch(4 texts), answered in the order {[index for index, _ in items]}"
    found = as_vectors(sent, called(student, sent, EMBED, "embed_batch", texts), 4)
    for place in range(4):
        if not vectors.agree(found[place], right[place]):
            fail(
                sent=sent,
                expected=f"at place {place} the vector with index {place}",
                got="the vector of another text"
                if any(vectors.agree(found[place], one) for one in right)
                else "a vector that the answer does not contain",
                cause="each item of the answer says by its `index` which text it belongs to, and its "
                "numbers must stay as they are",
            )
        exact = [float(np.float32(number)) for number in right[place]]
        if found[place] != exact:
            at = first_number(exact)
            fail(
                sent=sent,
                expected=f"32-bit floats: {exact[at]} for {right[place][at]}",
                got=found[place][at],
                cause="`np.array` makes 64-bit floats of a list, unless its `dtype` is `np.float32`",
            )


def first_number(vector: list[float]) -> int:
    """The first place that is not 0."""
    return next(place for place, number in enumerate(vector) if number)


def test_a_bad_answer_is_not_asked_for_again(
    student: Student, openai: OpenAIControl, rng: Random
) -> None:
    """l: the first answer has the wrong index; a second one would be right."""
    openai.script(vectors.answer_with([(1, vectors.sparse(rng))]))
    answer = student.ask(EMBED, "embed_texts", made_up(rng, 1))
    requests = len(openai.journal("embeddings"))
    if requests != 1 or answer.error != "BadEmbeddings":
        fail(
            sent="embed_texts(1 text), answered with the index 1",
            expected="one request, and BadEmbeddings",
            got=f"{requests} requests, and {answer.error or 'no exception'}",
            cause="a batch is sent again after an error: the task decides about retries, not this step"
            if requests > 1
            else f"raise `BadEmbeddings` {WHY_BAD['good']}",
        )


BAD = {
    "one vector for two texts": [(0, "good")],
    "the same index twice": [(0, "good"), (0, "good")],
    "three vectors, two of them with the index 1": [(0, "good"), (1, "good"), (1, "good")],
    "the indexes 0 and 2": [(0, "good"), (2, "good")],
    "three vectors for two texts": [(0, "good"), (1, "good"), (2, "good")],
    "a vector of 1,535 numbers": [(0, "good"), (1, "short")],
    "a vector of 1,537 numbers": [(0, "good"), (1, "long")],
    "NaN in a vector": [(0, "good"), (1, "nan")],
    "Infinity in a vector": [(0, "good"), (1, "infinite")],
}
"""Answers to a request with two texts. The client itself rejects an answer without any vector."""
WHY_BAD = {
    "good": "unless the indexes are 0, 1, 2, … with exactly one for each text",
    "short": "unless each vector has exactly `DIMENSIONS` numbers",
    "long": "unless each vector has exactly `DIMENSIONS` numbers",
    "nan": "unless all numbers are finite",
    "infinite": "unless all numbers are finite: infinity is not NaN",
}


@pytest.mark.parametrize("what", BAD)
def test_answers_that_make_no_sense(
    student: Student, openai: OpenAIControl, rng: Random, what: str
) -> None:
    """f, g: one answer for each way in which it can be wrong."""
    good = vectors.sparse(rng)
    at = rng.randrange(DIMENSIONS)
    kinds = {
        "good": good,
        "short": good[:-1],
        "long": [*good, 0.5],
        "nan": [*good[:at], math.nan, *good[at + 1 :]],
        "infinite": [*good[:at], -math.inf, *good[at + 1 :]],
    }
    openai.script(vectors.answer_with([(index, kinds[kind]) for index, kind in BAD[what]]))
    answer = student.ask(EMBED, "embed_batch", made_up(rng, 2))
    if answer.ok or answer.error != "BadEmbeddings":
        fail(
            sent=f"embed_batch(2 texts), answered with {what}",
            expected="BadEmbeddings",
            got=f"{answer.error}: {answer.message}" if not answer.ok else "no exception",
            cause=f"a wrong vector would be indexed: raise BadEmbeddings {WHY_BAD[BAD[what][-1][1]]}",
        )
