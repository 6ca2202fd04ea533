"""Feedback pages for graded notebooks that do not give the hidden tests away.

nbgrader's own feedback prints a test cell whole, hidden tests included, and its traceback quotes
them once more. `notebooks/nbgrader_config.py` puts `HideTests` before that.
"""

from __future__ import annotations

import re
from typing import Any

from nbformat import NotebookNode
from nbgrader.preprocessors import NbGraderPreprocessor
from nbgrader.utils import is_grade

HIDDEN_REGION = re.compile(r"^[^\n]*BEGIN HIDDEN TESTS.*?END HIDDEN TESTS[^\n]*$", re.DOTALL | re.M)
NOTICE = "# More tests ran here. What they found is said below."
_ANSI = re.compile(r"\x1b\[[0-9;]*m")


class HideTests(NbGraderPreprocessor):  # type: ignore[misc]  # untyped
    """Keeps what a test found and takes out how it looked for it."""

    def preprocess_cell(
        self, cell: NotebookNode, resources: dict[str, Any], index: int
    ) -> tuple[NotebookNode, dict[str, Any]]:
        """Clean one test cell; every other cell stays as it is."""
        if cell.cell_type == "code" and is_grade(cell):
            cell.source = HIDDEN_REGION.sub(NOTICE, cell.source)
            for output in cell.outputs:
                if output.output_type == "error":
                    output.traceback = _without_cell(output, cell.execution_count)
        return cell, resources


def _without_cell(output: NotebookNode, number: int | None) -> list[str]:
    """Drop the frames of cell `number` from a traceback: the student's own frames stay."""
    own = [
        frame
        for frame in output.traceback[1:-1]
        if f"In[{number}]" not in _ANSI.sub("", frame) and "In[" in _ANSI.sub("", frame)
    ]
    return [*own, f"{output.ename}: {output.evalue}"]
