"""7.0, the first green: a browser hears one event.

What a submission could fake:
- counts: nothing is counted.
- witness: the response over HTTP.
- place: the name is random.
- store: only the response counts.
- probe: none.
"""

from __future__ import annotations

from random import Random

import pytest

from autograder.sdk import Api, fail
from autograder.sdk.api_log import traceback_in

pytestmark = pytest.mark.item("7.0")


def test_hello(api: Api, rng: Random) -> None:
    """a: the event has the type `hello`, and the greeting is its data."""
    name = "".join(rng.choices("abcdefghij", k=7)).title()
    answer = api.get("/hello", params={"name": name})
    lines = set(answer.text.splitlines())
    wanted = {"event: hello", f'data: "Hello, {name}!"'}
    if answer.status_code != 200 or not wanted <= lines:
        fail(
            sent=f"GET /hello?name={name}",
            expected=f"the event hello with the text Hello, {name}! as its data",
            got=f"{answer.status_code} {answer.text[:300]!r}",
            cause="`ServerSentEvent` takes the type as `event` and the greeting as `data`",
            log=traceback_in(api.logs()) if not answer.text else (),
        )
