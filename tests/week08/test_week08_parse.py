"""The fast parser keeps the promises of week 3's: results, limits, errors, and a worker that lives on."""

from __future__ import annotations

import io
import os
import signal
import subprocess
import sys
import textwrap
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import psutil
import pytest

from autograder.process.wait import until
from bootcamp.samples.documents import WORDS, make_docx, make_pdf, words_of
from pipeline.errors import PermanentError
from pipeline.steps import errors, parse_client
from pipeline.steps.fast_parse import parse
from pipeline.steps.limits import ParseLimits
from pipeline.steps.parse import DOCX, PDF, PLAIN
from pipeline.steps.sandbox import parse_in_child
from tests.samples import hostile
from tests.week03.measuring import MIB, TIGHT, content_type
from tests.week03.test_parse_sandbox import BEHAVIOURS


@pytest.fixture(autouse=True)
def own_parent():
    """Each test gets a parent of its own, and leaves none behind."""
    yield
    parse_client.PARENTS.drop()


def parent_process() -> psutil.Process:
    """The parent that this process uses now."""
    [found] = [
        child
        for child in psutil.Process().children()
        if "pipeline.steps.parse_parent" in child.cmdline()
    ]
    return found


def test_pages_are_those_of_week_3():
    for made, kind in (
        (make_pdf([*WORDS.values(), "", "the last page"]), PDF),
        (make_docx([*WORDS.values(), "the last page"]), DOCX),
        ("naïve\x0c灯台".encode(), PLAIN),
    ):
        fast, slow = parse(io.BytesIO(made), kind), parse_in_child(io.BytesIO(made), kind)
        assert [page["number"] for page in fast] == [page["number"] for page in slow]
        assert [words_of(page["text"]) for page in fast] == [
            words_of(page["text"]) for page in slow
        ]


def test_lines_end_as_in_week_3():
    [page] = parse(io.BytesIO(make_pdf(["The keeper lit the lamp. " * 20])), PDF)
    assert "\r" not in page["text"]
    assert "\n" in page["text"]


def outcome(read, name: str) -> str:
    """All text of a hostile file, or the name of its error."""
    try:
        pages = read(io.BytesIO(hostile.ALL[name]()), content_type(name), TIGHT)
    except errors.DocumentError as error:
        return type(error).__name__
    return " ".join(words_of(" ".join(page["text"] for page in pages)))


COSTLY = ("DocumentTooLarge", "DocumentTooSlow", "DamagedDocument", "ParserDied")
"""A file that costs too much can meet another limit first in another library. PDFium ends its process if
there is no memory."""
PDFS = [name for name in hostile.ALL if content_type(name) == PDF]


@pytest.mark.parametrize("name", [*PDFS, "docx_zip_bomb"])
def test_a_hostile_file_ends_as_in_week_3(name):
    fast, slow = outcome(parse, name), outcome(parse_in_child, name)
    assert fast == slow or {fast, slow} <= set(COSTLY)


STUB = """
PDF = "application/pdf"
READERS = {}

def parse_document(data, content_type, limits):
"""


@pytest.fixture
def parser(tmp_path, monkeypatch):
    """Replaces the parser that the child runs by the given lines."""

    def replace(lines: str) -> None:
        steps = tmp_path / "pipeline" / "steps"
        steps.mkdir(parents=True)
        (steps / "parse.py").write_text(STUB + textwrap.indent(lines, "    ") + "\n")
        monkeypatch.syspath_prepend(str(tmp_path))

    return replace


@pytest.mark.parametrize("name", BEHAVIOURS)
def test_every_way_to_misbehave_has_a_permanent_error(parser, name):
    lines, kind = BEHAVIOURS[name]
    parser(lines)
    seconds = 5 if name == "memory" else 1
    limits = ParseLimits(
        memory_bytes=512 * MIB,
        cpu_seconds=seconds,
        wall_seconds=3 * seconds,
        answer_bytes=2 * MIB,
    )
    with pytest.raises(kind) as caught:
        parse(io.BytesIO(b"x"), PLAIN, limits)
    assert isinstance(caught.value, PermanentError)
    assert parent_process().children() == []


def test_the_child_sees_no_secret_and_no_open_file(parser, monkeypatch):
    monkeypatch.setenv("OPENAI_API_KEY", "secret")
    parser(
        "import os, json\n"
        "from pathlib import Path\n"
        "fds = sorted(int(p.name) for p in Path('/dev/fd').iterdir())\n"
        "return [{'number': 1, 'text': json.dumps([sorted(os.environ), fds])}]"
    )
    [page] = parse(io.BytesIO(b"x"), PLAIN)
    assert "OPENAI" not in page["text"]
    assert "PYTHONPATH" in page["text"]
    assert "[0, 1, 2, 3]" in page["text"]  # 3 is the folder that is being listed


