"""Trials with fresh eyes: `python -m autograder.validation.trials`."""

from __future__ import annotations

from pathlib import Path

import pytest

from autograder.validation import trials
from bootcamp.errors import UsageError

RIGHT = """
item = "1.3"
right = true
story = "Enqueues with apply_async."

[[block]]
file = "pipeline/producer.py"
imports = "import itertools"
code = '''
ids = []
for title in itertools.chain(titles):
    ids.append(summarize_article.apply_async((title,)).id)
return ids
'''
"""
SOURCE = """from __future__ import annotations

def wait():
    # BEGIN SOLUTION 5.2
    # ? a) Wait.
    return 1
    # END SOLUTION
"""


def written(folder: Path, text: str, name: str = "one.toml") -> Path:
    path = folder / name
    path.write_text(text, encoding="utf-8")
    return path


def test_a_block_is_replaced() -> None:
    new = trials.NewBlock(file="wait.py", code="\nx = 2\nreturn x\n", imports="import time")
    assert trials.replace(SOURCE, "5.2", new) == SOURCE.replace(
        "    return 1\n", "    x = 2\n    return x\n"
    ).replace("annotations\n", "annotations\n\nimport time\n")


def test_a_block_that_is_not_there() -> None:
    with pytest.raises(UsageError, match="no number 2"):
        trials.replace(SOURCE, "5.2", trials.NewBlock(file="wait.py", number=2, code="pass"))


@pytest.mark.parametrize("text", ["item = ", RIGHT.replace("story", "tale"), 'item = "1.3"'])
def test_a_file_that_makes_no_sense_is_named(
    tmp_path: Path, text: str, capsys: pytest.CaptureFixture[str]
) -> None:
    path = written(tmp_path, text)
    assert trials.main([str(tmp_path), "--build"]) == 2
    assert str(path) in capsys.readouterr().err


def test_surprises_are_shown(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    written(tmp_path, RIGHT, "right.toml")
    written(tmp_path, RIGHT.replace("true", "false"), "right_and_called_wrong.toml")
    assert trials.main([str(tmp_path)]) == 1
    shown = capsys.readouterr().out
    assert "   1.3 right right: Enqueues with apply_async." in shown
    assert "!! 1.3 wrong right_and_called_wrong: Enqueues with apply_async." in shown
    assert "wrong: 1 tried, 1 passed\nright: 1 tried, 0 refused" in shown
