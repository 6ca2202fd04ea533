"""Week 9.2 as a whole: claims, runs, dead letters and their replay, on real services."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import psycopg
import pytest

from autograder.process.fork_client import Host
from autograder.process.student import Student
from autograder.sdk import made, race
from bootcamp.providers import Fault
from bootcamp.stack import Run
from tests.week09.newsroom import LAYERS

RUN, WORK = "pipeline.news.summary_run", "pipeline.news.summary_work"
LETTERS = "pipeline.news.summary_letters"
LEAST_BUDGET = 60_000

for layer in LAYERS:  # for the tests of functions
    if str(layer.path) not in sys.path:
        sys.path.append(str(layer.path))


@dataclass
class Summariser:
    """A worker's process, and what it works on."""

    run: Run
    code: Student

    def execute(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.run.database_url, autocommit=True) as database:
            cursor = database.execute(statement.encode(), values)
            return cursor.fetchall() if cursor.description else []

    def add(self, title: str, text: str = "The keeper lit the lamp. The tide came in.") -> UUID:
        """Store an article. It was seen after all those before it."""
        [[article_id]] = self.execute(
            "INSERT INTO articles (url, content_hash, title, text, published_at) "
            "VALUES (%s, sha256(%s::text::bytea), %s, %s, now()) RETURNING article_id",
            f"https://harbour.test/{uuid4()}",
            str(uuid4()),
            title,
            text,
        )
        return article_id  # type: ignore[no-any-return]

    def summarise(self) -> int:
        return int(self.code.call(RUN, "summarise_open", timeout=60.0))

    def claim(self, seconds: float = 60.0) -> dict[str, Any] | None:
        return self.code.call(WORK, "claim", seconds)  # type: ignore[no-any-return]

    def work(self, article_id: UUID) -> tuple[int, int, str | None]:
        """Generation, attempts and reason of the article's row."""
        statement = "SELECT generation, attempts, reason FROM summary_work WHERE article_id = %s"
        return self.execute(statement, article_id)[0]  # type: ignore[return-value]

    def summaries(self) -> dict[UUID, tuple[str, list[str], int]]:
        rows = self.execute("SELECT article_id, summary, topics, tokens FROM article_summaries")
        return {row[0]: row[1:] for row in rows}

    def titles(self) -> list[str]:
        """The titles that the model was asked about, in order."""
        chats = self.run.openai.journal("chat")
        return [chat.inputs[1].splitlines()[1] for chat in chats]


Start = Callable[..., Summariser]


@pytest.fixture
def start(run: Run, tmp_path: Path, host: Host) -> Iterator[Start]:
    """Start a worker's process with these settings."""
    started: list[Student] = []

    def begin(**settings: str) -> Summariser:
        folder = tmp_path / f"worker{len(started)}"
        folder.mkdir()
        code = Student(LAYERS, {**run.environment(), **settings}, folder, host)
        started.append(code)
        if len(started) == 1:
            code.await_migration()
        return Summariser(run, code)

    yield begin
    for code in started:
        code.stop()


def spent(tokens: int) -> Fault:
    """A good answer that has used so many tokens."""
    content = json.dumps({"summary": "The lamp was lit.", "topics": ["lamp"]})
    message = {"role": "assistant", "content": content, "refusal": None}
    body = {
        "id": "1",
        "object": "chat.completion",
        "created": 1,
        "model": "gpt-4o-mini",
        "choices": [{"index": 0, "message": message, "finish_reason": "stop"}],
        "usage": {"prompt_tokens": 1, "completion_tokens": 1, "total_tokens": tokens},
    }
    return Fault.status(200, body=json.dumps(body), on="chat")


def test_a_run_summarises_what_is_open(start: Start) -> None:
    desk = start()
    ids = [desk.add(f"Story {number}") for number in range(5)]
    assert desk.summarise() == 5
    stored = desk.summaries()
    assert set(stored) == set(ids)
    used = sum(chat.tokens for chat in desk.run.openai.journal("chat"))
    for summary, topics, tokens in stored.values():
        assert "lamp" in summary and "article>" not in summary
        assert 1 <= len(topics) <= 5 and 0 < tokens < used
    assert desk.summarise() == 0  # nothing is open
    assert len(desk.run.openai.journal("chat")) == 5
    [[length]] = desk.execute("SELECT min(vector_dims(embedding)) FROM article_summaries")
    assert length == 1_536