def test_each_document_has_a_child_of_its_own(parser):
    parser(
        "import os, sys\n"
        "sys.seen = getattr(sys, 'seen', 0) + 1\n"
        "return [{'number': 1, 'text': f'{os.getpid()} {sys.seen}'}]"
    )
    texts = [parse(io.BytesIO(b"x"), PLAIN)[0]["text"].split() for _ in range(3)]
    assert len({child for child, _ in texts}) == 3
    assert {seen for _, seen in texts} == {"1"}


def test_a_dead_parent_is_started_again():
    parse(io.BytesIO(b"x"), PLAIN)
    first = parent_process()
    first.kill()
    until(lambda: first.status() == psutil.STATUS_ZOMBIE, 5.0)
    assert parse(io.BytesIO(b"x"), PLAIN)
    assert parent_process().pid != first.pid


SLOW = "import time\ntime.sleep(30)\nreturn [{'number': 1, 'text': 'late'}]"


def test_a_parent_that_dies_with_a_document_is_a_transient_error(parser):
    parser("import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\n" + SLOW)
    with pytest.raises(errors.ParserUnavailable):
        parse(io.BytesIO(b"x"), PLAIN, ParseLimits(wall_seconds=2))


def test_a_document_that_is_interrupted_leaves_no_process(parser):
    parser(SLOW)

    def interrupt(number, frame):
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGALRM, interrupt)
    signal.setitimer(signal.ITIMER_REAL, 1.5)
    try:
        with pytest.raises(KeyboardInterrupt):
            parse(io.BytesIO(b"x"), PLAIN)
    finally:
        signal.signal(signal.SIGALRM, before)
    left = [one for one in psutil.process_iter(["cmdline"]) if "parse_parent" in str(one.info)]
    assert not [one for one in left if str(os.getpid()) in str(one.ppid())]


WORKER = """
import io, sys, time
from pipeline.steps.fast_parse import parse
parse(io.BytesIO(b"x"), "text/plain")
print("parsed", flush=True)
parse(io.BytesIO(b"x"), "text/plain") if sys.argv[1] == "busy" else time.sleep(60)
"""


@pytest.mark.parametrize("state", ["idle", "busy"])
def test_parent_and_child_die_with_the_worker(parser, state, tmp_path):
    """A worker process that is killed leaves nothing behind, also in the middle of a document."""
    marker = tmp_path / "first"
    parser(
        f"from pathlib import Path\n"
        f"if not Path({str(marker)!r}).exists():\n"
        f"    Path({str(marker)!r}).touch()\n"
        f"    return [{{'number': 1, 'text': 'x'}}]\n" + SLOW
    )
    worker = subprocess.Popen(
        [sys.executable, "-c", WORKER, state],
        env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        stdout=subprocess.PIPE,
    )
    assert worker.stdout and worker.stdout.readline() == b"parsed\n"
    others = 2 if state == "busy" else 1
    root = psutil.Process(worker.pid)
    assert until(lambda: len(root.children(recursive=True)) == others, 10.0)
    family = root.children(recursive=True)
    worker.kill()
    worker.wait()
    _, alive = psutil.wait_procs(family, 5.0)
    assert not alive


def test_a_forked_worker_starts_a_parent_of_its_own():
    parse(io.BytesIO(b"x"), PLAIN)
    first = parent_process()
    with ProcessPoolExecutor(1, mp_context=get_context("fork")) as pool:
        assert pool.submit(parents_of_a_fork).result(30) == 1
    assert first.is_running()
    assert parse(io.BytesIO(b"x"), PLAIN)


def parents_of_a_fork() -> int:
    """How many children a fork of this process has after its first document."""
    parse(io.BytesIO(b"x"), PLAIN)
    return len(psutil.Process().children())


def test_the_child_uses_an_eighth_of_the_processor_time():
    document = make_pdf([f"Page {n}. " + "The harbour was calm. " * 60 for n in range(10)])

    def seconds(read) -> float:
        before, started = spent(), time.monotonic()
        for _ in range(5):
            read(io.BytesIO(document), PDF)
        assert time.monotonic() - started < 60
        return spent() - before

    parse(io.BytesIO(b"x"), PLAIN)
    assert seconds(parse_in_child) > 8 * seconds(parse)


def spent() -> float:
    """Processor time of this process's children, those that have ended included."""
    own = psutil.Process().cpu_times()
    times = [child.cpu_times() for child in psutil.Process().children(recursive=True)]
    return own.children_user + own.children_system + sum(sum(one[:4]) for one in times)
