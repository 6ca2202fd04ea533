"""`progress`, `hint`, `solution` and `reset`, as a student types them."""

import json
import shutil
import sys

import pytest
from typer.testing import CliRunner

from bootcamp import paths
from bootcamp.cli.main import build, main
from bootcamp.errors import EXIT_USAGE, BootcampError, UsageError
from bootcamp.student import progress


def bootcamp(*arguments: str, answer: str | None = None):
    return CliRunner(env={"COLUMNS": "100"}).invoke(build(), list(arguments), input=answer)


def words(done) -> str:
    """The output with its line breaks and frames taken out."""
    return " ".join(done.output.replace("│", " ").split())


def passed(*items: str) -> dict:
    entries = [{"id": item, "outcome": "passed", "score": 2.0} for item in items]
    return {"week": 5, "items": entries}


def test_progress_before_the_first_check(tiny_week):
    done = bootcamp("progress")
    assert done.exit_code == 0, done.output
    assert "Count on [really]" in done.output
    assert "not checked" in done.output
    assert "read exercises/week05_tiny/README.md" in words(done)


def test_progress_says_what_is_next(tiny_week):
    progress.record(passed("5.1"))
    assert "bootcamp check 5.2" in words(bootcamp("progress"))
    progress.record(passed("5.2"))
    assert "nothing left to do" in words(bootcamp("progress"))
    (tiny_week.exercises / "pipeline" / "given.py").write_text("")
    assert "changed since it passed: bootcamp check 5" in words(bootcamp("progress"))


def test_progress_as_json_is_json_alone(tiny_week):
    progress.record(passed("5.1"))
    bootcamp("hint", "5.2")
    answer = json.loads(bootcamp("progress", "--json").output)
    (week,) = answer["weeks"]
    assert (week["week"], week["score"], week["max_score"]) == (5, 2.0, 5.0)
    assert week["passed"] is False
    first, second = week["items"]
    assert (first["id"], first["outcome"], first["best_score"]) == ("5.1", "passed", 2.0)
    assert (second["outcome"], second["hints_taken"], second["hints"]) == (None, 1, 4)


def test_each_hint_goes_one_step_further(tiny_week, tmp_path, monkeypatch):
    monkeypatch.setattr(paths, "ROOT", tmp_path)  # a link is shown from the root: one short line
    assert "What comes after one?" in words(bootcamp("hint", "5.1"))
    second = words(bootcamp("hint", "5.1"))
    assert "lessons/week05_tiny/01_counting.md#the-idea" in second
    assert "What comes after one?" not in second
    assert "01_counting.md#the-idea" in words(bootcamp("hint", "5.1", "--again"))
    assert "letter and the next one." in words(bootcamp("hint", "5.1"))
    last = words(bootcamp("hint", "5.1"))
    assert "number + 1" in last
    assert "That was the last hint. Read lessons/week05_tiny/01_counting.md" in last
    assert "number + 1" in words(bootcamp("hint", "5.1"))
    assert progress.hints_taken("5.1", "first") == 4


def test_all_hints_are_shown_question_first(tiny_week):
    text = words(bootcamp("hint", "5.2", "--all"))
    assert text.index("What is twice?") < text.index("number * 2")
    assert progress.hints_taken("5.2", "second") == 4


def test_an_item_with_several_functions_lists_them_and_each_has_its_own_ladder(state):
    listed = words(bootcamp("hint", "1.3"))
    assert "bootcamp hint 1.3 enqueue_articles 0 of 4 taken" in listed
    first = words(bootcamp("hint", "1.3", "enqueue_later"))
    assert "hint 1 of 4, question" in first
    assert "One step further: bootcamp hint 1.3 enqueue_later" in first
    second = words(bootcamp("hint", "1.3", "enqueue_later"))
    assert "lessons/week01_first_task/03_producer_broker_worker.md#the-code" in second
    assert "countdown=" not in first + second
    last = words(bootcamp("hint", "1.3", "enqueue_later", "--all"))
    assert "countdown=seconds" in last and "That was the last hint" in last
    listed = words(bootcamp("hint", "1.3"))
    assert "enqueue_articles 0 of 4 taken" in listed and "enqueue_later 4 of 4 taken" in listed
    assert progress.load().item("1.3").all_hints_taken == 4
    wrong = bootcamp("hint", "1.3", "enqueue").exception
    assert isinstance(wrong, UsageError) and "enqueue_later" in str(wrong)


