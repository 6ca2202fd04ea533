"""3.3: texts become vectors in few requests, checked against what the provider was sent."""

from __future__ import annotations

import json
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from semantic_text_splitter import TextSplitter

from bootcamp.providers.faults import Fault
from bootcamp.providers.openai_standin.tokens import count_tokens
from pipeline.steps import embed
from pipeline.steps.errors import BadEmbeddings, TextTooLong

EMBED = "pipeline.steps.embed"


def ask(code, texts, timeout=60.0):
    return code.call(EMBED, "embed_texts", texts, timeout=timeout)


def test_order_is_kept_and_equal_texts_are_sent_once(code, run):
    texts = ["harbour", "tide", "harbour", "pilot", "tide", "harbour"]
    vectors = ask(code, texts)
    [request] = run.openai.journal("embeddings")
    assert request.inputs == ("harbour", "tide", "pilot")
    alone = {text: ask(code, [text])[0] for text in set(texts)}
    for text, vector in zip(texts, vectors, strict=True):
        assert np.allclose(vector, alone[text], atol=1e-6)


def test_no_texts_no_request(code, run):
    assert ask(code, []) == []
    assert run.openai.journal() == []


def test_requests_stay_inside_the_number_of_inputs(code, run):
    texts = [f"t{number}" for number in range(embed.MAX_INPUTS + 5)]
    code.ask(EMBED, "embed_texts", texts, timeout=120)  # the answer is too long for the caller
    requests = run.openai.journal("embeddings")
    assert [entry.status for entry in requests] == [200, 200]
    assert [text for entry in requests for text in entry.inputs] == texts


def test_requests_stay_inside_the_number_of_tokens(code, run):
    texts = [f"{number:03d} " + "1 " * 4_000 for number in range(40)]  # 8,004 bytes each
    assert len(ask(code, texts)) == 40
    requests = run.openai.journal("embeddings")
    assert [len(entry.inputs) for entry in requests] == [37, 3]
    assert all(entry.tokens <= embed.MAX_REQUEST_TOKENS for entry in requests)
    assert {entry.status for entry in requests} == {200}


def test_a_text_that_is_too_long_is_refused_before_anything_is_sent(code, run):
    answer = code.ask(EMBED, "embed_texts", ["short", "x" * 8_193])
    assert answer.error == "TextTooLong"
    assert "PermanentError" in answer.bases
    assert run.openai.journal() == []


@pytest.mark.parametrize(
    "fault", [Fault.status(429, retry_after=1), Fault.status(503), Fault.drop()]
)
def test_the_client_does_not_retry_by_itself(code, run, fault):
    run.openai.script(fault)
    answer = code.ask(EMBED, "embed_texts", ["text"], timeout=30)
    assert not answer.ok
    assert "OpenAIError" in answer.bases
    assert len(run.openai.journal()) == 1


@pytest.mark.parametrize("body", ["", "[]", '"text"', '{"data": []}'])
def test_an_answer_that_is_none_is_refused(code, run, body):
    run.openai.script(Fault.status(200, body=body))
    assert code.ask(EMBED, "embed_batch", ["text"]).error == "BadEmbeddings"


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(1, 40), max_size=80), st.integers(1, 9), st.integers(40, 90))
def test_batches_keep_order_and_limits_and_are_few(tokens, inputs, total):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(embed, "MAX_INPUTS", inputs)
        patch.setattr(embed, "MAX_REQUEST_TOKENS", total)
        texts = ["x" * count for count in tokens]
        found = embed.batches(texts)
        assert [text for batch in found for text in batch] == texts
        for number, batch in enumerate(found):
            used = sum(map(embed.estimate_tokens, batch))
            assert 0 < len(batch) <= inputs
            assert used <= total
            if number + 1 < len(found):  # the next text did not fit any more
                following = embed.estimate_tokens(found[number + 1][0])
                assert len(batch) == inputs or used + following > total


def test_batches_refuse_what_fits_none():
    with pytest.raises(TextTooLong):
        embed.batches(["x" * (embed.MAX_INPUT_TOKENS + 1)])


def answers(monkeypatch, items):
    """Let the provider answer with these `(index, vector)`."""
    data = [SimpleNamespace(index=index, embedding=vector) for index, vector in items]
    service = SimpleNamespace(create=lambda **_: SimpleNamespace(data=data))
    monkeypatch.setattr(embed, "client", lambda: SimpleNamespace(embeddings=service))


GOOD = [0.5] * embed.DIMENSIONS


def test_the_answers_are_put_in_order_by_their_index(monkeypatch):
    answers(monkeypatch, [(1, [1.0] * embed.DIMENSIONS), (0, GOOD)])
    first, second = embed.embed_batch(["a", "b"])
    assert (first[0], second[0]) == (0.5, 1.0)


@pytest.mark.parametrize(
    "items",
    [
        [],
        [(0, GOOD)],
        [(0, GOOD), (0, GOOD)],
        [(0, GOOD), (2, GOOD)],
        [(0, GOOD), (1, GOOD), (2, GOOD)],
        [(0, GOOD), (1, GOOD[:-1])],
        [(0, GOOD), (1, [])],
        [(0, GOOD), (1, [float("nan"), *GOOD[1:]])],
        [(0, GOOD), (1, [float("inf"), *GOOD[1:]])],
        [(0, GOOD), (None, GOOD)],
    ],
    ids=["none", "few", "twice", "gap", "many", "short", "empty", "nan", "inf", "no index"],
)
def test_an_answer_that_does_not_fit_is_refused(monkeypatch, items):
    answers(monkeypatch, items)
    with pytest.raises(BadEmbeddings):
        embed.embed_batch(["a", "b"])


SCRIPTS = st.sampled_from(
    [
        st.characters(max_codepoint=127),
        st.sampled_from("0123456789 ,.\n"),
        st.sampled_from("灯塔在港口的早晨守望者写下日志一二三"),
        st.sampled_from("\u092a\u0930\u0940\u0915\u094d\u0937\u093e \u0939\u0948"),
        st.characters(min_codepoint=0x12000, max_codepoint=0x12399),
        st.sampled_from("\N{ROCKET}\N{ZERO WIDTH JOINER}\N{WOMAN}\N{VARIATION SELECTOR-16}"),
        st.characters(codec="utf-8"),
    ]
).flatmap(lambda alphabet: st.text(alphabet, max_size=300))


@settings(max_examples=400, deadline=None)
@given(SCRIPTS)
def test_the_estimate_is_never_too_low(text):
    """Against the tokenizer that `semantic-text-splitter` carries, in any script."""
    estimate = embed.estimate_tokens(text)
    splitter = TextSplitter.from_tiktoken_model("text-embedding-3-small", estimate, trim=False)
    assert len(splitter.chunks(text)) <= 1
    assert count_tokens(text) <= estimate


@pytest.mark.parametrize("length", [384, 3_072, 4_096])
def test_another_models_vectors_are_a_permanent_error_after_one_request(code, run, length):
    vectors = [{"object": "embedding", "index": 0, "embedding": [0.1] * length}]
    body = json.dumps({"object": "list", "data": vectors, "model": "other"})
    run.openai.script(Fault.status(200, body=body, times=None))
    answer = code.ask(EMBED, "embed_texts", ["text"])
    assert answer.error == "WrongModel"
    assert "PermanentError" in answer.bases
    assert len(run.openai.journal()) == 1
