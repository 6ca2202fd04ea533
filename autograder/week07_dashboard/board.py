"""The page in a browser, with the answers of the API given by the check.

Everything on the page is found by its role and its accessible name, as the homework page lists them. What
comes back from the page is a stranger's: text is text, and a value of another kind counts as wrong.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote, urlsplit

from autograder.sdk import fail, until
from autograder.sdk.jobs_table import new_id
from autograder.week07_dashboard.beside import Beside

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page, Route

SECONDS = 20.0
"""How long the page may take to show something. It takes a moment."""
LOOK_MS = 10
REQUEST_MS, ANSWER_MS = 120, 40
"""With the real API: a request that the page has sent is noted long before the first, and the answer is in
the page before the second."""
PROBE = "/dashboard/probe"
PROBES = 2
"""An answer is read in two tasks of the page, its head and its body, and a probe waits for one."""
API_PATHS = re.compile(r"/(jobs|events|stats|search|documents|dead-letters)(/|\?|$)")
PROBLEMS_SHOWN = 3

POLLING_ONLY = """
export class Live {
  open() {}
  close() {}
}
export const switching = () => ({ up() {}, down() {} });
"""
"""`live.js` of a page whose stream never opens: what the other items show must not depend on 7.3."""

EMPTY_PAGE = """<!doctype html><html lang="en"><title>Empty</title>
<script type="module" src="/dashboard/{script}"></script><body></body></html>"""

View = dict[str, Any]


def view(rng: Random, status: str = "pending", age: float | None = None, **more: Any) -> View:
    """A job as the API describes it. `age` is in seconds; `name`, `step` and `percent` are short cuts."""
    job_id = new_id(rng)
    name = more.pop("name", f"{''.join(rng.choices('abcdefghij', k=9))}.txt")
    created = datetime.now(UTC) - timedelta(seconds=rng.uniform(60, 600) if age is None else age)
    text = created.isoformat().replace("+00:00", "Z")
    step, percent = more.pop("step", None), more.pop("percent", 0)
    return {
        "job_id": job_id,
        "status": status,
        "document": {
            "document_id": job_id,
            "blob_key": "uploads/ab12",
            "filename": name,
            "content_type": "text/plain",
        },
        "progress": {"step": step, "percent": percent},
        "steps": [],
        "deliveries": 1,
        "created_at": text,
        "updated_at": text,
        "finished_at": None,
        "expires_at": None,
        "revision": 1,
        "result": None,
        "error": None,
        **more,
    }


def name_of(job: View) -> str:
    """The document's name, by which the page names a job."""
    return str(job["document"]["filename"])


def newer(job: View, status: str, percent: int | None = None, **more: Any) -> View:
    """The same job after another write."""
    progress = dict(job["progress"])
    progress["percent"] = progress["percent"] if percent is None else percent
    progress["step"] = more.pop("step", progress["step"])
    revision = job["revision"] + 1
    return {**job, "status": status, "progress": progress, "revision": revision, **more}


@dataclass(frozen=True)
class Asked:
    """A request of the page to the API."""

    method: str
    path: str
    query: str


