"""Twenty texts in twenty requests, and in one, to a service that is a tenth of a second away."""

import time
from collections.abc import Callable

from local import local_services
from openai import OpenAI

from bootcamp.providers import Fault
from bootcamp.stack import Run

MODEL = "text-embedding-3-small"
TEXTS = [f"Ship number {number} entered the harbour." for number in range(20)]


def one_by_one(client: OpenAI) -> None:
    for text in TEXTS:
        client.embeddings.create(model=MODEL, input=text)


def all_at_once(client: OpenAI) -> None:
    client.embeddings.create(model=MODEL, input=TEXTS)


def measure(run: Run, embed: Callable[[OpenAI], None]) -> str:
    """Seconds, requests and tokens: the last two from the service's own records."""
    client = OpenAI()
    client.embeddings.create(model=MODEL, input="warm up")
    run.openai.clear()
    run.openai.script(Fault.slow(0.1, times=None))
    start = time.perf_counter()
    embed(client)
    seconds = time.perf_counter() - start
    journal = run.openai.journal()
    tokens = sum(entry.tokens for entry in journal)
    return f"{seconds:.1f} s, requests: {len(journal)}, tokens: {tokens}"


def main() -> None:
    with local_services() as run:
        print("one by one: ", measure(run, one_by_one))
        print("all at once:", measure(run, all_at_once))


if __name__ == "__main__":
    main()
