"""The built site, once for all tests of this folder."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from importlib.util import find_spec
from pathlib import Path

import pytest

from bootcamp.authoring.make_site import MERMAID, build
from tests.parts import missing

REPOSITORY = "https://code.example/course"


class Quiet(SimpleHTTPRequestHandler):
    """Serves files without a log."""

    def log_message(self, *_: object) -> None:
        return


@pytest.fixture(scope="session")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the built site."""
    if find_spec("zensical") is None:
        missing("The site's generator is missing. Install the extra `site`.")
    if not MERMAID.is_file():
        missing("Mermaid is missing. Run `npm ci --prefix tests/lessons/mermaid`.")
    out = tmp_path_factory.mktemp("site")
    build(out, REPOSITORY)
    return out


@pytest.fixture(scope="session")
def address(site: Path) -> Iterator[str]:
    """The site on a loopback port."""
    handler = partial(Quiet, directory=str(site))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
