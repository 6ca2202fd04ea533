"""3.3: texts are embedded in batches within the provider's limits, in order, and equal texts once."""

from __future__ import annotations

import math
from collections import Counter
from random import Random
from typing import Any

import pytest

from autograder.sdk import Fault, JournalEntry, OpenAIControl, Run, Student, fail, show
from autograder.week03_pipeline import vectors
from autograder.week03_pipeline.files import made_up
from autograder.week03_pipeline.shapes import CALL_SECONDS, called, is_vector
from autograder.week03_pipeline.vectors import DIMENSIONS

pytestmark = pytest.mark.item("3.3")

EMBED = "pipeline.steps.embed"
MAX_INPUTS, MAX_INPUT_TOKENS, MAX_REQUEST_TOKENS = 2_048, 8_192, 300_000
CUNEIFORM = 0x12000
LEAST_FILLED = 50
"""The fewest short texts in a batch, on average. With fewer, requests are wasted."""


def embedded(student: Student, sent: str, texts: list[str]) -> list[list[float]]:
    """What `embed_texts` returns: a vector for each text."""
    value = called(student, sent, EMBED, "embed_texts", texts)
    return as_vectors(sent, value, len(texts))


def as_vectors(sent: str, value: Any, count: int) -> list[list[float]]:
    if not isinstance(value, list) or len(value) != count:
        fail(
            sent=sent,
            expected=f"a list of {count} vectors, one for each text",
            got=f"{len(value)} of them" if isinstance(value, list) else value,
            cause="equal texts are sent once, but each place in `texts` gets a vector",
        )
    for place, vector in enumerate(value):
        if not is_vector(vector, DIMENSIONS):
            fail(sent=sent, expected=f"{DIMENSIONS} numbers at place {place}", got=vector)
    return value


def check_vectors(sent: str, run: Run, texts: list[str], found: list[list[float]]) -> None:
    """Check that each text has the vector that the provider makes for it."""
    unique = list(dict.fromkeys(texts))
    truth = dict(zip(unique, vectors.true_vectors(run, unique), strict=True))
    for place, (text, vector) in enumerate(zip(texts, found, strict=True)):
        if vectors.agree(vector, truth[text]):
            continue
        owner = next((one for one in unique if vectors.agree(vector, truth[one])), None)
        fail(
            sent=sent,
            expected=f"at place {place} the vector of {show(text[:40])}",
            got=f"the vector of {show(owner[:40])}" if owner else "a vector of none of the texts",
            cause="the order was lost between the texts, the batches and the answers",
        )


def check_requests(sent: str, entries: list[JournalEntry], texts: list[str]) -> None:
    """Check that requests are within the limits, and that each text is in exactly one of them."""
    for entry in entries:
        count = len(entry.inputs)
        if count > MAX_INPUTS or entry.tokens > MAX_REQUEST_TOKENS:
            fail(
                sent=sent,
                expected=f"at most {MAX_INPUTS:,} inputs and {MAX_REQUEST_TOKENS:,} tokens a request",
                got=f"a request with {count:,} inputs and {entry.tokens:,} tokens: status {entry.status}",
                cause="close a batch when the next text would exceed either limit; tokens are "
                "counted by `estimate_tokens`",
            )
    counted = Counter(text for entry in entries for text in entry.inputs)
    if twice := [text for text, times in counted.items() if times > 1]:
        fail(
            sent=sent,
            expected="each different text sent once",
            got=f"{show(twice[0][:40])} sent {counted[twice[0]]} times",
            cause="equal texts must be sent once, because each token costs money",
        )
    if counted.keys() != set(texts):
        fail(
            sent=sent,
            expected=f"{len(set(texts))} different texts sent, unchanged",
            got=f"{len(counted)} different inputs, {len(counted.keys() - set(texts))} of them others",
            cause="texts were lost or changed before they were sent",
        )


def test_equal_texts_are_sent_once_and_order_is_kept(
    student: Student, run: Run, openai: OpenAIControl, rng: Random
) -> None:
    different = [f"{word} in the harbour" for word in made_up(rng, 8)]
    texts = [*different, *rng.choices(different, k=12)]
    rng.shuffle(texts)
    sent = f"embed_texts({len(texts)} texts, {len(different)} of them different)"
    found = embedded(student, sent, texts)
    entries = openai.journal("embeddings")
    check_requests(sent, entries, texts)
    if len(entries) > 1:
        fail(
            sent=sent,
            expected="one request, because all texts together fit the limits",
            got=f"{len(entries)} requests",
            cause="the code sends a request for each text, and the provider limits requests too",
        )
    check_vectors(sent, run, texts, found)


def test_no_texts_no_request(student: Student, openai: OpenAIControl) -> None:
    cause = "return no batches for no texts, because the provider rejects an empty request"
    found = called(student, "embed_texts([])", EMBED, "embed_texts", [], cause=cause)
    if found != [] or openai.journal():
        fail(
            sent="embed_texts([])",
            expected="[] and no request",
            got=f"{found!r} after {len(openai.journal())} requests",
            cause="send nothing for no texts, because the provider rejects an empty request",
        )


