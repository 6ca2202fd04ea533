"""The marks: what a block becomes, and which marks are refused."""

from pathlib import Path

import pytest

from bootcamp.authoring.scaffold import blocks, scaffold
from bootcamp.errors import BootcampError

HERE = Path("solutions/week05_retries/pipeline/tasks/retry.py")

SOLUTION = '''\
"""How long to wait."""

import random

CAP = 60.0  # seconds


class Policy:
    async def wait(self, attempt: int) -> float:
        """Seconds."""
        doubled = 2.0**attempt
        # BEGIN SOLUTION 5.2
        #? Pick the wait at random between zero and the doubled, capped base.
        #? Never above `CAP`.
        limit = min(CAP, doubled)

        return random.uniform(0, limit)
        # END SOLUTION


def given() -> str:\t
    return "trailing blanks stay"\x20\x20
'''

EXERCISE = '''\
"""How long to wait."""

import random

CAP = 60.0  # seconds


class Policy:
    async def wait(self, attempt: int) -> float:
        """Seconds."""
        doubled = 2.0**attempt
        # TODO 5.2: Pick the wait at random between zero and the doubled, capped base.
        #   Never above `CAP`.
        raise NotImplementedError("5.2")


def given() -> str:\t
    return "trailing blanks stay"\x20\x20
'''


def test_a_block_becomes_its_todo_and_a_stub_and_all_else_stays():
    assert scaffold(SOLUTION, HERE) == EXERCISE


LETTERED = """\
def wait():
    # BEGIN SOLUTION 5.2
    # ? c) Double the longest wait with each attempt.
    # ?    Stop at `cap`.
    # ? d) Pick the wait at random.
    return 1
    # END SOLUTION
"""


def test_each_requirement_with_a_letter_begins_a_line():
    assert scaffold(LETTERED, HERE) == (
        "def wait():\n"
        "    # TODO 5.2:\n"
        "    #   c) Double the longest wait with each attempt. Stop at `cap`.\n"
        "    #   d) Pick the wait at random.\n"
        '    raise NotImplementedError("5.2")\n'
    )
    (block,) = blocks(LETTERED, HERE)
    assert block.requirements == {
        "5.2c": "Double the longest wait with each attempt. Stop at `cap`.",
        "5.2d": "Pick the wait at random.",
    }


@pytest.mark.parametrize(
    ("before", "after"), [("c) Double", "Double"), ("d) Pick", "e) Pick"), ("d) Pick", "c) Pick")]
)
def test_letters_that_do_not_follow_one_another_are_refused(before: str, after: str):
    with pytest.raises(BootcampError, match="letter"):
        scaffold(LETTERED.replace(before, after), HERE)


def test_a_scaffold_is_its_own_scaffold():
    assert scaffold(EXERCISE, HERE) == EXERCISE


def test_a_file_without_a_last_newline_keeps_its_end():
    assert scaffold("LIMIT = 3", HERE) == "LIMIT = 3"


def test_a_long_todo_is_wrapped_at_the_width():
    text = "word " * 40
    source = (
        f"def f():\n    # BEGIN SOLUTION 5.1\n    #? {text}\n    return 1\n    # END SOLUTION\n"
    )
    lines = scaffold(source, HERE).splitlines()
    assert max(map(len, lines)) <= 100
    assert " ".join(lines).count("word") == 40


def test_a_sentence_is_wrapped_as_one_and_the_next_begins_a_line():
    tasks = ["word " * 18 + "and so", "on. Enough.", "Another."]
    body = "".join(f"    #? {task}\n" for task in tasks)
    source = f"def f():\n    # BEGIN SOLUTION 5.1\n{body}    return 1\n    # END SOLUTION\n"
    lines = scaffold(source, HERE).splitlines()
    assert [line.split()[-1] for line in lines[1:4]] == ["word", "Enough.", "Another."]
    assert lines[2].endswith("and so on. Enough.")


