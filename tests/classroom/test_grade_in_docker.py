"""`bootcamp grade --docker`: the words that start the container, what goes through its pipes, and what is
said where it cannot work. `test_grade_in_container.py` starts real containers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from autograder.classroom.execution import container, docker
from autograder.classroom.execution.grading_process import Answer, Job
from autograder.classroom.execution.messages import Greeting, HandedIn, Reply
from autograder.classroom.execution.records import ItemRecord
from autograder.sandbox import network
from autograder.sandbox.tiers import Tier
from bootcamp.cli import grade_class
from bootcamp.course.manifest import Check, load_manifest
from bootcamp.course.outcome import Outcome
from bootcamp.course.weeks import find_week
from bootcamp.errors import BootcampError, UsageError

STAMP = "landlock, own user, seccomp, own ports"
VERSIONS = {"python": "3.13.0"}
FILES = {"pipeline/producer.py": b"\xff\x00 = 1\n", "pipeline/deeper/x.py": b""}

Fake = Callable[..., Path]


@pytest.fixture
def fake(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Fake:
    """Put a `docker` of our own on PATH: a script of the shell, alone there."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))

    def make(script: str) -> Path:
        (folder / "docker").write_text(f"#!/bin/sh\nPATH=/usr/bin:/bin\n{script}\n")
        (folder / "docker").chmod(0o755)
        return folder / "docker"

    return make


POINTS = {one.id: one.points for one in load_manifest(find_week("1")).items}


def item(score: float = 2.0, name: str = "1.1") -> ItemRecord:
    most = POINTS.get(name, 2.0)
    return ItemRecord(
        id=name, title="", outcome=Outcome.PASSED, score=score, max_score=most, seconds=0.1
    )


def job(folder: Path, student: str = "anna") -> Job:
    return Job(student, "week01_first_task", folder, ("1.1", "1.2"), 4711)


def says(*messages: Greeting | Reply, then: str = "exit 0") -> str:
    """A `docker` that takes all jobs and prints these lines."""
    lines = [message.line().decode() for message in messages]
    out = [f"cat <<'END'\n{line}END" for line in lines]
    return "\n".join([out[0], 'while read -r line && [ -n "$line" ]; do :; done', *out[1:], then])


GREETING = Greeting(tier=Tier.LANDLOCK, own_user=True, versions=VERSIONS)


# -- words -----------------------------------------------------------------------------------


def after(words: list[str], option: str) -> list[str]:
    return [words[place + 1] for place, word in enumerate(words) if word == option]


def test_the_container_has_no_way_out() -> None:
    words = container.run_words("image:tag", "some-name", 2)
    assert words[:2] == ["docker", "run"]
    assert words[-2:] == ["image:tag", "2"]
    for option in ("--rm", "--init", "--interactive", "--read-only"):
        assert option in words
    assert after(words, "--name") == ["some-name"]
    assert after(words, "--network") == ["none"]
    assert after(words, "--cap-drop") == ["ALL"]
    assert after(words, "--cap-add") == list(container.RIGHTS)
    assert not {"SYS_ADMIN", "NET_ADMIN", "NET_RAW", "MKNOD"} & set(container.RIGHTS)
    assert after(words, "--security-opt") == ["no-new-privileges"]
    assert after(words, "--pull") == ["never"]
    assert not {"--volume", "-v", "--mount", "--privileged", "--env", "-e"} & set(words)


def test_its_limits_grow_with_the_number_of_grading_processes() -> None:
    one, three = (container.run_words("image", "name", number) for number in (1, 3))
    for option in ("--memory", "--memory-swap", "--pids-limit"):
        assert 3 * int(after(one, option)[0]) == int(after(three, option)[0]) > 0
    assert after(one, "--memory") == after(one, "--memory-swap")
    assert (
        ":exec," in after(one, "--tmpfs")[0]
    )  # the browser of week 7 is started by a script there
    size = int(after(one, "--tmpfs")[0].rpartition("size=")[2])
    assert size < int(after(one, "--memory")[0]) / 2  # a full /tmp is an error in it, not its end


def test_another_course_is_another_image(tmp_path: Path) -> None:
    for name in container.SINGLE:
        (tmp_path / name).write_text("")
    solution = tmp_path / "solutions" / "week01_first_task" / "x.py"
    solution.parent.mkdir(parents=True)
    solution.write_text("x = 1\n")
    first = container.image_name(tmp_path)
    assert first.startswith(f"{container.REPOSITORY}:")
    (solution.parent / "__pycache__").mkdir()
    (solution.parent / "__pycache__" / "x.pyc").write_bytes(b"1")
    wrong = tmp_path / "autograder" / "week01_first_task" / "wrong" / "x.py"
    wrong.parent.mkdir(parents=True)
    wrong.write_text("not in the image\n")
    assert container.image_name(tmp_path) == first
    solution.write_text("x = 2\n")
    assert container.image_name(tmp_path) != first
    (tmp_path / "Dockerfile").unlink()
    with pytest.raises(OSError, match="Dockerfile"):
        container.image_name(tmp_path)


# -- pipes -----------------------------------------------------------------------------------


def test_a_job_comes_out_as_it_went_in(folder: Fake, tmp_path: Path) -> None:
    sent = HandedIn.of(job(folder("taken", FILES)))  # type: ignore[arg-type]
    line = sent.line()
    assert line.count(b"\n") == 1
    came = HandedIn.model_validate_json(line).unpack(tmp_path / "inside")
    assert came == replace(job(tmp_path), folder=tmp_path / "inside")
    assert {name: (came.folder / name).read_bytes() for name in FILES} == FILES


