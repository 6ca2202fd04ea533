"""The provider is down. Three layers of a program try three times each. How many requests arrive?"""

from collections.abc import Callable

from local import local_services
from openai import APIStatusError, OpenAI

from bootcamp.providers import Fault

TRIES = 3


def thrice(call: Callable[[], None]) -> None:
    """Make a call, and repeat it up to twice after an error."""
    for _ in range(TRIES - 1):
        try:
            return call()
        except APIStatusError:
            pass
    return call()


def all_three(client: OpenAI) -> None:
    """The task tries three times, so does the function that it calls, and so does the client."""
    retrying = client.with_options(max_retries=TRIES - 1)
    thrice(lambda: thrice(lambda: embed(retrying)))


def task_alone(client: OpenAI) -> None:
    """Only the task tries three times."""
    thrice(lambda: embed(client.with_options(max_retries=0)))


def embed(client: OpenAI) -> None:
    client.embeddings.create(model="text-embedding-3-small", input="harbour")


def main() -> None:
    with local_services() as run:
        for layers in (all_three, task_alone):
            # The provider asks for a wait of a millisecond, so the program ends soon.
            run.openai.script(Fault.status(503, times=None, retry_after_ms=1))
            try:
                layers(OpenAI())
            except APIStatusError as error:
                requests = len(run.openai.journal("embeddings"))
                print(
                    f"{layers.__name__ + ':':<11} {requests} requests, and then {error.status_code}"
                )
            run.openai.clear()


if __name__ == "__main__":
    main()