def test_an_item_with_one_function_needs_no_name(state):
    assert "connection: hint 1 of 4" in words(bootcamp("hint", "1.1"))
    assert "hint 2 of 4" in words(bootcamp("hint", "1.1", "connection"))


def test_progress_shows_a_first_green_in_place_of_points(state):
    assert "first green" in words(bootcamp("progress"))


def test_a_hint_that_does_not_exist_is_a_usage_error(tiny_week):
    for item in ("5.9", "8.1", "five", "5", ""):
        assert isinstance(bootcamp("hint", item).exception, UsageError), item
    assert isinstance(bootcamp("hint", "5.1", "--again").exception, UsageError)


def test_brackets_in_what_was_typed_are_no_markup(tiny_week, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["bootcamp", "hint", "5.1[/bold]"])
    with pytest.raises(SystemExit) as stopped:
        main()
    assert stopped.value.code == EXIT_USAGE
    assert "'5.1[/bold]'" in capsys.readouterr().err


def test_a_solution_is_shown_once_the_item_passed(tiny_week):
    covered = bootcamp("solution", "5.1")
    assert isinstance(covered.exception, BootcampError)
    assert "number + 1" not in covered.output
    progress.record(passed("5.1"))
    shown = bootcamp("solution", "5.1")
    assert shown.exit_code == 0
    assert "return number + 1" in shown.output
    assert "number * 2" not in shown.output
    assert "solutions/week05_tiny/pipeline/homework.py:8" in words(shown)
    assert not progress.revealed("5.1")


def test_giving_up_is_asked_for_and_kept(tiny_week):
    refused = bootcamp("solution", "5.2", "--give-up", answer="n\n")
    assert refused.exit_code == 1
    assert "number * 2" not in refused.output
    assert not progress.revealed("5.2")
    assert "number * 2" in bootcamp("solution", "5.2", "--give-up", answer="y\n").output
    assert "number * 2" in bootcamp("solution", "5.2").output
    assert "solution shown" in words(bootcamp("progress"))


def test_reset_puts_the_start_back_and_keeps_the_work(tiny_week):
    homework = tiny_week.exercises / "pipeline" / "homework.py"
    start = homework.read_bytes()
    homework.write_text("mine = 1\n")
    own = tiny_week.exercises / "pipeline" / "own.py"
    own.write_text("mine = 2\n")
    assert bootcamp("reset", "5", answer="n\n").exit_code == 1
    assert homework.read_text() == "mine = 1\n"
    done = bootcamp("reset", "5", answer="y\n")
    assert done.exit_code == 0, done.output
    assert homework.read_bytes() == start
    assert not own.exists()
    command = next(line for line in done.output.splitlines() if "cp -R" in line)
    _, _, source, target = command.split()
    shutil.copytree(source, target, dirs_exist_ok=True)
    assert homework.read_text() == "mine = 1\n"
    assert own.read_text() == "mine = 2\n"


def test_reset_of_a_fresh_week_does_nothing(tiny_week):
    assert "nothing to reset" in bootcamp("reset", "5").output
    assert not (paths.state_dir() / "backups").exists()


def test_reset_works_when_everything_is_gone(tiny_week):
    start = (tiny_week.exercises / "pipeline" / "homework.py").read_bytes()
    shutil.rmtree(tiny_week.exercises)
    assert bootcamp("reset", "week05_tiny", "--yes").exit_code == 0
    assert (tiny_week.exercises / "pipeline" / "homework.py").read_bytes() == start


def test_reset_of_one_item_leaves_other_files_and_names_the_neighbours(tiny_week):
    given = tiny_week.exercises / "pipeline" / "given.py"
    given.write_text("LIMIT = 4\n")
    (tiny_week.exercises / "pipeline" / "homework.py").write_bytes(b"\xff broken \0")
    done = bootcamp("reset", "5", "--item", "5.1", "--yes")
    assert done.exit_code == 0, done.output
    assert "Work on 5.2 is in these files too" in words(done)
    assert given.read_text() == "LIMIT = 4\n"


def test_two_resets_in_one_second_keep_two_backups(tiny_week):
    homework = tiny_week.exercises / "pipeline" / "homework.py"
    for text in ("one", "two"):
        homework.write_text(text)
        bootcamp("reset", "5", "--yes")
    kept = {path.read_text() for path in (paths.state_dir() / "backups").rglob("homework.py")}
    assert kept == {"one", "two"}
