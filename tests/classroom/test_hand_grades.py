"""Points by hand: a table is entered whole or not at all, and nothing that was entered is lost."""

from __future__ import annotations

import csv
import io
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from autograder.classroom import assignment as assignment_module
from autograder.classroom.assignment import Assignment
from autograder.classroom.entry import Options
from autograder.classroom.execution import fingerprint
from autograder.classroom.execution.records import Record
from autograder.classroom.intake.names import folded
from autograder.classroom.intake.roster import Student
from autograder.classroom.intake.tables import MAX_LISTED
from autograder.classroom.output.exports import hand_grades_csv, lms_csv, scores_csv
from autograder.classroom.output.reports import Pages
from autograder.classroom.policy import hand_grades
from autograder.classroom.policy.hand_grades import KEPT, ByHand
from autograder.classroom.policy.hand_table import MAX_COMMENT, Targets, read_table
from autograder.classroom.policy.rubric import Criterion, Level, Rubric
from autograder.classroom.policy.summary import Grade
from bootcamp import paths
from bootcamp.course.manifest import Manifest
from bootcamp.course.weeks import Week
from bootcamp.errors import BootcampError, UsageError
from tests.classroom.conftest import EVIL, POLICY
from tests.classroom.test_exports import rows
from tests.classroom.test_reports import read

HEAD = "student,criterion,points,comment\n"
FORMULA = "=cmd|' /C calc'!A0"
LEVELS = (Level(points=2, text="well divided"), Level(points=0, text="not divided"))
RUBRIC = Rubric(
    criteria=(
        Criterion(id="structure", title="Structure", asks="Is it divided?", levels=LEVELS),
        Criterion(id="naming", title="Naming", asks="Are names clear?", levels=LEVELS),
    )
)
TARGETS = Targets(RUBRIC, {"1.3": 2.0, "1.4": 2.0})
STUDENTS = {folded(one): (one,) for one in ("anna", "ben", FORMULA, "dora", "emil")}
COMMENT = '"' + EVIL.replace('"', '""') + '"'
"""What a person copied from a submission, as a cell."""
SECONDS = 120


@pytest.fixture
def table(tmp_path: Path) -> Callable[[str], Path]:
    """Write a table."""

    def write(text: str) -> Path:
        path = tmp_path / "hand.csv"
        path.write_bytes(text.encode())
        return path

    return write


@pytest.fixture
def enter(table: Callable[[str], Path], tmp_path: Path) -> Callable[..., ByHand]:
    """Enter a table into the class's output folder."""

    def do(text: str, rubric: Rubric = RUBRIC) -> ByHand:
        by_hand = ByHand(
            Targets(rubric, TARGETS.items),
            "week01",
            tmp_path,
            table(text) if text else None,
            STUDENTS,
        )
        by_hand.enter()
        return by_hand

    return do


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("zoe,structure,1,", "line 2: there is no student 'zoe' in this class"),
        ("anna,style,1,", "line 2: there is no criterion 'style'; the rubric has: structure, "),
        ("\n\nanna,naming,2.5,", "line 4: 2.5 points are more than the maximum of naming, 2"),
        ("anna,naming,two,", "line 2: 'two' is not a number of points from 0 to 2"),
        ("anna,naming,-1,", "line 2: '-1' is not a number"),
        ("anna,naming,nan,", "line 2: 'nan' is not a number"),
        ("anna,naming,1e0,", "line 2: '1e0' is not a number"),
        ("anna,naming,,well", "line 2: a comment without points"),
        (f"anna,naming,1,{'x' * (MAX_COMMENT + 1)}", "line 2: the comment is longer than"),
        ('anna,naming,1,"a\nb"\nANNA,naming,1,', "line 4: line 2 is about the same student"),
        ("anna,naming,,\nanna,naming,1,", "line 3: line 2 is about the same student"),
        ("anna,naming,1,well, really", "line 2: it has 5 cells, and the first line 4"),
        ("anna,naming", "line 2: it has 2 cells"),
        ('anna,naming,1,"open', "line 2: unexpected end of data"),
    ],
)
def test_a_wrong_row_is_named_with_its_line(
    table: Callable[[str], Path], text: str, words: str
) -> None:
    with pytest.raises(UsageError) as found:
        read_table(table(HEAD + text), TARGETS, STUDENTS, "tess")
    assert words in str(found.value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"id,points\n", "line 1: its columns are wrong, missing: student, criterion, comment"),
        (b"student,criterion,points,comment,point\n", "unknown or twice: ['point']"),
        (b"student,criterion,points,comment,points\n", "unknown or twice: ['points', 'points']"),
        (HEAD.encode() + "anna,naming,1,schön".encode("cp1252"), "Save it as CSV in UTF-8"),
    ],
)
def test_a_table_that_is_none(tmp_path: Path, content: bytes, words: str) -> None:
    path = tmp_path / "hand.csv"
    path.write_bytes(content)
    with pytest.raises(UsageError) as found:
        read_table(path, TARGETS, STUDENTS, "tess")
    assert words in str(found.value)
    with pytest.raises(UsageError, match="Cannot read the table"):
        read_table(tmp_path / "nothing.csv", TARGETS, STUDENTS, "tess")


