"""Calls the grader's own functions in the student's process, where they use the student's functions.

`probe.py` is sent as text and never imported here. What it returns is the student's word, so each
promise that an upload over HTTP can show is checked there as well.
"""

from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

from autograder.sdk import Student
from autograder.sdk.answers import must_return

NAME = "week02_probe"
PROBE = Path(__file__).with_name("probe.py")
LOAD = """
import sys, types
module = sys.modules[name] = types.ModuleType(name)
exec(compile(source, "probe.py", "exec"), module.__dict__)
"""


def coded(value: Any) -> Any:
    """Return bytes in the form in which a call carries them, and any other value unchanged."""
    if isinstance(value, bytes):
        return {"__type__": "bytes", "value": base64.b64encode(value).decode()}
    return value


class Inside:
    """The functions of `probe.py` in the student's process."""

    def __init__(self, student: Student) -> None:
        self._student = student
        source = PROBE.read_text(encoding="utf-8")
        student.call("builtins", "exec", LOAD, {"name": NAME, "source": source})

    def call(self, sent: str, name: str, *args: Any, **kwargs: Any) -> Any:
        """Call a function of the probe that must not raise. `sent` is what a card says of it."""
        sendable = [coded(one) for one in args]
        return must_return(sent, self._student.ask(NAME, name, *sendable, **kwargs))

    def dict(self, sent: str, name: str, *args: Any, **kwargs: Any) -> dict[str, Any]:
        """Call a function of the probe that returns a dict."""
        value = self.call(sent, name, *args, **kwargs)
        return value if isinstance(value, dict) else {}
