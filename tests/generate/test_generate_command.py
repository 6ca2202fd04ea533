"""`bootcamp generate`: what it writes, what it takes away, and whose work it never touches."""

import pytest
from typer.testing import CliRunner

from bootcamp import paths
from bootcamp.authoring.generate import differences, generate
from bootcamp.cli.main import build
from bootcamp.errors import BootcampError


def run(*arguments: str):
    return CliRunner().invoke(build(), ["generate", *arguments], catch_exceptions=True)


def test_it_writes_homework_cut_and_given_files_whole(week):
    generate(week)
    package = week.exercises / "pipeline"
    homework = (package / "homework.py").read_text()
    assert "    # TODO 5.1: Pick the wait at random.\n" in homework
    assert homework.endswith('    raise NotImplementedError("5.1")\n')
    given = week.solutions / "pipeline" / "parts" / "given.py"
    assert (package / "parts" / "given.py").read_bytes() == given.read_bytes()
    assert differences(week) == []


def test_a_second_run_writes_nothing(week):
    generate(week)
    before = {path: path.stat().st_mtime_ns for path in week.exercises.rglob("*") if path.is_file()}
    assert not generate(week)
    after = {path: path.stat().st_mtime_ns for path in week.exercises.rglob("*") if path.is_file()}
    assert before == after


def test_a_solution_with_windows_line_ends_gives_plain_ones(week):
    path = week.solutions / "pipeline" / "homework.py"
    path.write_bytes(path.read_bytes().replace(b"\n", b"\r\n"))
    generate(week)
    assert b"\r" not in (week.exercises / "pipeline" / "homework.py").read_bytes()


def test_an_untouched_exercise_follows_its_solution(week):
    generate(week)
    solution = week.solutions / "pipeline" / "homework.py"
    solution.write_text(solution.read_text().replace("Seconds to wait.", "How long."))
    (week.solutions / "pipeline" / "parts" / "given.py").unlink()
    assert len(differences(week)) == 3  # a different file, a stale one, and the record of both
    generate(week)
    assert "How long." in (week.exercises / "pipeline" / "homework.py").read_text()
    assert not (week.exercises / "pipeline" / "parts").exists()


def test_a_students_work_is_never_replaced(week):
    generate(week)
    exercise = week.exercises / "pipeline" / "homework.py"
    exercise.write_text(exercise.read_text().replace("raise", "return 1  # raise"))
    mine = exercise.read_text()
    with pytest.raises(BootcampError, match=r"homework\.py"):
        generate(week)
    assert exercise.read_text() == mine
    generate(week, force=True)
    assert exercise.read_text() != mine
    (kept,) = (paths.state_dir() / "backups").rglob("homework.py")
    assert kept.read_text() == mine


def test_without_a_record_every_difference_counts_as_work(week):
    generate(week)
    (week.exercises / ".scaffold.json").write_text("{ broken")
    exercise = week.exercises / "pipeline" / "homework.py"
    exercise.write_text("mine = 1\n")
    with pytest.raises(BootcampError):
        generate(week)
    assert exercise.read_text() == "mine = 1\n"


def test_a_refusal_changes_no_other_file(week):
    generate(week)
    (week.exercises / "pipeline" / "homework.py").write_text("mine = 1\n")
    given = week.exercises / "pipeline" / "parts" / "given.py"
    given.unlink()
    with pytest.raises(BootcampError):
        generate(week)
    assert not given.exists()


def test_the_homework_page_and_a_students_own_files_are_left_alone(week):
    (week.exercises / "pipeline").mkdir(parents=True)
    (week.exercises / "README.md").write_text("Homework")
    (week.exercises / "pipeline" / "notes.txt").write_text("mine")
    assert generate(week).extra
    assert (week.exercises / "README.md").read_text() == "Homework"
    assert (week.exercises / "pipeline" / "notes.txt").read_text() == "mine"


def test_the_command_checks_and_writes(week):
    missing = run("--check")
    assert missing.exit_code == 1
    assert "missing" in missing.output
    assert "homework.py" in missing.output
    assert not week.exercises.exists()
    assert run("5").exit_code == 0
    assert run("--check").exit_code == 0
    exercise = week.exercises / "pipeline" / "homework.py"
    exercise.write_text("mine = 1\n")
    assert run("--check").exit_code == 1
    assert isinstance(run().exception, BootcampError)
    assert exercise.read_text() == "mine = 1\n"


def test_a_folder_that_cannot_be_written_is_a_clear_error(week):
    week.exercises.write_text("a file where the folder should be")
    with pytest.raises(BootcampError, match="Cannot write"):
        generate(week)


def test_a_week_says_how_long_its_blocks_are(week):
    week.lessons.mkdir(parents=True)
    (week.lessons / "week.toml").write_text('title = "tiny"\n')
    with pytest.raises(BootcampError, match=r"cuts out 1 lines; 3 to 20 are allowed"):
        generate(week)
    (week.lessons / "week.toml").write_text("[blocks]\nlines = [1, 2]\n")
    assert generate(week)