def test_all_wrong_rows_are_told_at_once_and_not_one_right_row_is_entered(
    enter: Callable[..., ByHand], tmp_path: Path
) -> None:
    wrong = "".join(f"zoe{number},naming,1,\n" for number in range(MAX_LISTED + 5))
    with pytest.raises(UsageError) as found:
        enter(HEAD + "anna,naming,2,\n" + wrong)
    assert "line 22: there is no student 'zoe19'" in str(found.value)
    assert "and 5 more" in str(found.value)
    assert not (tmp_path / KEPT).exists()


def test_tables_as_spreadsheets_write_them(table: Callable[[str], Path]) -> None:
    text = (
        "\ufeffStudent;Criterion;Points;Comment;Name;Maximum\r\n"
        'ANNA; naming ;1,5;"well;\r\nreally";Anna;2\r\n;;;;;\r\nben;naming;;;Ben;2\r\n'
    )
    ((student, criterion, points, comment, by, _),) = read_table(
        table(text), TARGETS, STUDENTS, "tess"
    )
    assert (student, criterion, points, by) == ("anna", "naming", 1.5, "tess")
    assert comment.split() == ["well;", "really"]


def test_entering_again_changes_nothing_and_a_second_table_adds(
    enter: Callable[..., ByHand], tmp_path: Path
) -> None:
    first = enter(HEAD + "anna,structure,2,well\nanna,naming,,\nben,naming,0,\n")
    assert first.report == ("Points by hand: 2 new, 0 changed, 2 in all.",)
    kept = (tmp_path / KEPT).read_bytes()
    enter(HEAD + "anna,structure,2,well\nanna,naming,,\nben,naming,0,\n")
    enter("")
    enter(HEAD + "anna,structure,,\nben,naming,,\n")  # blank is not zero, and removes nothing
    assert (tmp_path / KEPT).read_bytes() == kept

    changed = enter(HEAD + "anna,structure,1,well\nanna,naming,2,\nben,naming,clear,\n")
    assert changed.report == (
        "Points by hand: 1 new, 2 changed, 2 in all.",
        "  changed: anna, structure: 2 → 1 points",
        "  changed: ben, naming: 0 → none points",
    )
    anna, ben = changed.of("anna"), changed.of("ben")
    assert anna and ben
    assert (anna.total, ben.total) == (3.0, None)
    assert ben.to_json() == {
        "points": None,
        "max_points": 4,
        "criteria": {"structure": None, "naming": None},
    }


