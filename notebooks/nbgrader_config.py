"""The nbgrader course: `source/` holds the graded notebooks, everything else is made from them.

Run nbgrader in this folder. `README.md` has the commands.
"""

import os
import sys
from pathlib import Path

from nbconvert.preprocessors import CSSHTMLHeaderPreprocessor
from nbgrader.preprocessors import GetGrades

from bootcamp.notebooks.nbgrader_feedback import HideTests

COURSE = Path(__file__).resolve().parent

# nbgrader calls `alembic` by name when it makes the gradebook: it stands next to this Python.
os.environ["PATH"] = os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])

c = get_config()  # noqa: F821  (nbgrader provides it)

c.CourseDirectory.root = str(COURSE)
c.CourseDirectory.course_id = "async_ai_bootcamp"
c.CourseDirectory.db_url = f"sqlite:///{COURSE / 'gradebook.db'}"

# One cell of one student may take this long. An endless loop costs its own points and no more.
c.Execute.timeout = 20  # seconds

# A deleted test cell comes back, and scores what it finds.
c.OverwriteCells.add_missing_cells = True

# nbgrader gives a test cell 0 points for any word on stderr, such as a warning. Here only a
# failed test costs points.
c.IgnorePattern.enabled = True
c.IgnorePattern.pattern = r"(?s).*"

c.GenerateFeedback.preprocessors = [GetGrades, HideTests, CSSHTMLHeaderPreprocessor]
