"""What has to be graded: everything once, and after that only what changed or was asked for."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path, PurePosixPath

import pytest

from autograder.classroom.execution.fingerprint import SEEDS, of_graders, of_submission, seed_of
from autograder.classroom.execution.grading import Redo, Task, merged, plan, with_dependents
from autograder.classroom.execution.grading_process import Answer
from autograder.classroom.execution.records import ItemRecord, Key, Record, Results
from autograder.classroom.intake.names import cell, file_stem
from bootcamp.course.manifest import Manifest
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import Week, find_week

MakeRecord = Callable[..., Record]
EVERY = ("1.0", "1.1", "1.2", "1.3", "1.4", "1.5")
HERE = Path("taken")


def key(submission: str = "files", seed: int = 4711) -> Key:
    return Key(submission=submission, seed=seed)


def items(task: Task | None) -> tuple[str, ...]:
    return task.items if task else ()


@pytest.mark.parametrize(
    ("now", "graders", "expected"),
    [
        (key(), "graders", ()),
        (key(submission="others"), "graders", EVERY),
        (key(), "newer", EVERY),
        (key(seed=1), "graders", EVERY),
    ],
)
def test_a_result_holds_while_nothing_changed(
    record: MakeRecord, manifest: Manifest, now: Key, graders: str, expected: tuple[str, ...]
) -> None:
    assert items(plan("anna", HERE, now, graders, record(), manifest, Redo())) == expected
    assert items(plan("anna", HERE, now, graders, None, manifest, Redo())) == EVERY


def test_only_what_the_grader_broke_on_is_tried_again(
    record: MakeRecord, manifest: Manifest
) -> None:
    stored = record(outcomes={"1.3": Outcome.GRADER_ERROR, "1.4": Outcome.FAILED})
    found = items(plan("anna", HERE, key(), "graders", stored, manifest, Redo()))
    assert found == ("1.1", "1.2", "1.3")  # 1.3 builds on the others


def test_regrading_a_student_leaves_the_others_alone(
    record: MakeRecord, manifest: Manifest, week: Week
) -> None:
    redo = Redo(students=frozenset({"anna"}))
    task = plan("anna", HERE, key(), "graders", record(), manifest, redo)
    assert task is not None
    assert task.items == EVERY
    after = merged(task, week, Answer(record().items, "none", 2.0))
    assert "1.0, 1.1, 1.2, 1.3, 1.4, 1.5 at" in after.regraded[0]
    assert plan("ben", HERE, key(), "newer", record("ben"), manifest, redo) is None


def test_regrading_an_item_takes_what_it_needs_and_what_builds_on_it_and_keeps_the_rest(
    record: MakeRecord, manifest: Manifest, week: Week
) -> None:
    redo = Redo(items=frozenset({"1.3"}))
    stored = record(outcomes={"1.1": Outcome.FAILED, "1.0": Outcome.FAILED})
    task = plan("anna", HERE, key(), "newer", stored, manifest, redo)
    assert task is not None
    assert task.items == ("1.1", "1.2", "1.3")
    newer = [one for one in record(outcomes={"1.3": Outcome.FAILED}).items if one.id in task.items]
    after = merged(task, week, Answer(tuple(newer), "none", 2.0))
    outcomes = {one.id: one.outcome for one in after.items}
    assert (outcomes["1.1"], outcomes["1.3"]) == (Outcome.PASSED, Outcome.FAILED)
    assert outcomes["1.0"] is Outcome.FAILED
    assert {one.id: one.graders for one in after.items if one.graders == "newer"} == dict.fromkeys(
        task.items, "newer"
    )
    assert after.seconds == stored.seconds + 2.0
    assert "1.1, 1.2, 1.3 at" in after.regraded[0]
    # What older graders have graded is not fresh: the next run grades it.
    again = items(plan("anna", HERE, key(), "newer", after, manifest, Redo()))
    assert again == ("1.0", "1.1", "1.2", "1.4", "1.5")
    skipped = record(outcomes={"1.1": Outcome.FAILED, "1.4": Outcome.SKIPPED})
    assert "1.4" in items(plan("anna", HERE, key(), "graders", skipped, manifest, redo))


def test_an_item_that_is_new_in_the_week_is_graded(
    record: MakeRecord, manifest: Manifest, week: Week
) -> None:
    whole = record()
    stored = whole.model_copy(update={"items": whole.items[:1]})
    task = plan("anna", HERE, key(), "graders", stored, manifest, Redo())
    assert items(task) == EVERY[1:]
    assert task is not None
    after = merged(task, week, Answer(whole.items[1:], "none", 2.0))
    assert tuple(one.id for one in after.items) == EVERY


def test_with_dependents_follows_chains(manifest: Manifest) -> None:
    assert with_dependents(manifest, {"1.5"}) == ("1.5",)
    assert with_dependents(manifest, {"1.1"}) == EVERY[1:]


def test_a_process_that_died_is_the_graders_fault_on_each_item(
    manifest: Manifest, week: Week
) -> None:
    task = plan("anna", HERE, key(), "graders", None, manifest, Redo())
    assert task is not None
    found = merged(task, week, Answer(problem="the grading process died (exit code -9)"))
    assert found.broken == EVERY
    assert "exit code -9" in found.items[0].text


def test_results_come_back_as_they_were_kept(record: MakeRecord, tmp_path: Path) -> None:
    results = Results(tmp_path)
    assert results.load("anna") is None
    kept = record(
        outcomes={"1.3": Outcome.FAILED},
        text="<b>\x1b[1m =1+1 \ud800".encode("utf-8", "replace").decode(),
    )
    results.save(kept)
    assert results.load("anna") == kept


@pytest.mark.parametrize("damage", [b"", b"{", b'{"student": "anna"}', b"\xff\xfe"])
def test_a_damaged_result_counts_as_none(record: MakeRecord, tmp_path: Path, damage: bytes) -> None:
    results = Results(tmp_path)
    results.save(record())
    results.path("anna").write_bytes(damage)
    assert results.load("anna") is None


def test_a_result_of_another_student_is_not_taken(record: MakeRecord, tmp_path: Path) -> None:
    results = Results(tmp_path)
    results.save(record("anna"))
    results.path("anna").rename(results.path("ben"))
    assert results.load("ben") is None


NAMES = ["anna", "Anna", "ANNA", "../../x", "..", "a/b", "a b", "", "con", "nul.txt", "ü", "u", "x" * 300,
         "x" * 299, "=1+1", "\0", "a\nb", "anna.", ".anna", "anna@example.org", "\ud800"]  # fmt: skip


def test_file_names_are_safe_and_never_shared() -> None:
    stems = [file_stem(name) for name in NAMES]
    assert len({stem.casefold() for stem in stems}) == len(NAMES)
    for stem in stems:
        assert 0 < len(stem) <= 80
        assert set(stem) <= set("abcdefghijklmnopqrstuvwxyz0123456789-_.@")
        assert stem[0] not in ".-"
    assert file_stem("anna") == "anna"
    assert file_stem("anna@example.org") == "anna@example.org"


def test_cells_that_a_spreadsheet_would_run_are_text() -> None:
    for text in ("=1+1", "+1", "-1", "@x", "\t=1", "  =HYPERLINK(1)", "\r=1"):
        assert not str(cell(text)).lstrip(" ").startswith(("=", "+", "-", "@", "\t", "\r"))
    assert cell(-1.5) == -1.5
    assert cell("plain") == "plain"


def test_the_hash_of_a_submission_is_of_names_and_contents() -> None:
    a, b = PurePosixPath("a.py"), PurePosixPath("b.py")
    assert of_submission({a: b"1", b: b"2"}) == of_submission({b: b"2", a: b"1"})
    different = [{a: b"1", b: b"2"}, {a: b"2", b: b"1"}, {a: b"12", b: b""}, {a: b"1"}, {}]
    assert len({of_submission(files) for files in different}) == len(different)


def test_who_hands_in_again_gets_other_inputs_and_who_is_graded_again_the_same() -> None:
    seeds = {seed_of(4711, submission) for submission in ("a", "b", "c")}
    assert len(seeds | {seed_of(4712, "a")}) == 4
    assert seed_of(4711, "a") in seeds
    assert all(0 <= seed < SEEDS for seed in seeds)


def test_the_hash_of_the_graders_is_the_weeks_own() -> None:
    assert of_graders(find_week("1")) == of_graders(find_week("1"))
    assert of_graders(find_week("1")) != of_graders(find_week("2"))


def test_an_item_record_reads_as_a_card(record: MakeRecord) -> None:
    (item,) = [one for one in record(outcomes={"1.3": Outcome.FAILED}).items if one.why]
    assert isinstance(item, ItemRecord)
    assert item.text == "came back: it came back wrong\nyour log | it came back wrong"