def test_many_workers_at_once_ask_about_each_article_once(start: Start) -> None:
    desks = [start() for _ in range(3)]
    ids = {desks[0].add(f"Story {number}") for number in range(24)}
    desks[0].run.openai.script(Fault.slow(0.05, on="chat", times=None))
    with ThreadPoolExecutor(3) as pool:
        counts = list(pool.map(Summariser.summarise, desks))
    assert sum(counts) == len(ids) and min(counts) > 0, counts
    titles = desks[0].titles()
    assert len(titles) == len(set(titles)) == len(ids)
    assert set(desks[0].summaries()) == ids
    assert {desks[0].work(one) for one in ids} == {(1, 1, None)}


def test_claims_at_the_same_moment_take_different_articles(start: Start) -> None:
    desk = start()
    for number in range(6):
        desk.add(f"Story {number}")
    answers = race(desk.code, "6 claims", WORK, "claim", [[60.0]] * 6)
    taken = [one.value["article"]["article_id"]["value"] for one in answers if one.value]
    assert len(taken) == len(set(taken)) >= 5  # the last one may lose all of its tries
    while desk.claim():
        pass
    assert desk.execute("SELECT count(*), max(generation) FROM summary_work") == [(6, 1)]


def test_dead_letters_are_listed_and_replayed(start: Start) -> None:
    desk = start()
    bad, unsafe, good = desk.add("Bad story"), desk.add("Hostile story"), desk.add("Good story")
    openai = desk.run.openai
    openai.script(Fault.refusal("I will not.", matching="Bad story", times=2))
    openai.script(Fault.obeyed(matching="Hostile story", times=2))
    assert desk.summarise() == 1
    assert set(desk.summaries()) == {good}
    assert (desk.work(bad)[2], desk.work(unsafe)[2]) == ("refusal", "unsafe")
    assert desk.summarise() == 0  # no run takes a dead letter

    listed = desk.code.call(WORK, "dead_letters")
    assert {one["title"] for one in listed} == {"Bad story", "Hostile story"}
    assert "I will not." in {one["detail"] for one in listed}
    assert len(desk.code.call(WORK, "dead_letters", 1)) == 1

    assert desk.code.call(LETTERS, "main", ["list"]) == 0
    assert desk.code.call(LETTERS, "main", ["replay", str(uuid4())]) == 1
    assert desk.code.call(LETTERS, "main", ["replay", str(bad)]) == 0
    assert desk.code.call(LETTERS, "main", ["replay", str(bad)]) == 1
    assert desk.summarise() == 1
    assert set(desk.summaries()) == {good, bad}
    assert desk.code.call(LETTERS, "main", ["replay", "--all"]) == 0
    assert desk.summarise() == 1
    assert set(desk.summaries()) == {good, bad, unsafe}
    assert desk.code.call(WORK, "dead_letters") == []


def test_a_run_stops_at_its_budget_and_the_next_one_goes_on(start: Start) -> None:
    desk = start(NEWS_TOKEN_BUDGET=str(LEAST_BUDGET))
    first, second = desk.add("Story 1"), desk.add("Story 2")
    desk.run.openai.script(spent(LEAST_BUDGET - 500))
    assert desk.summarise() == 1
    assert set(desk.summaries()) == {first}
    assert desk.work(second) == (1, 0, None)  # given back, without an attempt
    assert desk.titles() == ["Story 1"]
    assert desk.summarise() == 1
    assert set(desk.summaries()) == {first, second}


def test_an_outage_ends_the_run_and_costs_no_attempt(start: Start) -> None:
    desk = start()
    ids = [desk.add(f"Story {number}") for number in range(3)]
    desk.run.openai.script(Fault.status(503, on="chat"))
    assert desk.summarise() == 0
    assert len(desk.run.openai.journal("chat")) == 1
    assert desk.work(ids[0]) == (1, 0, None)
    assert desk.summarise() == 3


def test_an_article_that_always_fails_does_not_hold_up_the_others(start: Start) -> None:
    desk = start()
    poison = desk.add("Poison")
    others = {desk.add(f"Story {number}") for number in range(3)}
    desk.run.openai.script(Fault.status(500, on="chat", matching="Poison", times=None))
    assert desk.summarise() == 0
    assert desk.summarise() == 3  # those that nobody has tried come first
    assert set(desk.summaries()) == others
    assert desk.summarise() == 0
    assert desk.work(poison)[1:] == (0, None)


