"""The exercises of this course: generated, importable, and red where the homework is."""

import os
import re
import subprocess
import sys

import pytest

from bootcamp.authoring.generate import differences, scaffolds
from bootcamp.authoring.scaffold import STYLES, blocks
from bootcamp.course.layers import Layer, Source, layers_under, pythonpath
from bootcamp.course.manifest import graded_weeks, load_manifest
from bootcamp.course.weeks import all_weeks, find_week

IMPORT_ALL = "import importlib, sys\nfor name in sys.argv[1:]: importlib.import_module(name)"

FIRST_WEEK = """
from pipeline.producer import enqueue_articles, enqueue_later
from pipeline.tasks.celery_config import connection, delivery, slots

calls = {
    "1.1": [connection],
    "1.3": [lambda: enqueue_articles(["a title"]), lambda: enqueue_later("a title", 1.0)],
    "1.4": [slots],
    "1.5": [delivery],
}
for item, functions in calls.items():
    for function in functions:
        try:
            function()
        except NotImplementedError as error:
            assert str(error) == item, (item, error)
        else:
            raise AssertionError(f"{item} returned")
"""


def exercise_environment(week) -> dict[str, str]:
    top = Layer(week, Source.STUDENT, week.exercises)
    return {**os.environ, "PYTHONPATH": pythonpath(layers_under(week, top))}


def modules(files) -> list[str]:
    return [".".join(file.with_suffix("").parts) for file in files if file.suffix == ".py"]


@pytest.mark.parametrize("week", all_weeks(), ids=str)
def test_the_committed_exercises_are_what_the_solution_gives(week):
    assert differences(week) == []


def run_python(week, *arguments: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", *arguments],
        env=exercise_environment(week),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("week", all_weeks(), ids=str)
def test_every_exercise_can_be_imported(week):
    run_python(week, IMPORT_ALL, *modules(scaffolds(week)))


def test_a_function_that_is_not_written_yet_says_which_item_it_is():
    run_python(find_week("1"), FIRST_WEEK)


def stubs(text: str) -> list[str]:
    """The items of all `raise NotImplementedError("5.2")`, in order."""
    return re.findall(r'^ +raise NotImplementedError\("(\d\.\d+)"\)$', text, re.MULTILINE)


@pytest.mark.parametrize("week", all_weeks(), ids=str)
def test_every_block_leaves_a_stub_and_nothing_of_the_reference(week):
    for file, content in scaffolds(week).items():
        source = (week.solutions / file).read_bytes()
        if file.suffix not in STYLES or b"BEGIN SOLUTION" not in source:
            assert content == source
            continue
        cut = blocks(source.decode(), file)
        stub = STYLES[file.suffix].stub
        if file.suffix == ".py":
            assert stubs(content.decode()) == [block.item for block in cut]
        elif stub:
            assert content.decode().count("is not done yet") == len(cut)
        assert b"SOLUTION" not in content
        for block in cut:
            assert "\n".join(block.code) not in content.decode()


@pytest.mark.parametrize("week", graded_weeks(), ids=str)
def test_the_manifest_names_the_files_that_hold_the_blocks(week):
    holders: dict[str, set[str]] = {}
    for file in scaffolds(week):
        if file.suffix in STYLES:
            for block in blocks((week.solutions / file).read_text(), file):
                holders.setdefault(block.item, set()).add(file.as_posix())
    assert holders == {item.id: set(item.files) for item in load_manifest(week).items}
