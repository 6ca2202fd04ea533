"""Eight calls that fail: what the client raises, and whether the same call succeeds later."""

from local import local_services
from openai import APIStatusError, OpenAI

from bootcamp.providers import Fault

MODEL = "text-embedding-3-small"
TRANSIENT = {
    "too busy": Fault.status(503),
    "too many requests": Fault.status(429),
    "no answer in time": Fault.timeout(),
    "connection cut": Fault.drop(),
}
"""Errors that the stand-in shows once."""
PERMANENT = {
    "no money left": Fault.quota(times=None),
    "wrong key": Fault.status(401, times=None),
    "not allowed": Fault.status(403, times=None),
}
"""Errors that the stand-in shows at every call."""


def ask(client: OpenAI, text: str) -> str:
    """Ask for one vector. Return "ok", or the error."""
    try:
        client.embeddings.create(model=MODEL, input=text)
    except APIStatusError as error:
        code = error.code if isinstance(error.code, str) else "-"
        return f"{type(error).__name__} {error.status_code} {code}"
    except Exception as error:
        return type(error).__name__
    return "ok"


def main() -> None:
    with local_services() as run:
        client = OpenAI(max_retries=0, timeout=2)
        client.models.list()  # the first request of a process is the slowest
        for name, fault in {**TRANSIENT, **PERMANENT}.items():
            run.openai.script(fault)
            print(f"{name}: {ask(client, 'harbour')}; again: {ask(client, 'harbour')}")
            run.openai.clear()
        print(f"an empty text: {ask(client, '')}; again: {ask(client, '')}")


if __name__ == "__main__":
    main()
