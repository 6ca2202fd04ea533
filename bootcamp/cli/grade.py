"""`bootcamp grade`: the command and its options. `grade_class` does the work.

Grading a class needs libraries that students do not install, so they are imported only here, after a
check that they are installed.
"""

from __future__ import annotations

import os
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated

import typer

from bootcamp.errors import UsageError

MAX_PROCESSES = 64
LIBRARIES = ("copydetect", "jinja2", "nbgrader", "yaml")
"""What the extra `classroom` of `pyproject.toml` installs, by the names that Python imports."""


Broker = Annotated[
    str,
    typer.Option(
        envvar="GRADING_BROKER",
        metavar="redis://…",
        help="Let workers on other machines grade (grade-worker).",
    ),
]
KeyFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="The key of publisher and workers, else in GRADING_KEY."),
]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("grade")(grade)
    app.command("grade-delete")(grade_delete)


def grade(
    submissions: Annotated[
        Path,
        typer.Argument(help="A folder with a folder or zip archive per student, or an export."),
    ],
    week: Annotated[str, typer.Option("--week", "-w", help="5, 05 or week05_retries.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The folder for results and pages.")],
    roster: Annotated[
        Path | None, typer.Option(help="CSV with the columns id, name, email, …")
    ] = None,
    mapping: Annotated[
        Path | None,
        typer.Option(help="CSV with the columns submission, student: whose it is."),
    ] = None,
    policy: Annotated[
        Path | None, typer.Option(help="TOML with the due date and the late penalty.")
    ] = None,
    processes: Annotated[
        int,
        typer.Option("--jobs", "-j", min=1, max=MAX_PROCESSES, help="Submissions graded at once."),
    ] = max(1, (os.cpu_count() or 2) // 2),
    commit: Annotated[
        str, typer.Option(help="Read git repositories at this commit, branch or tag.")
    ] = "",
    regrade: Annotated[
        list[str] | None, typer.Option(metavar="STUDENT|ITEM", help="Grade only this again.")
    ] = None,
    retries: Annotated[int, typer.Option(min=0, max=5, help="Tries after a grader error.")] = 1,
    seed: Annotated[int | None, typer.Option(help="Repeat the inputs of an earlier run.")] = None,
    gradebook: Annotated[
        Path | None, typer.Option(help="Also write to this nbgrader gradebook.")
    ] = None,
    hand_grades: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            help="Enter points and comments of a person: rubric, items, overrides with a reason.",
        ),
    ] = None,
    hand_grades_template: Annotated[
        Path | None,
        typer.Option(
            metavar="FILE.csv",
            help="Write the table for these points, also without a rubric, and stop.",
        ),
    ] = None,
    for_graders: Annotated[
        Path | None,
        typer.Option(
            metavar="FOLDER", help="Write submissions and this table without names, and stop."
        ),
    ] = None,
    dry_run: Annotated[
        bool,
        typer.Option("--dry-run", help="Show whose points would change, and change nothing."),
    ] = False,
    similarity: Annotated[
        bool, typer.Option("--similarity", help="List similar submissions.")
    ] = False,
    notebooks: Annotated[
        bool,
        typer.Option("--notebooks", help="Grade the graded notebooks instead of the homework."),
    ] = False,
    in_docker: Annotated[
        bool, typer.Option("--docker", help="Grade in a temporary container.")
    ] = False,
    broker: Broker = "",
    key_file: KeyFile = None,
    unsandboxed: Annotated[
        bool, typer.Option("--allow-unsandboxed", help="Grade even if no strong sandbox works.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the grades as JSON.")] = False,
) -> None:
    """Grade the submissions of a class. Run it again to continue: finished results are kept.

    Exit code: 0 every submission was graded, 2 wrong usage, 3 the grader failed on some items, or a
    submission could not be read.
    """
    require_libraries()
    from autograder.classroom.entry import Options
    from bootcamp.cli import grade_class

    again = tuple(regrade or ())
    options = Options(
        submissions, out, roster, policy, commit, seed, again, hand_grades, mapping, dry_run
    )
    if notebooks and (hand_grades or hand_grades_template or for_graders):
        raise UsageError("Points by hand belong to the homework: use them without --notebooks.")
    if sum(map(bool, (hand_grades, hand_grades_template, for_graders))) > 1:
        raise UsageError("Use only one of --hand-grades, --hand-grades-template and --for-graders.")
    if for_graders:
        grade_class.write_for_graders(week, options, for_graders, similarity)
        return
    if hand_grades_template:
        grade_class.write_hand_grades_template(week, options, hand_grades_template)
        return
    if notebooks:
        from bootcamp.cli import grade_notebooks

        if in_docker or similarity or broker or dry_run:
            raise UsageError(
                "--notebooks works without --docker, --similarity, --broker and --dry-run."
            )
        tier = grade_class.tier_here(unsandboxed)
        raise typer.Exit(grade_notebooks.grade(week, options, gradebook, tier, as_json))
    if broker and in_docker:
        raise UsageError("Use --broker or --docker, not both: the workers have their own sandbox.")
    where = grade_class.Where(in_docker, unsandboxed, broker, key_file)
    how = grade_class.How(processes, retries, where, gradebook, similarity)
    raise typer.Exit(grade_class.grade(week, options, how, as_json))


def grade_delete(
    student: Annotated[str, typer.Argument(help="The id, as the roster has it.")],
    folders: Annotated[
        list[Path], typer.Argument(help="Output folders, and the folder of late days.")
    ],
) -> None:
    """Delete a student from the output folders of a class.

    Pages of the whole class are deleted too: the next `bootcamp grade` writes them without the student.
    """
    require_libraries()
    from bootcamp.cli import grade_class

    grade_class.delete_student(student, folders)


def require_libraries() -> None:
    """Check that the extra `classroom` is installed.

    Raises:
        UsageError: a library of the extra is missing.
    """
    missing = [name for name in LIBRARIES if find_spec(name) is None]
    if missing:
        raise UsageError(
            f"`bootcamp grade` needs the extra `classroom` ({', '.join(missing)} missing): run "
            '`.venv/bin/python -m pip install --editable ".[classroom]"` in the course\'s folder.'
        )
