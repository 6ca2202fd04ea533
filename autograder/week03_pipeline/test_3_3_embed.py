"""3.3: texts are embedded in batches within the provider's limits, in order, and equal texts once.

What a submission could fake:
- counts: each text must be in exactly one request, so further requests lose.
- witness: the journal of the provider, which a submission cannot write to.
- place: texts and sizes are random. The provider's limits are part of the promise.
- store: requests under another key are in another journal. They bring nothing, because those here must
  be complete.
- probe: answers that the grader scripts have random vectors.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from itertools import accumulate
from random import Random
from typing import Any

import pytest

from autograder.sdk import Answer, Fault, JournalEntry, OpenAIControl, Run, Student, fail, show
from autograder.week03_pipeline import vectors
from autograder.week03_pipeline.batch_sizes import SIZES, full_batches
from autograder.week03_pipeline.files import made_up
from autograder.week03_pipeline.shapes import CALL_SECONDS, as_vectors, called

pytestmark = pytest.mark.item("3.3")

EMBED = "pipeline.steps.embed"
MAX_INPUTS, MAX_INPUT_TOKENS, MAX_REQUEST_TOKENS = 2_048, 8_192, 300_000
CUNEIFORM = 0x12000


def embedded(student: Student, sent: str, texts: list[str]) -> list[list[float]]:
    """What `embed_texts` returns: a vector for each text."""
    value = called(student, sent, EMBED, "embed_texts", texts)
    return as_vectors(sent, value, len(texts))


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
    """i, j, k: some texts differ only in case, or in white space."""
    [word, *words] = made_up(rng, 6)
    different = [f"{one} in the harbour" for one in words]
    different += [
        f"{word} in the harbour",
        f"{word.upper()} in the Harbour",
        f"{word}  in the harbour\n",
    ]
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
    """d, j: no texts make no batches, and nothing is sent."""
    if found := called(student, "batches([])", EMBED, "batches", []):
        fail(sent="batches([])", expected="[]", got=found, cause="no batch is empty")
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
    """b, i: long texts in cuneiform. Each sign has four bytes, so it counts as four tokens.

    The first text comes again at the end, when it was sent in another request.
    """
    count = 42
    signs = [chr(CUNEIFORM + rng.randrange(900)) for _ in range(2_100)]
    texts = [
        f"{word} " + "".join(signs[: rng.randint(1_980, 2_040)]) for word in made_up(rng, count)
    ]
    texts.append(texts[0])
    count += 1
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
    """b, l: the provider rejects every request. The journal says how large they were, and how many."""
    texts = made_up(rng, MAX_INPUTS + rng.randint(2, 90))
    openai.script(Fault.status(500, times=None))
    answer = student.ask(EMBED, "embed_texts", texts, timeout=CALL_SECONDS)
    sent = f"embed_texts({len(texts):,} short texts, all different), answered with 500"
    entries = openai.journal("embeddings")
    if not entries:
        fail(sent=sent, expected="a request", got="none", cause="no text was sent to the provider")
    for entry in entries:
        check_requests(sent, [entry], list(entry.inputs))
        if not set(entry.inputs) <= set(texts):
            fail(
                sent=sent, expected="these texts", got=entry.inputs[:3], cause="texts were changed"
            )
    firsts = [entry.inputs[0] for entry in entries]
    if len(set(firsts)) < len(firsts):
        fail(
            sent=sent,
            expected="each batch sent once",
            got=f"{len(firsts)} requests for {len(set(firsts))} batches",
            cause="a failed request was sent again: the task decides about retries, not this step",
        )
    if answer.ok or "OpenAIError" not in answer.bases:
        fail(
            sent=sent,
            expected="the error of the provider, unchanged",
            got="no exception" if answer.ok else f"{answer.error}: {answer.message}",
            cause="an error of the provider was caught: the task must see it to decide about retries",
        )


@pytest.mark.parametrize("sizes", SIZES, ids=lambda sizes: sizes.__name__)
def test_each_batch_is_full(
    student: Student, rng: Random, sizes: Callable[[Random], list[int]]
) -> None:
    """a, b: a batch ends only where the next text would exceed a limit."""
    tokens = sizes(rng)
    texts = [text_of(rng, count) for count in tokens]
    sent = f"batches({len(texts):,} texts of {show(tokens[:6])[:-1]}, … tokens)"
    found = called(student, sent, EMBED, "batches", texts)
    check_batches(sent, found, texts)
    expected = full_batches(tokens)
    if (lengths := [len(batch) for batch in found]) != expected:
        fail(
            sent=sent,
            expected=f"batches of {short(expected)} texts, with {short(totals(tokens, expected))} tokens",
            got=f"batches of {short(lengths)} texts, with {short(totals(tokens, lengths))} tokens",
            cause=why_not_full(lengths, expected),
        )


def text_of(rng: Random, tokens: int) -> str:
    """A text of so many tokens, as `estimate_tokens` counts them. It begins with a word of its own."""
    return (made_up(rng, 1)[0] + "x" * tokens)[:tokens]


def short(numbers: list[int]) -> str:
    """The first of many numbers."""
    return ", ".join(f"{one:,}" for one in numbers[:6]) + (" …" if len(numbers) > 6 else "")


def totals(tokens: list[int], lengths: list[int]) -> list[int]:
    """How many tokens batches of so many texts have."""
    ends = list(accumulate(lengths))
    return [sum(tokens[end - length : end]) for end, length in zip(ends, lengths, strict=True)]


def why_not_full(lengths: list[int], expected: list[int]) -> str:
    """Where the batches differ first."""
    same = next(
        (n for n, pair in enumerate(zip(lengths, expected, strict=False)) if pair[0] != pair[1]), 0
    )
    if same and lengths[same] < expected[same]:
        return "what a batch has counted begins again at 0 with each batch"
    if lengths[same] < expected[same]:
        return "a batch is closed before it is full: exactly the limits are allowed"
    return "a batch has more than its limits allow"


def check_batches(sent: str, found: Any, texts: list[str]) -> None:
    """Check that batches contain all texts in order, and that none is empty."""
    shaped = isinstance(found, list) and all(
        isinstance(batch, list) and all(isinstance(text, str) for text in batch) for batch in found
    )
    if not shaped:
        fail(sent=sent, expected="a list of lists of texts", got=found)
    flat = [text for batch in found for text in batch]
    if flat != texts:
        fail(
            sent=sent,
            expected="lists of texts that together are all texts, in order",
            got=f"{len(found)} batches with {len(flat)} of {len(texts)} texts",
            cause="the texts are in another order: only the last batch may take the next text"
            if sorted(flat) == sorted(texts)
            else "the last batch was lost, or a text was dropped when a new batch began",
        )
    if [] in found:
        fail(sent=sent, expected="no empty batch", got=[len(batch) for batch in found][:9])


def test_a_text_at_the_limit_and_one_over_it(
    student: Student, openai: OpenAIControl, rng: Random
) -> None:
    """c: in `batches`, and before `embed_texts` sends anything."""
    [word] = made_up(rng, 1)
    longest = (word + "é" * MAX_INPUT_TOKENS)[: MAX_INPUT_TOKENS // 2]
    longest += "x" * (MAX_INPUT_TOKENS - len(longest.encode()))
    sent = f"batches([a text of exactly {MAX_INPUT_TOKENS:,} bytes])"
    cause = "a text of exactly `MAX_INPUT_TOKENS` is allowed: only one of more is too long"
    check_batches(sent, called(student, sent, EMBED, "batches", [longest], cause=cause), [longest])
    sent = f"batches(['{word}', a text of {MAX_INPUT_TOKENS + 1:,} tokens])"
    check_too_long(sent, student.ask(EMBED, "batches", [word, longest + "x"]))
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
    check_too_long(sent, answer)


def check_too_long(sent: str, answer: Answer) -> None:
    if answer.ok or answer.error != "TextTooLong":
        fail(
            sent=sent,
            expected="TextTooLong",
            got=answer.error or "no exception",
            cause="a single text has a limit of its own, `MAX_INPUT_TOKENS`: check all texts in "
            "`batches`, and neither cut nor skip one",
        )
