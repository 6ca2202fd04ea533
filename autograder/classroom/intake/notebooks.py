"""What is taken of a submission of the graded notebook: `check.ipynb`, and no more."""

from __future__ import annotations

from pathlib import PurePosixPath

from autograder.classroom.intake.allow_list import Intake, listed, loose, refusal, within
from autograder.classroom.intake.names import shown
from autograder.classroom.intake.trees import Refused, Tree
from bootcamp.course.weeks import Week

NOTEBOOK = PurePosixPath("check.ipynb")
MAX_NOTEBOOK_BYTES = 8 * 1024 * 1024


def take_notebook(tree: Tree, week: Week, depth: int = 0) -> Intake:
    """Take the week's graded notebook of a submission, wherever it lies in it. A hostile submission
    comes back as refused.
    """
    try:
        entries = listed(tree)
        entry = loose(entries, (NOTEBOOK,), week).get(NOTEBOOK)
        if entry is None:
            inner, problem = within(tree, entries, week, depth, take_notebook)
            if inner:
                return inner
            names = ", ".join(shown(str(one.path)) for one in entries[:5])
            raise Refused(problem or f"it holds no {NOTEBOOK} of {week}, but: {names}")
        content = tree.read(entry, MAX_NOTEBOOK_BYTES + 1)
    except Refused as reason:
        return refusal(reason)
    if len(content) > MAX_NOTEBOOK_BYTES:
        return refusal(Refused(f"{NOTEBOOK} is larger than {MAX_NOTEBOOK_BYTES // 1024**2} MiB"))
    return Intake({NOTEBOOK: content}, modified=entry.modified)
