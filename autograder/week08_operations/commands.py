"""The commands that Redis runs, word by word, so that one of them can be sent again."""

from __future__ import annotations

import ast
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from autograder.sdk import Run, broker

WORD = re.compile(rb'"((?:[^"\\]|\\.)*)"')
"""A word as MONITOR writes it: in quotes, with the escapes of a text of Python."""
IN_SCRIPT = re.compile(rb"\[\d+ lua\]")
SCRIPTS = ("EVAL", "EVALSHA", "FCALL")


@dataclass(frozen=True)
class Command:
    """One command."""

    words: tuple[bytes, ...]
    in_script: bool
    """Whether a script ran it."""

    @property
    def name(self) -> str:
        """Its first word in upper case."""
        return self.words[0].decode(errors="replace").upper() if self.words else ""

    @property
    def options(self) -> set[bytes]:
        """All of its words in upper case."""
        return {one.upper() for one in self.words}

    @property
    def is_script(self) -> bool:
        return self.name in SCRIPTS

    def is_about(self, key: str) -> bool:
        """Whether one of its words contains this text."""
        return any(key.encode() in one for one in self.words)

    def __str__(self) -> str:
        return b" ".join(self.words).decode(errors="replace")


def read(line: bytes) -> Command:
    """Read a line of MONITOR. What is hostile in it stays in its words."""
    words = [ast.literal_eval(f'b"{one.decode("ascii")}"') for one in WORD.findall(line)]
    return Command(tuple(words), IN_SCRIPT.search(line.partition(b'"')[0]) is not None)


@contextmanager
def recorded(run: Run, wanted: Callable[[Command], bool]) -> Iterator[list[Command]]:
    """Collect those commands, of all clients and of scripts, that Redis runs inside the block."""
    seen: list[Command] = []
    mark = f"end-{time.monotonic()}"
    client: Any = broker.database(run, broker.BROKER)
    with client, client.monitor() as monitor:

        def listen() -> None:
            while True:
                line = monitor.connection.read_response(disable_decoding=True)
                one = read(line if isinstance(line, bytes) else str(line).encode())
                if mark.encode() in one.words:
                    return
                if wanted(one):
                    seen.append(one)

        thread = threading.Thread(target=listen, daemon=True)
        thread.start()
        yield seen
        with broker.database(run, broker.BROKER) as other:
            other.echo(mark)
        thread.join(10)
