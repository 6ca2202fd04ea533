"""Opens a page that polls with `poller.js`. The server fails twice, and then the report is done."""

import time
from itertools import pairwise

from browser import FOLDER, new_page, serving, until
from fastapi import FastAPI
from fastapi.responses import HTMLResponse, JSONResponse, Response

ANSWERS = ["pending", "processing", None, None, "processing", "completed"]
"""What the server says, one after the other. None: it is away, and answers with 503."""
PAGE = "<!doctype html><ol id='seen'></ol><script type='module' src='/poller.js'></script>"

app = FastAPI()
asked_at: list[float] = []


@app.get("/")
def page() -> HTMLResponse:
    return HTMLResponse(PAGE)


@app.get("/poller.js")
def script() -> Response:
    return Response((FOLDER / "poller.js").read_text(), media_type="text/javascript")


@app.get("/reports/7")
async def report() -> JSONResponse:
    asked_at.append(time.monotonic())
    status = ANSWERS[len(asked_at) - 1]
    return JSONResponse({"status": status}, 200 if status else 503)


def main() -> None:
    with serving(app) as address, new_page() as page:
        page.goto(address)
        until(lambda: len(asked_at) == len(ANSWERS))
        time.sleep(1)  # is there another request?
        for line in page.get_by_role("listitem").all_inner_texts():
            print(line)
        waits = [later - earlier for earlier, later in pairwise(asked_at)]
        print("waits:", ", ".join(f"{one:.1f} s" for one in waits))
        print(f"requests after the end: {len(asked_at) - len(ANSWERS)}")


if __name__ == "__main__":
    main()
