"""Code that a merge broke: it does not parse, or it uses names that are gone."""

from __future__ import annotations

import ast
import json
import subprocess
import sys

from autograder.validation.patch_file import Files

UNDEFINED_NAME = "F821"


def broken(after: Files, today: Files) -> tuple[str, int, str] | None:
    """Return file, line and reason of the first fault that today's solution does not have."""
    for name, text in after.items():
        if not name.endswith(".py"):
            continue
        try:
            ast.parse(text)
        except SyntaxError as error:
            return name, error.lineno or 1, f"the merged file does not parse: {error.msg}"
        known = {message for _, message in undefined_names(today.get(name, ""))}
        for line, message in undefined_names(text):
            if message not in known:
                return name, line, f"{message}: it is gone from the solution"
    return None


def undefined_names(text: str) -> list[tuple[int, str]]:
    """Lines and messages of names that nothing defines, as ruff finds them."""
    done = subprocess.run(
        [sys.executable, "-m", "ruff", "check", "--isolated", "--select", UNDEFINED_NAME,
         "--output-format", "json", "-"],
        input=text.encode(),
        capture_output=True,
        check=False,
    )  # fmt: skip
    found = json.loads(done.stdout or b"[]")
    return [
        (one["location"]["row"], one["message"]) for one in found if one["code"] == UNDEFINED_NAME
    ]
