"""A stream ends, and comes back. Then the server answers 503. What does the browser do?"""

import asyncio
import time
from collections.abc import AsyncIterator

from browser import FOLDER, new_page, serving, until
from fastapi import Depends, FastAPI, HTTPException
from fastapi.responses import HTMLResponse, Response
from fastapi.sse import EventSourceResponse, ServerSentEvent

PAGE = "<!doctype html><ol id='seen'></ol><script src='/states.js'></script>"

app = FastAPI()
attempts = 0


@app.get("/")
def page() -> HTMLResponse:
    return HTMLResponse(PAGE)


@app.get("/states.js")
def script() -> Response:
    return Response((FOLDER / "states.js").read_text(), media_type="text/javascript")


def refuse_the_third() -> None:
    """The third attempt meets a server that has no changes to send."""
    global attempts  # noqa: PLW0603
    attempts += 1
    if attempts == 3:
        raise HTTPException(503)


@app.get("/events", response_class=EventSourceResponse, dependencies=[Depends(refuse_the_third)])
async def events() -> AsyncIterator[ServerSentEvent]:
    """Each stream ends after a moment, as in a deployment."""
    yield ServerSentEvent(event="hello", data="", retry=200)
    await asyncio.sleep(0.2)


def main() -> None:
    with serving(app) as address, new_page() as page:
        page.goto(address)
        until(lambda: attempts == 3)
        time.sleep(1)  # is there a fourth attempt?
        for line in page.get_by_role("listitem").all_inner_texts():
            print(line)
        print(f"attempts: {attempts}")


if __name__ == "__main__":
    main()
