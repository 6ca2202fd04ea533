"""Embeddings by the real `openai` client: the wire format, the limits, the neighbours."""

from __future__ import annotations

import asyncio

import httpx
import numpy as np
import openai
import pytest
from openai import AsyncOpenAI

from bootcamp.providers.openai_standin.tokens import count_tokens

SMALL = "text-embedding-3-small"


def test_one_text_and_many_keep_their_order(client):
    texts = ["The tide rises.", "A pilot costs 900 crowns.", "Der Hafen ist zu."]
    many = client.embeddings.create(model=SMALL, input=texts)
    assert [item.index for item in many.data] == [0, 1, 2]
    for text, item in zip(texts, many.data, strict=True):
        one = client.embeddings.create(model=SMALL, input=text)
        assert one.data[0].embedding == item.embedding
        assert len(item.embedding) == 1536
        assert np.linalg.norm(item.embedding) == pytest.approx(1, abs=1e-5)
    assert many.model == SMALL
    assert many.usage.total_tokens == sum(map(count_tokens, texts))


def test_base64_and_float_are_the_same_numbers(client):
    packed = client.embeddings.create(model=SMALL, input="fog horn")
    floats = client.embeddings.create(model=SMALL, input="fog horn", encoding_format="float")
    asked = client.embeddings.create(model=SMALL, input="fog horn", encoding_format="base64")
    assert packed.data[0].embedding == floats.data[0].embedding
    assert isinstance(asked.data[0].embedding, str)


@pytest.mark.parametrize(
    ("model", "asked", "got"),
    [
        ("text-embedding-3-large", None, 3072),
        ("text-embedding-ada-002", None, 1536),
        (SMALL, 256, 256),
        (SMALL, 1, 1),
    ],
)
def test_dimensions(client, model, asked, got):
    options = {} if asked is None else {"dimensions": asked}
    answer = client.embeddings.create(model=model, input="anchor", **options)
    assert len(answer.data[0].embedding) == got
    assert np.linalg.norm(answer.data[0].embedding) == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("text", [" ", "\n", "…", "the", "\x00", "漢字", "🚨"])
def test_every_text_has_a_direction(client, text):
    vector = client.embeddings.create(model=SMALL, input=text).data[0].embedding
    assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)


def test_token_arrays(client, control):
    answer = client.embeddings.create(model=SMALL, input=[[1, 2, 3], [4]])
    assert answer.usage.total_tokens == 4
    assert client.embeddings.create(model=SMALL, input=[1, 2, 3]).data[0].embedding == (
        answer.data[0].embedding
    )
    assert [entry.inputs for entry in control.journal()] == [("1 2 3", "4"), ("1 2 3",)]


@pytest.mark.parametrize(
    ("given", "param", "said"),
    [
        ({"input": ""}, "input", "empty"),
        ({"input": ["good", ""]}, "input", "input[1]"),
        ({"input": []}, "input", "nothing"),
        ({"input": [["a"]]}, "input", "neither"),
        ({"input": ["a"] * 2049}, "input", "2048"),
        ({"input": ["fine", " fog" * 8193]}, "input", "8193 tokens"),
        ({"input": [" fog" * 8000] * 38}, "input", "304000 tokens"),
        ({"input": "a", "dimensions": 1537}, "dimensions", "1536"),
        ({"input": "a", "dimensions": 0}, "dimensions", "1"),
        ({"input": "a", "dimensions": 8, "model": "text-embedding-ada-002"}, "dimensions", "ada"),
        ({"input": "a", "encoding_format": "hex"}, "encoding_format", "base64"),
    ],
)
def test_what_breaks_a_limit_is_refused(client, control, given, param, said):
    with pytest.raises(openai.BadRequestError) as caught:
        client.embeddings.create(**{"model": SMALL, **given})
    assert caught.value.type == "invalid_request_error"
    assert caught.value.param == param
    assert said in caught.value.message
    assert control.journal()[0].status == 400


def test_exactly_at_the_limits_is_accepted(client):
    assert len(client.embeddings.create(model=SMALL, input=["a"] * 2048).data) == 2048
    longest = "ö" * 8192  # a character of two bytes that is one token
    assert client.embeddings.create(model=SMALL, input=longest).usage.total_tokens == 8192
    most = [" fog" * 8000] * 37 + [" fog" * 4000]
    assert client.embeddings.create(model=SMALL, input=most).usage.total_tokens == 300_000


@pytest.mark.parametrize(
    ("text", "tokens"),
    [
        ("The harbour is quiet in the morning.", 8),
        ("\u706f\u5854\u5728\u6e2f\u53e3", 8),
        (" ".join("0123456789"), 19),
        ("<|endoftext|>", 7),  # a special token is plain text in a request
    ],
)
def test_tokens_are_counted_with_the_models_vocabulary(client, text, tokens):
    answer = client.embeddings.create(model=SMALL, input=text)
    assert answer.usage.total_tokens == tokens


def test_an_unknown_model(client):
    for model in ("text-embedding-4", "gpt-4o-mini"):
        with pytest.raises(openai.NotFoundError) as caught:
            client.embeddings.create(model=model, input="a")
        assert caught.value.code == "model_not_found"


def test_the_asynchronous_client(openai_url, control):
    async def embed_all() -> list[int]:
        async with AsyncOpenAI(base_url=f"{openai_url}/v1", api_key=control.key) as client:
            answers = await asyncio.gather(
                *(
                    client.embeddings.create(model=SMALL, input=[f"t{i}"] * (i + 1))
                    for i in range(8)
                )
            )
        return [len(answer.data) for answer in answers]

    assert asyncio.run(embed_all()) == list(range(1, 9))


def test_bodies_that_are_no_request(openai_url, control):
    def post(content: bytes) -> httpx.Response:
        headers = {"authorization": f"Bearer {control.key}"}
        url = f"{openai_url}/v1/embeddings"
        return httpx.post(url, content=content, headers=headers, trust_env=False)

    for content in (b"", b"[]", b"{", b"\xff", b'{"model": 3}', b'{"input": "\\ud800"}'):
        answer = post(content)
        assert answer.status_code == 400, content
        assert answer.json()["error"]["type"] == "invalid_request_error"
    assert post(b" " * (16 * 1024 * 1024 + 1)).status_code == 413
    assert [entry.inputs for entry in control.journal()] == [()] * 7
