"""Prints the bytes of a stream as they come: server-sent events are lines of text."""

from collections.abc import AsyncIterator

import httpx
from browser import serving
from fastapi import FastAPI
from fastapi.sse import EventSourceResponse, ServerSentEvent

app = FastAPI()


@app.get("/reports/events", response_class=EventSourceResponse)
async def events() -> AsyncIterator[ServerSentEvent]:
    yield ServerSentEvent(comment="reports", retry=2000)
    yield ServerSentEvent(event="report", data={"name": "a.pdf", "status": "failed"}, id="41")
    yield ServerSentEvent(event="report", raw_data='{"name": "b.pdf"}', id="42")
    yield ServerSentEvent(event="heartbeat", data={})


def main() -> None:
    with serving(app) as address:
        answer = httpx.get(f"{address}/reports/events", trust_env=False)
        print(answer.headers["content-type"])
        print(answer.text.rstrip())


if __name__ == "__main__":
    main()
