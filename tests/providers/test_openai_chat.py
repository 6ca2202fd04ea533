"""Chat completions and models by the real `openai` client."""

from __future__ import annotations

import json
from typing import Literal

import openai
import pytest
from pydantic import BaseModel, Field

from bootcamp.providers import Fault

MODEL = "gpt-4o-mini"
ARTICLE = (
    "The harbour of Port Ellary has a new pilot boat. The pilot boat is called Fulmar. "
    "It was a fine day. Pilots of the harbour say that the boat is quick. "
    "Somebody sold ice cream. The boat makes the harbour safer, the pilots say."
)


class Summary(BaseModel):
    title: str
    summary: str
    keywords: list[str] = Field(min_length=2, max_length=4)
    mood: Literal["sad", "quick", "slow"]
    score: float = Field(ge=1)
    note: str | None


def ask(client, text=ARTICLE, **options):
    messages = [
        {"role": "system", "content": "Summarise."},
        {"role": "user", "content": "An earlier question."},
        {"role": "assistant", "content": "An earlier answer."},
        {"role": "user", "content": text},
    ]
    return client.chat.completions.create(model=MODEL, messages=messages, **options)


def test_the_summary_is_made_of_the_texts_own_sentences(client):
    answer = ask(client)
    content = answer.choices[0].message.content
    sentences = [f"{sentence}." for sentence in content.rstrip(".").split(". ")]
    assert 1 <= len(sentences) <= 3
    assert all(sentence in ARTICLE for sentence in sentences)
    assert "ice cream" not in content
    assert answer.choices[0].finish_reason == "stop"
    assert answer.usage.total_tokens == answer.usage.prompt_tokens + answer.usage.completion_tokens
    assert ask(client).choices[0].message.content == content


def test_a_schema_is_followed(client):
    messages = [{"role": "user", "content": [{"type": "text", "text": ARTICLE}]}]
    answer = client.chat.completions.parse(model=MODEL, messages=messages, response_format=Summary)
    parsed = answer.choices[0].message.parsed
    assert parsed.title == "The harbour of Port Ellary has a new pilot boat."
    assert parsed.mood == "quick"
    assert 2 <= len(parsed.keywords) <= 4
    assert "harbour" in parsed.keywords
    assert parsed.score >= 1


def test_a_json_object(client):
    answer = ask(client, response_format={"type": "json_object"})
    assert "harbour" in json.loads(answer.choices[0].message.content)["summary"]


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "string"},
        {"type": "object", "properties": {"a": {"$ref": "#"}}},
        {"type": "object", "properties": {"a": {"$ref": "#/nowhere"}}},
        {"type": "object", "properties": {"a": {"type": "array", "minItems": 10**12}}},
        {"type": "object", "properties": {"a": 7}},
        {"type": "object", "properties": {f"p{i}": {"$ref": "#"} for i in range(50)}},
    ],
)
def test_a_bad_schema_is_refused(client, schema):
    wanted = {"type": "json_schema", "json_schema": {"name": "s", "schema": schema}}
    with pytest.raises(openai.BadRequestError) as caught:
        ask(client, response_format=wanted)
    assert caught.value.param == "response_format"


def test_a_stream_adds_up_to_the_whole(client):
    whole = ask(client).choices[0].message.content
    pieces = list(ask(client, stream=True, stream_options={"include_usage": True}))
    text = "".join(piece.choices[0].delta.content or "" for piece in pieces if piece.choices)
    assert text == whole
    assert pieces[-2].choices[0].finish_reason == "stop"
    assert pieces[-1].usage.completion_tokens > 0


def test_a_stream_can_be_slow(client, control):
    control.script(Fault.slow_body(0.4))
    pieces = list(ask(client, stream=True))
    assert pieces[-1].choices[0].finish_reason == "stop"
    entry = control.journal()[0]
    assert entry.ended - entry.started >= 0.35


def test_a_short_answer_is_cut_and_says_so(client):
    answer = ask(client, max_completion_tokens=3)
    assert answer.choices[0].finish_reason == "length"
    assert answer.usage.completion_tokens == 3


@pytest.mark.parametrize(
    ("given", "error"),
    [
        ({"model": "gpt-0"}, openai.NotFoundError),
        ({"model": "text-embedding-3-small"}, openai.NotFoundError),
        ({"messages": []}, openai.BadRequestError),
        ({"messages": [{"content": "no role"}]}, openai.BadRequestError),
        ({"max_tokens": 0}, openai.BadRequestError),
        ({"messages": [{"role": "user", "content": " fog" * 130_000}]}, openai.BadRequestError),
    ],
)
def test_bad_requests(client, given, error):
    good = {"model": MODEL, "messages": [{"role": "user", "content": "Hello."}]}
    with pytest.raises(error):
        client.chat.completions.create(**{**good, **given})


def test_the_journal_has_every_message(client, control):
    ask(client, "The question.")
    entry = control.journal()[0]
    assert entry.endpoint == "chat"
    assert entry.inputs == (
        "Summarise.",
        "An earlier question.",
        "An earlier answer.",
        "The question.",
    )


def test_models(client):
    names = [model.id for model in client.models.list()]
    assert MODEL in names
    assert "text-embedding-3-small" in names
