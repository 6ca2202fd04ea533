"""Submissions that break, lie, flood, shadow or kill: each gets a card, and the grader survives."""

from __future__ import annotations

import sys
import time
from pathlib import Path

import psutil
import pytest

from autograder.process import student as student_module
from autograder.process import wait
from autograder.run import submission
from autograder.run.results import ItemResult
from bootcamp.course.outcome import Outcome

from .conftest import GIVEN, SOLUTION, Course


def body(code: str) -> str:
    """A homework whose function does this."""
    return "import os, sys, time\n\n\ndef double(number):\n    " + code.replace("\n", "\n    ")


def at_import(code: str) -> str:
    return f"import os, sys, time\n{code}\n\n\ndef double(number):\n    return number * 2\n"


def says(one: ItemResult, outcome: Outcome, text: str) -> None:
    assert one.card is not None, one.outcome
    assert (one.outcome, one.score) == (outcome, 0.0), one.card.text()
    assert text in one.card.text(), one.card.text()
    assert len(one.card.text()) < 20_000


def test_a_correct_one_passes(course: Course) -> None:
    result = course.check()
    assert result.passed
    assert result.score == 3


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("def double(number:\n    return 1\n", "SyntaxError"),
        ("def double(number:\n    return 1\n", "pipeline/homework.py line 1"),
        (b"value = '\0'\n", "null bytes"),
        (b"\x7fELF\xff\xfe\x00\x01" * 50, "Error"),
        (b"x = '\xff\xfe not UTF-8'\n", "SyntaxError"),
        ("import nothing_of_that_name\n", "look at the imports"),
        (at_import("sys.exit(0)"), "SystemExit"),
        (at_import("os._exit(0)"), "the process ended"),
        (at_import("raise KeyboardInterrupt"), "KeyboardInterrupt"),
        ("(" * 500 + ")" * 500, "Error"),
    ],
)
def test_what_cannot_be_imported_is_not_gradable(
    course: Course, content: str | bytes, text: str
) -> None:
    course.hand_in(content)
    says(course.first(), Outcome.NOT_GRADABLE, text)


