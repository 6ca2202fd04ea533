"""3.6: `GET /search` ranks by meaning, in bounds, and says when it cannot."""

from __future__ import annotations

import json
import threading
import time
from typing import Any

import httpx
import numpy as np
import pytest

from bootcamp.providers.faults import Fault
from bootcamp.samples.documents import document
from tests.week03.conftest import Api, poll, serving

PAGES = (
    "The lighthouse keeper trims the lamp every evening before the storm arrives.",
    "Quarterly invoices are archived by the accounting department in Warsaw.",
    "Photosynthesis turns sunlight, water and carbon dioxide into sugar.",
)


def vector_of(numbers: list[float]) -> str:
    """The provider's answer to one text."""
    return json.dumps({"object": "list", "data": [{"index": 0, "embedding": numbers}]})


@pytest.fixture(scope="module")
def library(api: Api) -> Api:
    assert api.http.get("/search", params={"q": "anything"}).json()["results"] == []
    made = document("pdf", PAGES, "library")
    done = api.finished(api.upload(made.name, made.content))
    assert done["status"] == "completed", done
    return api


@pytest.mark.parametrize(
    ("question", "page"),
    [
        ("who trims the lamp of the lighthouse?", 1),
        ("where are invoices archived", 2),
        ("sunlight into sugar", 3),
    ],
)
def test_the_right_page_comes_first(library, question, page):
    results = library.search(question)
    assert results[0]["page"] == page
    assert results[0]["filename"] == "library.pdf"
    assert results[0]["text"].split() == PAGES[page - 1].split()
    assert set(results[0]) == {"document_id", "filename", "page", "text", "score"}


def test_scores_are_cosine_similarities_in_order(library):
    question = "invoices about the storm"
    results = library.search(question, limit=3)
    scores = [result["score"] for result in results]
    assert scores == sorted(scores, reverse=True)
    vectors = embeddings(library, [question, *[result["text"] for result in results]])
    cosines = vectors[1:] @ vectors[0]
    assert np.allclose(scores, cosines, atol=1e-4)


def embeddings(api: Api, texts: list[str]) -> np.ndarray:
    environment = api.run.environment()
    answer = httpx.post(
        f"{environment['OPENAI_BASE_URL']}/embeddings",
        headers={"Authorization": f"Bearer {environment['OPENAI_API_KEY']}"},
        json={"model": "text-embedding-3-small", "input": texts},
        trust_env=False,
    )
    return np.array([item["embedding"] for item in answer.json()["data"]])


def test_the_question_comes_back_and_the_limit_holds(library):
    answer = library.http.get("/search", params={"q": "  lamp ", "limit": 2}).json()
    assert answer["query"] == "lamp"
    assert len(answer["results"]) == 2


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"q": ""},
        {"q": " \t"},
        {"q": "x" * 2_001},
        {"q": "x", "limit": 0},
        {"q": "x", "limit": 51},
        {"q": "x", "limit": "many"},
    ],
)
def test_bad_questions_are_refused(library, params):
    assert library.http.get("/search", params=params).status_code == 422


def test_sql_in_a_question_is_text(library):
    assert len(library.search("'; DROP TABLE chunks; --\0")) == 3
    assert len(library.search("lamp")) == 3


@pytest.mark.parametrize(
    "fault",
    [
        Fault.status(429, retry_after=1),
        Fault.status(500),
        Fault.drop(),
        Fault.timeout(),
        Fault.garbage(),
        Fault.status(200, body='{"data": []}'),
        Fault.status(200, body=vector_of([0.1] * 3_072)),
        Fault.status(200, body=vector_of([])),
        Fault.status(200, body=vector_of([float("nan")] * 1_536)),
    ],
)
def test_a_provider_that_is_away_is_a_503_and_others_are_served(library, fault):
    library.run.openai.script(fault)
    answers: list[httpx.Response] = []

    def ask() -> None:
        answers.append(httpx.get(url, params={"q": "lamp"}, timeout=30, trust_env=False))

    url = f"{library.http.base_url}/search"
    thread = threading.Thread(target=ask)
    started = time.monotonic()
    thread.start()
    assert library.http.get("/health").status_code == 200
    thread.join()
    [answer] = answers
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert answer.json()["type"] == "search_unavailable"
    assert time.monotonic() - started < 20
    assert library.search("lamp")[0]["page"] == 1


def test_a_database_that_is_away_is_a_503(run, tmp_path):
    with serving(run, tmp_path) as api:
        with run.postgres_outage():
            started = time.monotonic()
            answer = api.http.get("/search", params={"q": "lamp"})
            assert answer.status_code == 503
            assert int(answer.headers["Retry-After"]) > 0
            assert run.id not in answer.text
            assert time.monotonic() - started < 20
        answers = poll(lambda: found(api.http.get("/search", params={"q": "lamp"})))
        assert answers == []


def found(answer: httpx.Response) -> list[Any] | None:
    """The results, once the API has its database back."""
    return answer.json()["results"] if answer.status_code == 200 else None