@pytest.mark.parametrize(
    ("items", "credible"),
    [
        ((item(),), True),
        ((item(), item(0.0, "1.2")), True),
        ((item(name="9.9"),), False),
        ((item(1000.0),), False),
        ((item(-1.0),), False),
        ((item(float("nan")),), False),
        ((item().model_copy(update={"max_score": 1000.0, "score": 1000.0}),), False),
    ],
)
def test_only_an_answer_that_can_be_is_taken(
    items: tuple[ItemRecord, ...], credible: bool, tmp_path: Path
) -> None:
    assert docker.is_credible(job(tmp_path), Answer(items)) is credible


def test_a_bonus_of_the_manifest_is_credible(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    manifest = load_manifest(find_week("1"))
    check = Check(id="fast", title="Is fast", points=0.5, tests=("test_x",), bonus=True)
    items = [one.model_copy(update={"checks": (check,)}) for one in manifest.items]
    changed = manifest.model_copy(update={"items": tuple(items)})
    monkeypatch.setattr(docker, "load_manifest", lambda week: changed)
    assert docker.is_credible(job(tmp_path), Answer((item(2.5),)))
    assert not docker.is_credible(job(tmp_path), Answer((item(3.0),)))


def run(folder: Path, *students: str, unsandboxed: bool = False) -> dict[str, Answer]:
    jobs = [job(folder, student) for student in students]
    return {one.student: answer for one, answer in docker.run_jobs(jobs, 1, "image", unsandboxed)}


def test_answers_carry_the_versions_of_the_container(fake: Fake, tmp_path: Path) -> None:
    fake(says(GREETING, Reply(student="anna", answer=Answer((item(),), STAMP, 1.5))))
    answers = run(tmp_path / "none", "anna")
    assert answers == {"anna": Answer((item(),), STAMP, 1.5, versions=VERSIONS)}


def test_whoever_has_no_answer_when_it_dies_has_a_grader_error(fake: Fake, tmp_path: Path) -> None:
    reply = Reply(student="anna", answer=Answer((item(),)))
    fake(says(GREETING, reply, then="echo no memory >&2; exit 137"))
    answers = run(tmp_path / "none", "anna", "ben")
    assert not answers["anna"].problem
    assert answers["ben"].broken
    assert "137" in answers["ben"].problem
    assert "no memory" in answers["ben"].problem


def test_an_answer_about_others_is_worth_nothing(fake: Fake, tmp_path: Path) -> None:
    fake(says(GREETING, Reply(student="zoe", answer=Answer((item(),)))))
    assert run(tmp_path / "none", "anna")["anna"].broken
    fake(says(GREETING, Reply(student="anna", answer=Answer((item(1000.0),)))))
    assert run(tmp_path / "none", "anna")["anna"].broken


# -- errors ----------------------------------------------------------------------------------


def test_without_docker_the_error_says_what_to_install(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(UsageError, match="not on PATH") as error:
        docker.in_docker()
    assert "Install Docker" in error.value.next_step


def test_an_engine_that_does_not_answer_is_told_with_its_words(fake: Fake) -> None:
    fake("echo 'Cannot connect to the Docker daemon' >&2; exit 1")
    with pytest.raises(UsageError, match="Cannot connect to the Docker daemon") as error:
        docker.in_docker()
    assert "docker ps" in error.value.next_step


def test_an_engine_that_hangs_does_not_hang_us(fake: Fake, monkeypatch: pytest.MonkeyPatch) -> None:
    fake("exec sleep 60")
    monkeypatch.setattr(docker, "ENGINE_SECONDS", 0.5)
    with pytest.raises(UsageError, match="does not answer"):
        docker.in_docker()


def test_an_image_that_cannot_be_built_is_told(fake: Fake) -> None:
    fake('case "$1" in ps) exit 0;; *) exit 7;; esac')
    with pytest.raises(UsageError, match="could not be built") as error:
        docker.in_docker()
    assert "7" in error.value.message


def test_an_image_that_is_there_is_not_built_again(fake: Fake, tmp_path: Path) -> None:
    fake(f'echo "$1" >> {tmp_path}/asked')
    docker.in_docker()
    assert (tmp_path / "asked").read_text().split() == ["ps", "image"]


def test_a_container_that_does_not_start_is_told_with_its_words(fake: Fake, tmp_path: Path) -> None:
    fake("echo 'unknown flag' >&2; exit 125")
    with pytest.raises(BootcampError, match=r"(?s)125.*unknown flag"):
        run(tmp_path / "none", "anna")
    fake("echo hello")
    with pytest.raises(BootcampError, match="answer is none"):
        run(tmp_path / "none", "anna")


def test_a_container_without_a_sandbox_needs_a_word(fake: Fake, tmp_path: Path) -> None:
    for greeting in (
        GREETING.model_copy(update={"tier": Tier.LIMITS}),
        GREETING.model_copy(update={"own_user": False}),
    ):
        fake(says(greeting, Reply(student="anna", answer=Answer((item(),)))))
        with pytest.raises(UsageError, match="no sandbox works"):
            run(tmp_path / "none", "anna")
        assert not run(tmp_path / "none", "anna", unsandboxed=True)["anna"].broken


def test_a_weak_sandbox_points_to_docker_where_it_is(
    fake: Fake, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grade_class, "strongest", lambda: Tier.LIMITS)
    monkeypatch.setattr(network, "is_possible", lambda: False)
    with pytest.raises(UsageError) as error:
        grade_class.tier_here(unsandboxed=False)
    assert "--docker" not in error.value.next_step
    fake("exit 0")
    with pytest.raises(UsageError) as error:
        grade_class.tier_here(unsandboxed=False)
    assert "--docker" in error.value.next_step