def test_blocks_name_their_item_line_and_code():
    (block,) = blocks(SOLUTION, HERE)
    assert (block.item, block.line) == ("5.2", 12)
    assert SOLUTION.splitlines()[block.code_line - 1] == block.code[0]
    assert block.code[-1].strip() == "return random.uniform(0, limit)"
    assert block.tasks[1] == "Never above `CAP`."


@pytest.mark.parametrize(
    ("name", "source", "expected"),
    [
        (
            "events.js",
            "function go() {\n  // BEGIN SOLUTION 7.1\n  //? Ask again.\n  ask();\n"
            "  // END SOLUTION\n}\n",
            "function go() {\n  // TODO 7.1: Ask again.\n"
            '  throw new Error("7.1 is not done yet");\n}\n',
        ),
        (
            "index.html",
            "<main>\n  <!-- BEGIN SOLUTION 7.1 -->\n  <!--? Show the jobs. -->\n  <ul></ul>\n"
            "  <!-- END SOLUTION -->\n</main>\n",
            "<main>\n  <!-- TODO 7.1: Show the jobs. -->\n</main>\n",
        ),
        (
            "page.css",
            "/* BEGIN SOLUTION 7.5 */\n/*? Fit a phone. */\nbody { margin: 0 }\n"
            "/* END SOLUTION */\n",
            "/* TODO 7.5: Fit a phone. */\n",
        ),
        (
            "schema.sql",
            "-- BEGIN SOLUTION 7.2\n--? Add the column.\nALTER TABLE a ADD b int;\n"
            "-- END SOLUTION\n",
            "-- TODO 7.2: Add the column.\n",
        ),
    ],
)
def test_other_kinds_of_file_have_their_own_comments(name, source, expected):
    path = Path("solutions/week07_dashboard/pipeline/dashboard") / name
    assert scaffold(source, path) == expected


def test_a_file_of_an_unknown_kind_is_given_as_it_is():
    text = "# BEGIN SOLUTION 5.1 in a table, say\n"
    assert scaffold(text, Path("week05_retries/pipeline/data.csv")) == text


def wrapped(body: str, item: str = "5.1") -> str:
    return f"def f():\n    # BEGIN SOLUTION {item}\n{body}    # END SOLUTION\n"


GOOD = "    #? Say it.\n    return 1\n"

BAD = {
    "never closed": (2, "def f():\n    # BEGIN SOLUTION 5.1\n" + GOOD),
    "inside the block of line 2": (5, wrapped(GOOD + "    # BEGIN SOLUTION 5.1\n")),
    "without a BEGIN": (2, "def f():\n    # END SOLUTION\n    return 1\n"),
    "does not belong to week 5": (2, wrapped(GOOD, item="6.1")),
    "no `?` line": (2, wrapped("    return 1\n")),
    "holds no code": (2, wrapped("    #? Say it.\n\n")),
    "cuts out 21 lines": (2, wrapped("    #? Say it.\n" + "    x = 1\n" * 21)),
    "stand together at the top": (5, wrapped(GOOD + "    #? And this.\n")),
    "outside a block": (1, "#? Say it.\n"),
    "is not `# BEGIN SOLUTION 5.2`": (2, wrapped(GOOD, item="one")),
    "beside END SOLUTION": (5, wrapped(GOOD).replace("END SOLUTION", "END SOLUTION 5.1")),
    "4 blocks in one file": (1, wrapped(GOOD) * 4),
    "line 1 of the exercise is no Python": (1, wrapped(GOOD).replace("f():", "f(:")),
    "line 3 of the exercise raises when it is imported": (
        1,
        wrapped(GOOD).replace("def f():", "class F:"),
    ),
}


@pytest.mark.parametrize("message", BAD)
def test_a_wrong_mark_is_refused_with_file_and_line(message):
    line, source = BAD[message]
    with pytest.raises(BootcampError) as caught:
        scaffold(source, HERE)
    assert message in caught.value.message
    assert caught.value.message.startswith(f"{HERE}:{line}: ")