@pytest.mark.parametrize(
    "fault", [Fault.status(503, on="embeddings"), Fault.garbage(on="embeddings")]
)
def test_a_summary_without_an_embedding_is_not_stored(start: Start, fault: Fault) -> None:
    desk = start()
    ids = [desk.add(f"Story {number}") for number in range(2)]
    desk.run.openai.script(fault)
    assert desk.summarise() == 0
    assert desk.summaries() == {}
    assert desk.work(ids[0])[1:] == (0, None)
    assert desk.titles() == ["Story 0"]
    assert desk.summarise() == 2


def test_a_late_worker_writes_nothing(start: Start) -> None:
    """Its lease has ended, and another worker has claimed the article."""
    desk = start()
    article_id = desk.add("Story")
    assert desk.claim(0.05)["generation"] == 1
    time.sleep(0.1)
    assert desk.claim(60.0)["generation"] == 2
    theirs = made("uuid", "UUID", str(article_id))
    assert desk.code.call(WORK, "release", theirs, 1) is False
    reason = made("pipeline.news.models_summary", "Reason", "refusal")
    assert desk.code.call(WORK, "dead_letter", theirs, 1, reason, "late") is False
    assert desk.work(article_id) == (2, 2, None)
    assert desk.claim() is None  # it belongs to the second worker
    assert desk.code.call(WORK, "release", theirs, 2) is True
    assert desk.claim()["generation"] == 3


def test_a_run_whose_claim_is_lost_stores_nothing(start: Start) -> None:
    """The model answers after the lease has ended, and another worker has taken the article."""
    slow = start(NEWS_SUMMARY_LEASE_SECONDS="0.2")
    other = start()
    article_id = slow.add("Story")
    slow.run.openai.script(Fault.slow(2.0, on="chat"))
    with ThreadPoolExecutor(1) as pool:
        late = pool.submit(slow.summarise)
        while not slow.run.openai.journal("chat"):
            time.sleep(0.02)
        time.sleep(0.3)
        assert other.claim(60.0) is not None
        assert late.result() == 0
    assert slow.summaries() == {}
    assert slow.work(article_id) == (2, 2, None)


def test_an_article_that_kills_its_workers_becomes_a_dead_letter(start: Start) -> None:
    desk = start()
    article_id = desk.add("Story")
    for attempt in range(1, 4):
        assert desk.claim(0.0)["attempts"] == attempt  # the worker dies here
    assert desk.summarise() == 0
    assert desk.work(article_id)[1:] == (4, "crashed")
    assert desk.titles() == []
    assert desk.code.call(WORK, "replay") == 1
    assert desk.summarise() == 1


def test_a_run_takes_a_limited_number_of_articles(start: Start) -> None:
    desk = start(NEWS_SUMMARY_ARTICLES="2")
    for number in range(3):
        desk.add(f"Story {number}")
    assert [desk.summarise() for _ in range(3)] == [2, 1, 0]
    assert desk.titles() == ["Story 0", "Story 1", "Story 2"]


def test_a_hostile_title_and_detail_can_be_listed(start: Start) -> None:
    desk = start()
    article_id = made("uuid", "UUID", str(desk.add("Story\x1b[2J\n")))
    generation = desk.claim()["generation"]
    reason = made("pipeline.news.models_summary", "Reason", "refusal")
    assert desk.code.call(WORK, "dead_letter", article_id, generation, reason, "a\0b\x07") is True
    [letter] = desk.code.call(WORK, "dead_letters")
    assert letter["detail"] == "a\N{REPLACEMENT CHARACTER}b\x07"
    assert desk.code.call(LETTERS, "main", ["list"]) == 0


def test_what_the_settings_promise() -> None:
    from pipeline.news import summary_settings as given
    from pipeline.news.models_summary import Draft

    form = given.RESPONSE_FORMAT["json_schema"]
    assert set(form["schema"]["properties"]) == set(Draft.model_fields)  # type: ignore[call-overload]
    longest = given.MAX_TITLE_CHARS + given.MAX_TEXT_CHARS + 50
    messages: given.Messages = [
        {"role": "system", "content": given.INSTRUCTIONS},
        {"role": "user", "content": "🛟" * longest},
    ]
    # The longest article fits the least budget twice, so no article stops all runs.
    assert given.MAX_REQUESTS * given.estimate_request(messages) <= LEAST_BUDGET
    with pytest.raises(ValueError, match="news_token_budget"):
        given.SummarySettings(news_token_budget=LEAST_BUDGET - 1)
    settings = given.SummarySettings()
    slowest = (given.MAX_REQUESTS + 1) * settings.news_summary_timeout_seconds
    assert settings.news_summary_lease_seconds > slowest + 60  # the embedding's own limit
