"""The last commit before the due moment, per student: which one, why, and that nothing of it runs."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest

from autograder.classroom.assignment import Assignment
from autograder.classroom.entry import Options
from autograder.classroom.intake.git import GitTree
from autograder.classroom.intake.trees import Unread
from bootcamp.course.weeks import Week
from tests.classroom.test_intake_git import PEOPLE
from tests.classroom.test_reports import read

DUE = datetime(2026, 11, 27, 23, 0, tzinfo=UTC)
PRODUCER = "pipeline/producer.py"
POLICY = 'commit = "last_before_due"\ndue = 2026-11-27T23:00:00Z\n[late]\npercent_per_day = 10\n'


def git(folder: Path, *words: str, day: int = 27, hour: int = 20) -> str:
    when = f"2026-11-{day}T{hour}:00:00+00:00"
    env = {**os.environ, **PEOPLE, "GIT_AUTHOR_DATE": when, "GIT_COMMITTER_DATE": when}
    return subprocess.run(
        ["git", *words], cwd=folder, env=env, check=True, capture_output=True, text=True
    ).stdout.strip()


Commit = Callable[..., None]


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    folder = tmp_path / "all/anna"
    (folder / "pipeline").mkdir(parents=True)
    git(folder, "init", "--quiet", "--initial-branch=main")
    return folder


@pytest.fixture
def commit(repo: Path) -> Commit:
    def make(text: str, **when: int) -> None:
        (repo / PRODUCER).write_text(text)
        git(repo, "add", ".")
        git(repo, "commit", "--quiet", "-m", text, **when)

    return make


def chosen(
    repo: Path, before: datetime | None = DUE, revision: str = "main"
) -> tuple[str, str, str]:
    """The homework of the commit that is read, why that one, and what is odd."""
    with GitTree(str(repo), revision, before) as tree:
        (entry,) = [one for one in tree.entries() if str(one.path) == PRODUCER]
        return tree.read(entry, 1000).decode(), tree.why, tree.odd


def test_the_last_commit_in_time_counts(repo: Path, commit: Commit) -> None:
    commit("first", hour=10)
    commit("in time", hour=23)  # at the due moment itself
    commit("late", day=28)
    commit("later", day=29)
    text, why, odd = chosen(repo)
    assert (text, odd) == ("in time", "")
    assert "the last one before 2026-11-27 23:00 UTC; 2 later ones do not count" in why
    assert why.startswith(f"commit {git(repo, 'rev-parse', 'main~2')[:10]} of 2026-11-27 23:00 UTC")
    text, why, _ = chosen(repo, None)
    assert (text, why[-6:]) == ("later", ", main")


def test_without_a_commit_in_time_the_newest_counts_and_is_late(repo: Path, commit: Commit) -> None:
    commit("late", day=28)
    commit("later", day=29)
    text, why, _ = chosen(repo)
    assert text == "later"
    assert "the newest: none is before the due moment" in why


def test_what_a_merge_brings_in_is_not_the_last_word(repo: Path, commit: Commit) -> None:
    """The course publishes a week on the due day, and the student merges it the day after."""
    commit("mine", hour=10)
    git(repo, "checkout", "--quiet", "-b", "course", "main")
    (repo / "week02.md").write_text("new week")
    git(repo, "add", ".")
    git(repo, "commit", "--quiet", "-m", "week 2", hour=22)
    git(repo, "checkout", "--quiet", "main")
    commit("mine, better", hour=12)
    git(repo, "merge", "--quiet", "--no-edit", "course", day=28)
    assert chosen(repo)[0] == "mine, better"


def test_a_commit_that_is_dated_back_is_told(repo: Path, commit: Commit) -> None:
    commit("in time", hour=10)
    commit("late", day=28)
    commit("dated back", hour=21)
    text, _, odd = chosen(repo)
    assert text == "dated back"
    assert odd == "a commit dated before the due moment builds on one dated after it"


def test_hooks_filters_and_configuration_of_the_repository_do_not_run(
    repo: Path, commit: Commit, tmp_path: Path
) -> None:
    commit("fine")
    (repo / ".gitattributes").write_text("*.py filter=evil\n")
    git(repo, "add", ".gitattributes")
    git(repo, "commit", "--quiet", "-m", "attributes")
    ran = tmp_path / "ran"
    script = f"sh -c 'touch {ran}; cat'"
    for name in (
        "filter.evil.smudge", "filter.evil.clean", "core.fsmonitor", "core.sshCommand",
        "uploadpack.packObjectsHook", "core.alternateRefsCommand", "core.pager", "diff.external",
        "core.gitProxy", "credential.helper",
    ):  # fmt: skip
        git(repo, "config", name, script)
    for name in ("post-upload-pack", "pre-receive", "post-checkout", "reference-transaction"):
        hook = repo / ".git/hooks" / name
        hook.parent.mkdir(exist_ok=True)
        hook.write_text(f"#!/bin/sh\ntouch {ran}\n")
        hook.chmod(0o755)
    git(repo, "config", "remote.origin.url", f"ext::sh -c 'touch {ran}'")
    git(repo, "config", "remote.origin.promisor", "true")
    git(repo, "config", "extensions.partialClone", "origin")
    assert chosen(repo)[0] == "fine"
    # An object is missing: the repository's own remote must not be asked for it.
    blob = git(repo, "rev-parse", f"main:{PRODUCER}")
    (repo / ".git/objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(Unread):
        chosen(repo)
    assert not ran.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give a file away")
def test_a_repository_of_another_user_is_not_read_and_no_zero(repo: Path, commit: Commit) -> None:
    commit("fine")
    for path in (repo, repo / ".git"):
        os.chown(path, 12345, 12345)
    with pytest.raises(Unread, match="dubious ownership"):
        chosen(repo)


def test_each_student_has_a_due_moment_of_their_own(
    repo: Path, commit: Commit, week: Week, tmp_path: Path
) -> None:
    commit("in time")
    commit("a day late", day=28)
    commit("much later", day=29)
    (tmp_path / "empty").mkdir()
    (tmp_path / "policy.toml").write_text(POLICY)
    copy = shutil.copytree(repo, tmp_path / "ben")
    (tmp_path / "roster.csv").write_text(
        f"id,repository,extension,group\nanna,{repo},,\nben,{copy},1d,\ncleo,{repo.parent}/../ben,2d,\n"
    )
    options = Options(
        tmp_path / "empty", tmp_path / "grades", tmp_path / "roster.csv", tmp_path / "policy.toml"
    )
    assignment = Assignment(week, options)
    with assignment.held():
        summary = assignment.publish(assignment.grades())
    later = [one["commit"].partition("; ")[2] for one in summary["students"]]
    assert later == ["2 later ones do not count", "1 later one does not count", ""]
    page = read((tmp_path / "grades/class.html").read_text()).words
    assert "the last one before" in page
    assert "the last one before" in read((tmp_path / "grades/reports/anna.html").read_text()).words


def test_clones_in_the_folder_are_read_so_too(
    repo: Path, commit: Commit, week: Week, tmp_path: Path
) -> None:
    commit("in time")
    commit("late", day=28)
    (tmp_path / "policy.toml").write_text(POLICY)
    options = Options(repo.parent, tmp_path / "grades", policy=tmp_path / "policy.toml")
    assignment = Assignment(week, options)
    with assignment.held():
        (anna,) = assignment.grades()
        assert (assignment.folders()["anna"] / PRODUCER).read_text() == "in time"
    assert "1 later one does not count" in anna.commit