def test_tokens_of_a_request(
    student: Student, run: Run, openai: OpenAIControl, rng: Random
) -> None:
    """Long texts in cuneiform. Each sign has four bytes, so it counts as four tokens."""
    count = 42
    signs = [chr(CUNEIFORM + rng.randrange(900)) for _ in range(2_100)]
    texts = [
        f"{word} " + "".join(signs[: rng.randint(1_980, 2_040)]) for word in made_up(rng, count)
    ]
    sent = f"embed_texts({count} texts of about 8,000 tokens each)"
    answer = student.ask(EMBED, "embed_texts", texts, timeout=CALL_SECONDS)
    if entries := openai.journal("embeddings"):
        check_requests(sent, entries, texts)
    if not answer.ok:
        fail(
            sent=sent,
            expected=f"{count} vectors",
            got=f"{answer.error}: {answer.message} ({answer.where})",
            cause="every text is within the limits if tokens are counted by `estimate_tokens`",
        )
    found = as_vectors(sent, answer.value, count)
    for place in (0, count // 2, count - 1):
        check_vectors(sent, run, [texts[place]], [found[place]])


def test_number_of_inputs(student: Student, openai: OpenAIControl, rng: Random) -> None:
    """The provider rejects the first request. The journal says how large it was."""
    texts = made_up(rng, MAX_INPUTS + rng.randint(2, 90))
    openai.script(Fault.status(500, times=None))
    student.ask(EMBED, "embed_texts", texts, timeout=CALL_SECONDS)
    sent = f"embed_texts({len(texts):,} short texts, all different)"
    entries = openai.journal("embeddings")
    if not entries:
        fail(sent=sent, expected="a request", got="none", cause="no text was sent to the provider")
    for entry in entries:
        check_requests(sent, [entry], list(entry.inputs))
        if not set(entry.inputs) <= set(texts):
            fail(
                sent=sent, expected="these texts", got=entry.inputs[:3], cause="texts were changed"
            )
    found = batches(student, sent.replace("embed_texts", "batches"), texts)
    if len(found) > math.ceil(len(texts) / LEAST_FILLED) or len(entries[0].inputs) < LEAST_FILLED:
        fail(
            sent=sent,
            expected="few requests, each as full as the limits allow",
            got=f"{len(found)} batches, and a first request with {len(entries[0].inputs)} texts",
            cause="a batch is closed before it is full",
        )


def batches(student: Student, sent: str, texts: list[str]) -> list[list[str]]:
    """What `batches` returns, checked: in order, all of them, none empty, inside the limits."""
    found = called(student, sent, EMBED, "batches", texts)
    shaped = isinstance(found, list) and all(
        isinstance(batch, list) and all(isinstance(text, str) for text in batch) for batch in found
    )
    if not shaped or [text for batch in found for text in batch] != texts:
        fail(
            sent=sent,
            expected="lists of texts that together are all texts, in order",
            got=f"{len(found)} batches with {sum(map(len, found))} of {len(texts)} texts"
            if shaped
            else found,
            cause="the last batch was lost, or a text was dropped when a new batch began",
        )
    sizes = [len(batch) for batch in found]
    if 0 in sizes or max(sizes, default=0) > MAX_INPUTS:
        fail(
            sent=sent,
            expected=f"from 1 to {MAX_INPUTS:,} texts in each batch",
            got=f"batches of {sizes} texts",
            cause="a batch is full at exactly this number of texts, and no batch is empty",
        )
    return list(found)


def test_a_text_at_the_limit_and_one_over_it(
    student: Student, openai: OpenAIControl, rng: Random
) -> None:
    [word] = made_up(rng, 1)
    longest = (word + "é" * MAX_INPUT_TOKENS)[: MAX_INPUT_TOKENS // 2]
    longest += "x" * (MAX_INPUT_TOKENS - len(longest.encode()))
    batches(student, f"batches([a text of exactly {MAX_INPUT_TOKENS:,} bytes])", [longest])
    sent = f"embed_texts(['{word}', a text of {MAX_INPUT_TOKENS + 1:,} tokens])"
    answer = student.ask(EMBED, "embed_texts", [word, longest + "x"], timeout=CALL_SECONDS)
    if asked := openai.journal():
        fail(
            sent=sent,
            expected="nothing sent, because a text that is too long is found before",
            got=f"{len(asked)} request(s), status {asked[-1].status}",
            cause="the texts before it are paid for, and then the document fails: check all "
            "texts before the first request",
        )
    if answer.ok or answer.error != "TextTooLong":
        fail(
            sent=sent,
            expected="TextTooLong",
            got=answer.error or "no exception",
            cause="a single text has a limit of its own, `MAX_INPUT_TOKENS`",
        )


def test_answers_in_another_order(student: Student, openai: OpenAIControl, rng: Random) -> None:
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
                got="the vector of another text",
                cause="each item of the answer says by its `index` which text it belongs to",
            )


BAD = {
    "one vector for two texts": [(0, "good")],
    "the same index twice": [(0, "good"), (0, "good")],
    "the indexes 0 and 2": [(0, "good"), (2, "good")],
    "three vectors for two texts": [(0, "good"), (1, "good"), (2, "good")],
    "a vector of 1,535 numbers": [(0, "good"), (1, "short")],
    "NaN in a vector": [(0, "good"), (1, "nan")],
    "Infinity in a vector": [(0, "infinite"), (1, "good")],
}
"""Answers to a request with two texts. The client itself rejects an answer without any vector."""


@pytest.mark.parametrize("what", BAD)
def test_answers_that_make_no_sense(
    student: Student, openai: OpenAIControl, rng: Random, what: str
) -> None:
    good = vectors.sparse(rng)
    at = rng.randrange(DIMENSIONS)
    kinds = {
        "good": good,
        "short": good[:-1],
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
            cause="a wrong vector would be indexed without an error: check indexes, lengths and values",
        )
