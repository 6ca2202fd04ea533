"""What the programs of this week share: a server in a thread, and a real browser without a window."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Error, Page, sync_playwright

from bootcamp.stack.browser import find_browser

FOLDER = Path(__file__).parent
FLAGS = ["--no-sandbox"]  # the programs open only their own pages, and CI runs as root
MISSING = "This program needs Chrome, Chromium or Edge. `bootcamp doctor` says how to get one."


@contextmanager
def serving(app: FastAPI, port: int = 0) -> Iterator[str]:
    """Serve an app for the time of the block. Yields its address. Port 0: any free one."""
    config = uvicorn.Config(app, "127.0.0.1", port, log_level="error", lifespan="off")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    until(lambda: server.started)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = server.force_exit = True  # do not wait for open streams
        thread.join()


@contextmanager
def new_page(width: int = 1024) -> Iterator[Page]:
    """An empty page in the browser of this machine."""
    with sync_playwright() as playwright:
        try:
            browser = playwright.chromium.launch(executable_path=find_browser(), args=FLAGS)
        except Error:
            raise SystemExit(MISSING) from None
        yield browser.new_page(viewport={"width": width, "height": 800})
        browser.close()


def until(ready: Callable[[], object], seconds: float = 10) -> None:
    """Wait until something holds. Raises TimeoutError if it does not in time."""
    deadline = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > deadline:
            raise TimeoutError
        time.sleep(0.01)
