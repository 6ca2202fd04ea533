"""What an instructor is pointed to: patched libraries, limits, signals. And what no page may show."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath

import pytest

from autograder.card import Card
from autograder.classroom.assignment import Assignment
from autograder.classroom.entry import Options
from autograder.classroom.execution import fingerprint
from autograder.classroom.execution.grading import Redo, merged, plan
from autograder.classroom.execution.grading_process import Answer
from autograder.classroom.execution.records import ItemRecord, Key, Record
from autograder.classroom.intake.allow_list import refusal
from autograder.classroom.intake.names import without_places
from autograder.classroom.intake.suspicious import suspicious
from autograder.classroom.intake.trees import Refused
from autograder.run.results import ItemResult
from bootcamp import paths
from bootcamp.course.manifest import Manifest, load_manifest
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import Week, all_weeks

FILE = PurePosixPath("pipeline/homework.py")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("import time\ntime.sleep = print", "line 2 changes time.sleep"),
        ("from redis import Redis as R\nR.get = None", "line 2 changes redis.Redis.get"),
        ("import os\nos.environ['X'] = '1'", "line 2 changes os.environ"),
        ("import sys\nsys.modules['json'] = None", "line 2 changes sys.modules"),
        ("import json\nsetattr(json, 'loads', eval)", "line 2 changes json"),
        ("def f():\n    import random\n    del random.choice", "line 3 changes random.choice"),
        ("import ctypes", "imports ctypes"),
        ("from autograder.sdk import fail", "imports autograder.sdk.fail"),
        ("import os\nos.kill(1, 9)", "line 2 uses os.kill"),
        ("from os import fork\nfork()", ""),
        ("import sys\nsys.stdout = sys.stderr", ""),
        ("from pipeline.app import app\napp.conf.task_acks_late = True", ""),
        ("def broken(", ""),
        ("(" * 5000, ""),
    ],
)
def test_what_is_suspicious_in_code(code: str, words: str) -> None:
    assert suspicious({FILE: code.encode()}) == ((f"{FILE} {words}",) if words else ())


def test_the_reference_is_not_suspicious() -> None:
    for week in all_weeks():
        files = {path: (week.solutions / path).read_bytes() for path in load_manifest(week).files}
        assert not suspicious(files), week


def test_flags_are_on_the_class_page_and_on_no_students_page(
    record: Callable[..., Record], week: Week, homework: dict[str, bytes],
    folder: Callable[..., Path], tmp_path: Path,
) -> None:  # fmt: skip
    evil = {**homework, "pipeline/producer.py": b"import time\ntime.sleep = print\n"}
    folder("handed-in/anna", evil)
    assignment = Assignment(week, Options(tmp_path / "handed-in", tmp_path / "grades"))
    with assignment.held():
        (entry,) = assignment.entries
        assert entry.intake
        kept = record("anna", submission=fingerprint.of_submission(entry.intake.files))
        flags = ("it was ended: it ran more than 128 processes at once",)
        assignment.results.save(kept.model_copy(update={"flags": flags}))
        summary = assignment.publish(assignment.grades())
    (anna,) = summary["students"]
    assert anna["flags"] == ["pipeline/producer.py line 2 changes time.sleep", *flags]
    page = (tmp_path / "grades/class.html").read_text()
    assert all(one in page for one in anna["flags"])
    assert "128 processes" not in (tmp_path / "grades/reports/anna.html").read_text()


def test_flags_of_all_runs_are_kept(manifest: Manifest, week: Week) -> None:
    key = Key(submission="x", seed=1)
    task = plan("anna", Path("taken"), key, "graders", None, manifest, Redo())
    assert task is not None
    first = merged(task, week, Answer(problem="x", flags=("one",), crowded=("1.3",)))
    assert first.flags[0] == "one"
    assert "too crowded for 1.3" in first.flags[1]
    again = replace(task, items=("1.3",), stored=first)
    found = merged(again, week, Answer(problem="x", flags=("one", "two")))
    assert found.flags == (*first.flags, "two")
    again = replace(task, stored=found)
    assert merged(again, week, Answer(problem="x")).flags == ()


def test_no_page_has_a_path_of_this_machine(manifest: Manifest) -> None:
    layer = "/tmp/bootcamp-1/runs/a/layer/pipeline/steps/parse.py"
    library = f"{sys.prefix}/lib/python3.11/site-packages/redis/client.py"
    card = Card(
        got=f"FileNotFoundError: '/tmp/bootcamp-1/home/x.txt' ({layer} line 3)",
        cause=f"see {paths.ROOT}/autograder/conftest.py",
        log=(f'  File "{library}", line 7', f'  File "{layer}", line 9, in f'),
    )
    item = manifest.items[0]
    found = ItemRecord.of(ItemResult(item, Outcome.FAILED, card, 0.1)).text
    assert "'…/x.txt' (pipeline/steps/parse.py line 3)" in found
    assert '"…/site-packages/redis/client.py", line 7' in found
    assert '"pipeline/steps/parse.py", line 9' in found
    assert without_places("GET http://host/tmp/x, file:///tmp/a/b") == (
        "GET http://host/tmp/x, file://…/b"
    )
    broken = ItemRecord.broken(item, f"OSError: {paths.ROOT}/x").text
    refused = refusal(Refused(f"git fetch: '{paths.ROOT}/clones/anna' is no repository")).refused
    for text in (found, broken, refused):
        assert str(paths.ROOT) not in text
        assert "/tmp" not in text
        assert sys.prefix not in text