def test_a_crash_while_entering_leaves_what_was_there(
    enter: Callable[..., ByHand], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    enter(HEAD + "anna,structure,2,\n")
    kept = (tmp_path / KEPT).read_bytes()

    def full(path: Path, content: bytes) -> None:
        raise BootcampError("the disk is full")

    monkeypatch.setattr(hand_grades, "write_atomic", full)
    with pytest.raises(BootcampError, match="the disk is full"):
        enter(HEAD + "anna,structure,1,\nben,structure,1,\n")
    assert (tmp_path / KEPT).read_bytes() == kept


def test_a_damaged_file_is_never_taken_for_an_empty_one(
    enter: Callable[..., ByHand], tmp_path: Path
) -> None:
    enter(HEAD + "anna,structure,2,\n")
    damaged = (tmp_path / KEPT).read_bytes()[:-9]
    (tmp_path / KEPT).write_bytes(damaged)
    with pytest.raises(BootcampError, match="Cannot read the points by hand"):
        enter(HEAD + "ben,structure,1,\n")
    assert (tmp_path / KEPT).read_bytes() == damaged
    (tmp_path / KEPT).write_text('{"week": "week02_api", "marks": []}')
    with pytest.raises(UsageError, match="holds the points by hand of week02_api"):
        enter(HEAD + "ben,structure,1,\n")


def test_a_rubric_that_was_changed_afterwards(enter: Callable[..., ByHand], tmp_path: Path) -> None:
    enter(HEAD + "anna,structure,2,\nben,naming,1,\n")
    kept = (tmp_path / KEPT).read_bytes()
    low = (Level(points=1, text="good"), Level(points=0, text="bad"))
    rubric = Rubric(criteria=(RUBRIC.criteria[0].model_copy(update={"levels": low}),))
    by_hand = enter("", rubric)
    anna, ben = by_hand.problems()
    assert anna == ("anna has 2 points by hand for structure, which is more than the maximum 1")
    assert ben.endswith("for naming, which the rubric does not have: they are not shown")
    assert (tmp_path / KEPT).read_bytes() == kept


def test_the_template_has_the_class_and_what_is_entered(
    enter: Callable[..., ByHand], tmp_path: Path
) -> None:
    people = [Student("anna", "Anna, Alt"), Student(FORMULA)]
    empty = hand_grades_csv(TARGETS, [(one, {}) for one in people])
    assert [(one["criterion"], one["points"], one["maximum"]) for one in rows(empty)] == [
        ("structure", "", "2"),
        ("naming", "", "2"),
    ] * 2
    enter(empty)
    assert not (tmp_path / KEPT).exists()
    entered = enter(HEAD + f'anna,structure,1.5,"- good\n=1+1"\n"\'{FORMULA}",naming,0,{COMMENT}\n')
    kept = (tmp_path / KEPT).read_bytes()
    again = hand_grades_csv(TARGETS, [(one, entered.marks(one.id)) for one in people])
    assert not [
        value
        for row in csv.reader(io.StringIO(again, newline=""))
        for value in row
        if value.startswith(("=", "-", "+", "@"))
    ]
    enter(again)
    assert (tmp_path / KEPT).read_bytes() == kept


@pytest.fixture
def marked(
    record: Callable[..., Record],
    week: Week,
    homework: dict[str, bytes],
    folder: Callable[..., Path],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Callable[..., tuple[Assignment, tuple[Grade, ...]]]:
    """A class of two with results, in a week that has our rubric, or none."""
    for student in ("anna", "ben"):
        folder(f"handed-in/{student}", dict(homework))

    def grade(
        table: Path | None = None, rubric: Rubric | None = RUBRIC, regrade: tuple[str, ...] = ()
    ) -> tuple[Assignment, tuple[Grade, ...]]:
        monkeypatch.setattr(assignment_module, "load_rubric", lambda week: rubric)
        options = Options(
            tmp_path / "handed-in", tmp_path / "grades", seed=1, regrade=regrade, hand_grades=table
        )
        assignment = Assignment(week, options)
        with assignment.held():
            for entry in assignment.entries:
                assert entry.intake
                files = fingerprint.of_submission(entry.intake.files)
                assignment.results.save(record(entry.id, submission=files))
            grades = assignment.grades()
            assignment.publish(grades)
        return assignment, grades

    return grade


def outputs(out: Path) -> dict[str, bytes]:
    """Pages and exports of a run; not the time at which one of them says that it was made."""
    return {
        path.relative_to(out).as_posix(): path.read_bytes()
        for path in out.rglob("*")
        if path.is_file() and not {"taken", "results", "classroom50"} & set(path.parts)
    }


def test_points_by_hand_have_columns_of_their_own(
    marked: Callable[..., tuple[Assignment, tuple[Grade, ...]]],
    table: Callable[[str], Path],
    tmp_path: Path,
) -> None:
    out = tmp_path / "grades"
    marked(rubric=None)
    without = outputs(out)
    csv_file = table(HEAD + f"anna,structure,2,{COMMENT}\nanna,naming,1,\nben,naming,0,\n")
    _, (anna, ben) = marked(csv_file)
    assert (anna.final, anna.max_score, ben.final) == (10.0, 10.0, 10.0)

    first, second = rows((out / "scores.csv").read_text())
    columns = ("by_hand_structure", "by_hand_naming", "by_hand", "by_hand_max")
    assert [first[name] for name in columns] == ["2.0", "1.0", "3.0", "4.0"]
    assert [second[name] for name in columns] == ["", "0.0", "", "4.0"]
    assert (first["final"], first["max_score"]) == ("10.0", "10.0")
    (imported,) = rows((out / "exports/lms_by_hand.csv").read_text())  # ben is not complete
    assert imported["week01_first_task_by_hand"] == "3.0"
    assert (out / "exports/lms.csv").read_bytes() == without["exports/lms.csv"]
    for student in ("anna", "ben"):
        name = f"exports/gradescope/{student}/results.json"
        now, before = json.loads((out / name).read_bytes()), json.loads(without[name])
        assert ("Structure (2/2, by hand)" in now.pop("output")) == (student == "anna")
        assert before.pop("output") == ""
        assert now == before

    page = read((out / "reports/anna.html").read_text())
    assert "script" not in page.tags
    words = " ".join(page.words.split())
    assert "10 of 10 points" in words
    assert "3 of 4 points. These points are not part of the points above." in words
    assert "well dividedComment: </dd><script>alert(1)</script>" in words
    assert not {"\x1b", "\u202e"} & set(words)
    words = " ".join(read((out / "reports/ben.html").read_text()).words.split())
    assert "Not complete yet" in words
    assert "not yet graded" in words
    assert "not divided 0/2" in words
    assert "By hand" in read((out / "class.html").read_text()).words
    (students, _) = json.loads((out / "grades.json").read_text())["students"]
    assert students["by_hand"]["points"] == 3.0

    (out / KEPT).unlink()
    marked(rubric=None)  # a week without a rubric looks as before
    assert outputs(out) == without


def test_grading_again_keeps_points_by_hand(
    marked: Callable[..., tuple[Assignment, tuple[Grade, ...]]],
    table: Callable[[str], Path],
    homework: dict[str, bytes],
    folder: Callable[..., Path],
    tmp_path: Path,
) -> None:
    marked(table(HEAD + "anna,structure,2,\nanna,naming,2,\n"))
    kept = (tmp_path / "grades" / KEPT).read_bytes()
    changed = {name: content + b"\n# better\n" for name, content in homework.items()}
    folder("handed-in/anna", dict(changed))
    _, (anna, _) = marked(regrade=("anna", "1.3"))
    assert anna.by_hand and anna.by_hand.total == 4.0
    assert (tmp_path / "grades" / KEPT).read_bytes() == kept


def test_without_a_rubric_there_is_nothing_to_see(
    grades: tuple[Grade, ...], week: Week, manifest: Manifest
) -> None:
    pages = Pages(week, manifest, POLICY)
    texts = [pages.student(grade) for grade in grades]
    texts += [pages.whole_class(grades, 815), scores_csv(grades, manifest)]
    texts += [lms_csv(grades, week.name), json.dumps([grade.to_json() for grade in grades])]
    for text in texts:
        assert "by_hand" not in text
        assert "by hand" not in text.lower()
        assert "Graded by a person" not in text


def bootcamp(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "bootcamp", "grade", "submissions", "--out", "grades"]
    command += ["--roster", "roster.csv", "--allow-unsandboxed", *words]
    env = {**os.environ, "PYTHONPATH": str(paths.ROOT), "BOOTCAMP_STATE": str(folder / "state")}
    return subprocess.run(
        command, cwd=folder, env=env, capture_output=True, text=True, timeout=SECONDS, check=False
    )


def test_the_command_from_the_template_to_the_page(tmp_path: Path) -> None:
    """Week 9 with submissions of which nothing can be graded: no service has to start."""
    (tmp_path / "submissions/anna").mkdir(parents=True)
    (tmp_path / "submissions/anna/letter.txt").write_text("Where is my homework?")
    (tmp_path / "roster.csv").write_text("id,name\nanna,Anna Ünal\nben,Ben\n")
    for words in (("--notebooks",), ("--hand-grades-template", "new.csv")):
        wrong = bootcamp(tmp_path, "--week", "9", "--hand-grades", "hand.csv", *words)
        assert wrong.returncode == 2
    done = bootcamp(tmp_path, "--week", "9", "--hand-grades-template", "hand.csv")
    assert done.returncode == 0, done.stderr
    assert not (tmp_path / "grades").exists()
    template = (tmp_path / "hand.csv").read_text(encoding="utf-8")
    assert template.startswith("\ufeffstudent,criterion,points,comment")
    again = bootcamp(tmp_path, "--week", "9", "--hand-grades-template", "hand.csv")
    assert (again.returncode, "is not overwritten" in again.stderr) == (2, True)
    early = bootcamp(tmp_path, "--week", "1", "--hand-grades", "hand.csv")
    assert (early.returncode, "this week has no rubric" in early.stderr) == (2, True)

    filled = template.replace("anna,naming,,", "anna,naming,3,")
    (tmp_path / "hand.csv").write_text(filled, encoding="utf-8")
    wrong = bootcamp(tmp_path, "--week", "9", "--hand-grades", "hand.csv")
    assert wrong.returncode == 2
    assert "line 3: 3 points are more than the maximum of naming, 2" in wrong.stderr
    assert not (tmp_path / "grades").exists()
    (tmp_path / "hand.csv").write_text(filled.replace(",3,", ",1.5,"), encoding="utf-8")
    right = bootcamp(tmp_path, "--week", "9", "--hand-grades", "hand.csv")
    assert right.returncode == 0, right.stderr
    assert "Points by hand: 1 new, 0 changed, 1 in all." in right.stdout
    page = read((tmp_path / "grades/reports/anna.html").read_text()).words
    assert "1.5/2" in page
    assert page.count("not yet graded") == 3
