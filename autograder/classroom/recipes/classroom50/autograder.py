#!/usr/bin/env python3
"""Classroom 50 runs this for each submission, and collects `result.json`.

The course's checkout is expected in `$COURSE` with its `.venv` made (`make setup`). Standard library
only: this file starts before anything is installed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

STUDENT = "student"
NEEDED = ("COURSE", "CLASSROOM", "ASSIGNMENT", "SUBMISSION_TAG", "COMMIT_URL", "RELEASE_URL")
"""Variables: the first one is yours to set, the others are the runner's."""


def grade(submission: Path, course: Path, week: str) -> Path:
    """Grade one checkout, and return our half of the result. There is none if the grader failed."""
    work = Path(tempfile.mkdtemp())
    shutil.copytree(
        submission / "exercises", work / "submissions" / STUDENT / "exercises", symlinks=True
    )
    bootcamp = str(course / ".venv/bin/bootcamp")
    command = [bootcamp, "grade", str(work / "submissions"), "--week", week]
    command += ["--out", str(work / "grades"), "--allow-unsandboxed"]
    subprocess.run(command, cwd=course, check=False)
    return work / "grades/exports/classroom50" / f"{STUDENT}.json"


def main() -> int:
    """Write `result.json` into the submission. Exit code 1: there is none, and the log says why."""
    env, here = os.environ, Path.cwd()
    if missing := [name for name in NEEDED if name not in env]:
        print(f"::error::these variables are not set: {', '.join(missing)}", file=sys.stderr)
        return 1
    ours = grade(here, Path(env["COURSE"]), env.get("WEEK", "1"))
    if not ours.is_file():
        print("::error::the grader failed: no points are recorded", file=sys.stderr)
        return 1
    result = json.loads(ours.read_text(encoding="utf-8")) | {
        "classroom": env["CLASSROOM"],
        "assignment": env["ASSIGNMENT"],
        "submission": env["SUBMISSION_TAG"],
        "commit": env["COMMIT_URL"],
        "release": env["RELEASE_URL"],
        "review": env.get("REVIEW_URL") or env["COMMIT_URL"],
    }
    (here / "result.json").write_text(json.dumps(result, indent=1), encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