class Board:
    """An open page.

    Attributes:
        jobs: what `GET /jobs` answers, in any order.
        stream: the body of `GET /events`; None: 503, so that the page polls.
        answers: answers by method and path, before all others: a status and JSON.
        asked: the requests of the page to the API, in order.
    """

    def __init__(self, page: Page, url: str, jobs: list[Any]) -> None:
        self.page = page
        self.url = url
        self.jobs: list[View] = jobs
        self.stream: str | None = None
        self.answers: dict[tuple[str, str], tuple[int, Any]] = {}
        self.asked: list[Asked] = []
        self.problems: list[str] = []
        self.held: list[Route] | None = None
        """Requests for the jobs that wait for their answer, while this is a list."""
        self._live = False
        self._beside = Beside(page)
        page.on("pageerror", self._problem)
        page.route(API_PATHS, self._answer)
        page.route("**/dashboard/live.js", self._without_stream)
        page.route(f"**{PROBE}", lambda route: route.fulfill(body="here"))

    def go(self) -> Board:
        """Open the page. `run` makes its time go faster."""
        self.page.clock.install()
        self._open(self.url)
        return self

    def go_beside(self, script: str) -> Board:
        """Open an empty page of the same server with one script, to call functions of it."""
        address = f"{self.url}/dashboard/beside"
        body = EMPTY_PAGE.format(script=script)
        self.page.route(address, lambda it: it.fulfill(content_type="text/html", body=body))
        self._open(address)
        return self

    def _open(self, address: str) -> None:
        self._world = None  # it belongs to a document
        self.page.goto(address, wait_until="load")

    def resize(self, width: int, scale: int = 1) -> Board:
        """Give the page a screen of this width, with so many pixels for one of CSS."""
        size = {"width": width, "height": 700, "deviceScaleFactor": scale, "mobile": False}
        self._beside.devtools().send("Emulation.setDeviceMetricsOverride", size)
        return self

    def with_stream(self) -> Board:
        """Let the page have its own `live.js`. Without this call it only polls."""
        self.page.unroute("**/dashboard/live.js", self._without_stream)
        return self

    def live(self) -> Board:
        """Let the page talk to the real API from now on."""
        self.with_stream()
        self.page.unroute(API_PATHS, self._answer)
        self.page.on("request", self._note)
        self._live = True
        return self

    def prefer(self, scheme: Literal["light", "dark"]) -> Board:
        """Let the system be light or dark, and without motion."""
        self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        return self

    def leave(self) -> None:
        """Give the page back as it was."""
        self.page.remove_listener("pageerror", self._problem)
        self.page.emulate_media(color_scheme="light", reduced_motion="no-preference")
        if self._live:
            self.page.remove_listener("request", self._note)
        self._beside.close()

    def _problem(self, error: object) -> None:
        self.problems.append(str(error)[:300])

    def _without_stream(self, route: Route) -> None:
        route.fulfill(content_type="text/javascript", body=POLLING_ONLY)

    def _note(self, request: Any) -> None:
        parts = urlsplit(request.url)
        if API_PATHS.search(request.url.removeprefix(self.url)):
            self.asked.append(Asked(request.method, unquote(parts.path), parts.query))

    def _answer(self, route: Route) -> None:
        request, parts = route.request, urlsplit(route.request.url)
        path = unquote(parts.path)
        self.asked.append(Asked(request.method, path, parts.query))
        status, body = self._said(request.method, path)
        if path == "/events" and self.stream is not None:
            route.fulfill(status=200, content_type="text/event-stream", body=self.stream)
        elif path == "/jobs" and self.held is not None:
            self.held.append(route)
        else:
            route.fulfill(status=status, content_type="application/json", body=json.dumps(body))

    def _said(self, method: str, path: str) -> tuple[int, Any]:
        if (method, path) in self.answers:
            return self.answers[method, path]
        if (method, path) == ("GET", "/jobs"):
            jobs = sorted(self.jobs, key=lambda one: str(one["created_at"]), reverse=True)
            return 200, {"jobs": jobs, "next_cursor": None}
        return 503, {"type": "unavailable", "detail": "Not now."}

    # -- time -----------------------------------------------------------------------------------

    def run(self, seconds: float) -> None:
        """Let time go by for the page, in a moment: its timers run."""
        self.page.clock.run_for(round(seconds * 1000))
        self.settle()

    def settle(self) -> None:
        """Let the requests arrive that are on their way, and then their answers.

        Requests of a page arrive in their order. So where a probe has its answer, those before have theirs.
        """
        asked = -1
        while asked < len(self.asked):
            asked = len(self.asked)
            for _ in range(PROBES):
                self.look(f"fetch('{PROBE}').then((answer) => answer.text())")
            if self._live:
                self._wait_for_api()

    def _wait_for_api(self) -> None:
        asked, waited = len(self.asked), 0
        while waited < REQUEST_MS:
            self.page.wait_for_timeout(LOOK_MS)
            waited += LOOK_MS
            if len(self.asked) > asked:
                asked, waited = len(self.asked), REQUEST_MS - ANSWER_MS

    def until(self, probe: Callable[[], Any], seconds: float = SECONDS) -> Any:
        """What `probe` says, once that is true; None if it never is."""

        def look() -> Any:
            if not (found := probe()):
                self.page.wait_for_timeout(LOOK_MS)  # a page lives on only while Playwright waits
            return found

        return until(look, seconds)

    def count(self, method: str, path: str) -> int:
        """How many requests there were."""
        return sum(one.method == method and one.path == path for one in self.asked)

    # -- what is on the page ----------------------------------------------------------------------

    def card(self, name: str) -> Locator:
        """The card of a document."""
        return self.page.get_by_role("article", name=name, exact=True)

    def text(self, place: Locator) -> str:
        """What somebody sees there, in one line; "" if there is no such place."""
        if place.count() != 1:
            return ""
        return " ".join(str(place.inner_text()).split())

    def connection(self) -> str:
        """What the page says of the connection."""
        return self.text(self.page.get_by_role("status", name="Connection"))

    def call(self, script: str, argument: Any = None) -> Any:
        """The value of a function of JavaScript, which the page computes."""
        return self.page.evaluate(script, argument)

    def look(self, expression: str) -> Any:
        """The value of an expression on the page's document, beside the page's own scripts."""
        return self._beside.look(expression)

    def look_at(self, role: str, name: str, function: str) -> Any:
        """The value of a function of one element, beside the page's own scripts. None: no such element.

        `Locator.evaluate` runs in the page's own world, where the page may have replaced what is looked at.
        """
        return self._beside.look_at(role, name, function)

    def look_at_card(self, name: str, function: str) -> Any:
        """The value of a function of a document's card, beside the page's own scripts."""
        return self._beside.look_at("article", name, function)

    def must(
        self, sent: str, expected: str, probe: Callable[[], Any], got: Callable[[], Any], cause: str
    ) -> Any:
        """Wait until `probe` is true. Never: a card, with what `got` says."""
        found = self.until(probe)
        if not found:
            self.fail(sent, expected, got(), cause)
        return found

    def fail(self, sent: str, expected: str, got: Any, cause: str) -> None:
        """End the test, with the errors of the page's scripts on the card."""
        log = tuple(dict.fromkeys(self.problems))[:PROBLEMS_SHOWN]
        fail(sent=sent, expected=expected, got=got, cause=cause, log=log)
