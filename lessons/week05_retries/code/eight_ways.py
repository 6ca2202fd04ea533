"""Eight ways in which a call fails: what the client raises, and what the same call does later."""

from local import local_services
from openai import APIStatusError, OpenAI

from bootcamp.providers import Fault

MODEL = "text-embedding-3-small"
PASSING = {
    "too busy": Fault.status(503),
    "too many requests": Fault.status(429),
    "no answer in time": Fault.timeout(),
    "connection cut": Fault.drop(),
}
"""Scripted to happen once."""
STAYING = {
    "no money left": Fault.quota(times=None),
    "wrong key": Fault.status(401, times=None),
    "not allowed": Fault.status(403, times=None),
}
"""Scripted to happen until somebody acts."""


def ask(client: OpenAI, text: str) -> str:
    """Ask for one vector, and tell what came of it."""
    try:
        client.embeddings.create(model=MODEL, input=text)
    except APIStatusError as error:
        code = error.code if isinstance(error.code, str) else "-"
        return f"{type(error).__name__} {error.status_code} {code}"
    except Exception as error:
        return type(error).__name__
    return "fine"


def main() -> None:
    with local_services() as run:
        client = OpenAI(max_retries=0, timeout=2)
        client.models.list()  # the first request of a process is the slowest
        for name, fault in {**PASSING, **STAYING}.items():
            run.openai.script(fault)
            print(f"{name}: {ask(client, 'harbour')}; again: {ask(client, 'harbour')}")
            run.openai.clear()
        print(f"an empty text: {ask(client, '')}; again: {ask(client, '')}")


if __name__ == "__main__":
    main()
