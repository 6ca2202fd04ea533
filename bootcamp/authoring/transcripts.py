"""Console blocks of the course's pages: commands, and what they print.

    ```console
    $ python lessons/week01_first_task/code/three_waits.py
    one after another: 3.0 s
    ```

Seconds with a decimal point, numbers after `~`, seeds, ids and times differ from run to run; nothing
else may.
"""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bootcamp import paths
from bootcamp.errors import BootcampError

PROMPT = "$ "
PROGRAM = "python lessons/"
"""How the command of a lesson's own program begins."""
PROGRAM_SECONDS = 240
_VARIES = (
    (re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}"), "<id>"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ][\d:.,]+(\+\d\d:\d\d)?"), "<time>"),
    (re.compile(r"\d+\.\d+ s\b|\d+(\.\d+)? ms\b|~\d+|(?<=seed )\d+"), "<number>"),
)


@dataclass(frozen=True)
class Step:
    """One command of a console block, and the output below it."""

    command: str
    output: str

    @property
    def is_program(self) -> bool:
        """Whether the command runs one of the lessons' own programs."""
        return self.command.startswith(PROGRAM)

    def rerun(self, run: Callable[[str], str]) -> Step:
        """The step with what its program prints now; the old output where only what varies did."""
        if not self.is_program:
            return self
        output = run(self.command)
        return self if masked(output) == masked(self.output) else Step(self.command, output)

    def __str__(self) -> str:
        return f"{PROMPT}{self.command}\n{self.output}"


def steps(text: str) -> list[Step]:
    """The commands of a console block.

    Raises:
        BootcampError: the block does not begin with a command.
    """
    before, *parts = re.split(rf"^{re.escape(PROMPT)}", text, flags=re.MULTILINE)
    if before:
        raise BootcampError(f"A console block begins with `{PROMPT}` and a command: {before!r}")
    found = (part.partition("\n") for part in parts)
    return [Step(command, output) for command, _, output in found]


def masked(text: str) -> str:
    """`text` with a word in place of everything that differs from run to run."""
    for pattern, word in _VARIES:
        text = pattern.sub(word, text)
    return text.strip()


def run_program(command: str, env: Mapping[str, str] = os.environ) -> str:
    """What the program prints, on both streams.

    Raises:
        BootcampError: it did not end with exit code 0.
    """
    _python, *arguments = shlex.split(command)
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=paths.ROOT,
        env={**env, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=PROGRAM_SECONDS,
        check=False,
    )
    if done.returncode:
        raise BootcampError(f"{command} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout
