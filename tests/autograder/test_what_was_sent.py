"""A card writes a call as a person would."""

from __future__ import annotations

from typing import Any

import pytest

from autograder.process.rpc_client import describe
from autograder.sdk import made

HELLO = {"__type__": "bytes", "value": "aGVsbG8="}


@pytest.mark.parametrize(
    ("args", "kwargs", "said"),
    [
        ([["a", 1]], {}, "steps.run(['a', 1])"),
        ([HELLO], {"key": HELLO}, "steps.run(b'hello', key=b'hello')"),
        ([made("io", "BytesIO", HELLO)], {}, "steps.run(BytesIO(b'hello'))"),
        (
            [made("psycopg", "connect", "postgresql://me:secret@127.0.0.1:1/db", autocommit=True)],
            {},
            "steps.run(connect('postgresql://…', autocommit=True))",
        ),
        (
            [made("x", "Job", made("x", "Status", "new"), age=3)],
            {},
            "steps.run(Job(Status('new'), age=3))",
        ),
    ],
)
def test_arguments(args: list[Any], kwargs: dict[str, Any], said: str) -> None:
    request = {"module": "pipeline.steps", "name": "run", "args": args, "kwargs": kwargs}
    assert describe(request) == said


def test_a_value_and_a_module() -> None:
    assert describe({"module": "pipeline.settings", "name": "LIMIT"}) == "settings.LIMIT"
    assert describe({"module": "pipeline.settings", "name": None}) == "import pipeline.settings"
