"""Three tasks that count the words of a text, and three ways to call them from a fourth."""

import hashlib
import json
import os
import re
from collections import Counter
from pathlib import Path
from typing import Any

from celery import Celery, Task, chain
from redis import Redis

Reference = dict[str, str]


def configuration() -> dict[str, object]:
    """One slot is enough to show what waiting does to it."""
    server = os.environ["REDIS_URL"]
    return {
        "broker_url": f"{server}/0",
        "result_backend": f"{server}/1",
        "worker_concurrency": 1,
    }


app = Celery("wordcount")
app.add_defaults(configuration)


def folder() -> Path:
    """Where artifacts are stored. In the pipeline this is the blob store."""
    return Path(os.environ["ARTIFACTS"])


def key_of(step: str, made_from: str, **parameters: object) -> str:
    """The name of what `step` makes from `made_from`: the same input, the same name."""
    origin = json.dumps([step, made_from, parameters], sort_keys=True)
    return f"{step}-{hashlib.sha256(origin.encode()).hexdigest()[:8]}"


@app.task(name="split")
def split(ref: Reference) -> Reference:
    """Text to words."""
    key = key_of("words", ref["text_key"])
    text = (folder() / ref["text_key"]).read_text(encoding="utf-8")
    (folder() / key).write_text(json.dumps(re.findall(r"\w+", text.lower())), encoding="utf-8")
    Redis.from_url(os.environ["REDIS_URL"], db=2).incr("split")  # how often this work is done
    return {**ref, "words_key": key}


@app.task(name="count")
def count(ref: Reference) -> Reference:
    """Count each word, and store the counts as an artifact."""
    key = key_of("numbers", ref["words_key"])
    words = json.loads((folder() / ref["words_key"]).read_text(encoding="utf-8"))
    (folder() / key).write_text(json.dumps(Counter(words)), encoding="utf-8")
    return {**ref, "numbers_key": key}


@app.task(name="top")
def top(ref: Reference) -> list[str]:
    """The two commonest words."""
    numbers = Counter(json.loads((folder() / ref["numbers_key"]).read_text(encoding="utf-8")))
    return [word for word, _ in numbers.most_common(2)]


def steps(ref: Reference) -> Any:
    """The first task gets `ref`. Each later one gets what the one before it returned."""
    return chain(split.s(ref), count.s(), top.s())


@app.task(name="waits")
def waits(ref: Reference) -> list[str]:
    result: list[str] = steps(ref).apply_async().get(timeout=5)
    return result


@app.task(name="starts_only")
def starts_only(ref: Reference) -> str:
    return str(steps(ref).apply_async().id)


@app.task(bind=True, name="replaces")
def replaces(self: Task, ref: Reference) -> Any:
    return self.replace(steps(ref))