def test_a_loop_at_import_ends(course: Course, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(student_module, "IMPORT_SECONDS", 2.0)
    course.hand_in(at_import("while True: pass"))
    says(course.first(), Outcome.NOT_GRADABLE, "no answer within 2 s")


def test_a_flood_at_import_is_cut_off(course: Course) -> None:
    course.hand_in(at_import("while True: print('x' * 1_000_000)"))
    says(course.first(), Outcome.NOT_GRADABLE, "printed or wrote more than it may")


def test_printing_megabytes_is_no_crime(course: Course) -> None:
    course.hand_in(at_import("print('x' * 5_000_000, file=sys.stderr)"))
    assert course.check().passed


@pytest.mark.parametrize(
    ("code", "text"),
    [
        ("while True: pass", "no answer within 3 s"),
        ("while True: print('x' * 1_000_000)", "printed or wrote more than it may"),
        ("sys.exit(0)", "SystemExit"),
        ("os._exit(0)", "the process ended"),
        ("return double(number)", "RecursionError"),
        ("return 'x' * 20_000_000", "AnswerTooLarge"),
        ("return [0] * 1_000_000", "expected: "),
        ("return float('nan')", "nan"),
        ("return float('inf')", "inf"),
        ("return True", "True"),
        ("return str(number * 2)", "expected: "),
        ("return None", "None"),
        ("return double", "function"),
        ("os.kill(os.getppid(), 9); time.sleep(60)", "the process ended"),
        ("os.kill(0, 9)", "the process ended"),
        ("os.closerange(0, 100); return 1", "the process ended"),
        ("raise ValueError('\\ud800 half a character')", "ValueError"),
        ("raise Exception('x' * 10_000_000)", "cut at"),
        ("x = bytearray(64 * 1024**3)", "MemoryError"),
    ],
)
def test_what_a_call_does_ends_in_a_card(course: Course, code: str, text: str) -> None:
    course.hand_in(body(code))
    says(course.first(), Outcome.FAILED, text)


@pytest.mark.parametrize(
    "code",
    [
        # equal to everything
        "class Yes:\n    def __eq__(self, other): return True\n    __hash__ = None\nreturn Yes()",
        "class Yes(int):\n    def __eq__(self, other): return True\n    __hash__ = None\nreturn Yes(1)",
        "class Yes(int):\n    def __repr__(self): return str(number * 2)\nreturn Yes(1)",
        "class Yes(str):\n    def __str__(self): return str(number * 2)\nreturn Yes('1')",
        # written where the answer goes: garbage, nesting, an answer to another call
        "for fd in range(3, 30):\n    try: os.write(fd, b'[' * 100_000 + b'\\n')\n"
        "    except OSError: pass\nreturn 1",
        'for fd in range(3, 30):\n    try: os.write(fd, b\'{"id": 99, "ok": true}\\n\' * 500)\n'
        "    except OSError: pass\nreturn 1",
        # the grader's own words
        "print('1 passed'); print('{\"outcome\": \"passed\"}'); return 1",
        "import pytest; pytest.skip('not today')",
        "import atexit; atexit.register(os._exit, 0); sys.exit(0)",
    ],
)
def test_a_lie_earns_nothing(course: Course, code: str) -> None:
    course.hand_in(body(code))
    one = course.first()
    assert (one.outcome, one.score) == (Outcome.FAILED, 0.0)


def test_a_missing_file_says_how_to_get_it_back(course: Course) -> None:
    (course.submission / "pipeline/homework.py").unlink()
    one = course.first()
    says(one, Outcome.NOT_GRADABLE, "it is missing")
    says(one, Outcome.NOT_GRADABLE, "bootcamp reset 7")


@pytest.mark.parametrize("place", ["file", "folder"])
def test_links_are_not_followed(course: Course, tmp_path: Path, place: str) -> None:
    elsewhere = course.write(tmp_path / "elsewhere", "homework.py", SOLUTION)
    homework = course.submission / "pipeline/homework.py"
    homework.unlink()
    if place == "file":
        homework.symlink_to(elsewhere)
    else:
        homework.parent.rmdir()
        homework.parent.symlink_to(elsewhere.parent)
    says(course.first(), Outcome.NOT_GRADABLE, "it is a link, not a file")


def test_a_huge_file_is_not_read(course: Course) -> None:
    course.hand_in(SOLUTION + "#" * 10_000_000)
    limit = submission.MAX_FILE_BYTES // 1024
    says(course.first(), Outcome.NOT_GRADABLE, f"it is larger than {limit} KiB")


FOREIGN = (
    "json.py", "celery.py", "sitecustomize.py", "conftest.py", "pytest.ini", "evil.pth",
    "pipeline/__init__.py", "pipeline/given.py", "pipeline/json.py", "test_7_1_double.py",
)  # fmt: skip


def test_only_homework_files_are_taken(course: Course, tmp_path: Path) -> None:
    """Whatever else is handed in has no effect: it does not run, and a given file stays given."""
    for number, name in enumerate(FOREIGN):
        course.hand_in(f"open({str(tmp_path / f'ran-{number}')!r}, 'w')\nFACTOR = 3\n", name)
    result = course.check()
    assert result.passed, [one.card for one in result.items]
    assert not [
        name for number, name in enumerate(FOREIGN) if (tmp_path / f"ran-{number}").exists()
    ]
    assert (paths_of(course) / "given.py").read_text() == GIVEN


def paths_of(course: Course) -> Path:
    return course.root / "solutions/week07_tiny/pipeline"


DAEMON = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        {extra}
        with open({file!r}, "w") as file:
            file.write(str(os.getpid()))
        time.sleep(600)
    os._exit(0)
while not os.path.exists({file!r}) or not open({file!r}).read():
    time.sleep(0.01)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="needs a subreaper")
@pytest.mark.parametrize("kills_the_guard", [False, True])
def test_a_daemon_does_not_outlive_the_check(
    course: Course, tmp_path: Path, kills_the_guard: bool
) -> None:
    file = tmp_path / "daemon.pid"
    code = DAEMON.format(file=str(file), extra="")
    if kills_the_guard:
        code += "os.kill(os.getppid(), 9)\ntime.sleep(60)\n"  # it dies when its parent has died
    course.hand_in(at_import(code))
    result = course.check()
    assert result.passed is not kills_the_guard
    pid = int(file.read_text())
    assert wait.until(lambda: not lives(pid), 5.0)


def lives(pid: int) -> bool:
    try:
        return bool(psutil.Process(pid).status() != psutil.STATUS_ZOMBIE)
    except psutil.NoSuchProcess:
        return False


def test_a_process_that_reads_nothing_does_not_hold_up_the_grader(course: Course) -> None:
    """It stops itself while the grader has megabytes to tell it."""
    course.grader("""
import pytest

@pytest.mark.item("7.1")
def test_double(student):
    student.call("pipeline.homework", "double", 1)
    student.call("pipeline.homework", "double", "x" * 4_000_000, timeout=2.0)
""")
    course.hand_in(
        body(
            "import threading\n"
            "threading.Timer(0.1, lambda: os.kill(os.getpid(), 19)).start()\n"
            "return number * 2"
        )
    )
    started = time.monotonic()
    one = course.check().items[0]
    assert one.outcome in (Outcome.FAILED, Outcome.PASSED)
    assert time.monotonic() - started < 60
