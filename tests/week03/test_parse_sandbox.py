"""Invariant 9: whatever a file does to its parser, the process that asked lives on, in bounds."""

from __future__ import annotations

import io
import textwrap
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import psutil
import pytest

from pipeline.errors import PermanentError
from pipeline.steps import errors
from pipeline.steps.limits import ParseLimits
from pipeline.steps.parse import PLAIN
from pipeline.steps.sandbox import ParseSettings, parse_in_child
from tests.samples import hostile
from tests.week03.measuring import MIB, TIGHT, parse_and_measure


@pytest.mark.parametrize("name", hostile.ALL)
def test_every_hostile_file_ends_in_pages_or_a_typed_error(name):
    started = time.monotonic()
    # A fresh process: a fork of ours would count our own memory as its child's peak.
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as fresh:
        text, peak = fresh.submit(parse_and_measure, name).result(timeout=60)
    assert text and "root:" not in text
    assert time.monotonic() - started < 60
    assert 0 < peak < TIGHT.memory_bytes


BEHAVIOURS = {
    "crash": ("import ctypes; ctypes.string_at(0)", errors.ParserDied),
    "exit": ("import os; os._exit(0)", errors.ParserDied),
    "quit": ("raise SystemExit(0)", errors.ParserDied),
    "loop": ("while True: pass", errors.DocumentTooSlow),
    "sleep": ("import time; time.sleep(600)", errors.DocumentTooSlow),
    "deaf": (
        "import signal, time\nsignal.signal(signal.SIGALRM, signal.SIG_IGN)\ntime.sleep(600)",
        errors.DocumentTooSlow,
    ),
    "memory": ("hoard = [bytearray(1 << 20) for _ in range(1 << 20)]", errors.DocumentTooLarge),
    "flood": ("return [{'number': 1, 'text': 'x' * (1 << 24)}]", errors.ParserDied),
    "noise": ("import sys\nwhile True: sys.stderr.write('x' * 65536)", errors.ParserDied),
    "recursion": ("return parse_document(data, content_type, limits)", errors.DamagedDocument),
    "library error": ("raise KeyError('/Root')", errors.DamagedDocument),
    "no pages": ("return [{'number': 'one', 'text': 1}]", errors.ParserDied),
    "foreign answer": (
        'import os; os.write(1, b\'{"error": "PermanentError", "message": ""}\'); os._exit(0)',
        errors.ParserDied,
    ),
}


@pytest.fixture
def parser(tmp_path, monkeypatch):
    """Replaces the parser that the child runs by the given lines."""

    def replace(lines: str) -> None:
        steps = tmp_path / "pipeline" / "steps"
        steps.mkdir(parents=True)
        body = textwrap.indent(lines, "    ")
        (steps / "parse.py").write_text(
            f"def parse_document(data, content_type, limits):\n{body}\n"
        )
        monkeypatch.syspath_prepend(str(tmp_path))

    return replace


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_every_way_to_misbehave_has_a_permanent_error(parser, name):
    lines, kind = BEHAVIOURS[name]
    parser(lines)
    # Filling the memory costs up to a second of processor time by itself on a slow machine.
    seconds = 5 if name == "memory" else 1
    limits = ParseLimits(
        memory_bytes=512 * MIB,
        cpu_seconds=seconds,
        wall_seconds=3 * seconds,
        answer_bytes=2 * MIB,
    )
    before = set(psutil.Process().children())
    with pytest.raises(kind) as caught:
        parse_in_child(io.BytesIO(b"x"), PLAIN, limits)
    assert isinstance(caught.value, PermanentError)
    assert set(psutil.Process().children()) <= before


def test_the_child_sees_no_secret_and_no_open_file(parser, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    parser(
        "import os, json\n"
        "from pathlib import Path\n"
        "fds = sorted(int(p.name) for p in Path('/dev/fd').iterdir())\n"
        "return [{'number': 1, 'text': json.dumps([sorted(os.environ), fds])}]"
    )
    [page] = parse_in_child(io.BytesIO(b"x"), PLAIN)
    assert "OPENAI" not in page["text"]
    assert "PYTHONPATH" in page["text"]
    assert "[0, 1, 2, 3]" in page["text"]  # 3 is the folder that is being listed


def test_a_file_over_the_limit_is_not_even_copied():
    with pytest.raises(errors.DocumentTooLarge):
        parse_in_child(io.BytesIO(b"x" * 2_000), PLAIN, ParseLimits(document_bytes=1_000))


def test_limits_come_from_the_environment(monkeypatch):
    monkeypatch.setenv("PARSE_LIMITS__PAGES", "7")
    limits = ParseSettings().parse_limits
    assert limits == ParseLimits(pages=7)


def test_a_good_file_comes_through():
    assert parse_in_child(io.BytesIO("naïve\x0c灯台".encode()), PLAIN) == [
        {"number": 1, "text": "naïve"},
        {"number": 2, "text": "灯台"},
    ]
