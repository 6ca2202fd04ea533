"""A week is content alone: a toy week 10 in a copy of the course, made of its own folders only.

It replaces the parser, routes a step to a queue of its own and limits its rate, moves the outbox out
of the API, publishes when a row is written, and adds a migration and a page.
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import psycopg
import pytest
import redis

from bootcamp import paths
from bootcamp.course.layers import Layer, Source, reference_layers
from bootcamp.course.weeks import Week, all_weeks
from bootcamp.stack import Run, Stack
from bootcamp.stack.apps import Apps, layer_environment
from bootcamp.stack.keys import OFF
from tests.authoring.toy_week import FILES, NAME

SECONDS = 120
GENERATED = {
    "ARCHITECTURE.md",
    "docs/course.md",
    "lessons/README.md",
    "pyproject.toml",
    "pyrightconfig.json",
    "teaching/SYLLABUS.md",
}
"""Files outside of its own folders that name the week: `bootcamp generate` writes them."""
SEAMS = """
import json, threading
from pipeline.outbox import dispatching
from pipeline.tasks.celery_config import app

async def threads():
    async with dispatching(None):
        return [one.name for one in threading.enumerate()]

import anyio
app.loader.import_default_modules()
task = app.tasks["pipeline.embed_chunks"]
route = app.amqp.router.route({}, task.name)
print(json.dumps([route["queue"].name, task.rate_limit, anyio.run(threads)]))
"""


@pytest.fixture(scope="module")
def course(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the course, as git has it, with the toy week in it."""
    copy = tmp_path_factory.mktemp("toy") / "course"
    listed = subprocess.run(
        ["git", "ls-files", "-z"], cwd=paths.ROOT, check=True, capture_output=True, text=True
    )
    for name in listed.stdout.split("\0"):
        if name and not name.startswith("tests/") and (paths.ROOT / name).is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(paths.ROOT / name, copy / name)
    for words in (["init", "--quiet"], ["add", "--all"]):
        subprocess.run(["git", *words], cwd=copy, check=True)
    for name, text in FILES.items():
        (copy / name).parent.mkdir(parents=True, exist_ok=True)
        (copy / name).write_text(text, encoding="utf-8")
    done = bootcamp(copy, "generate")
    assert done.returncode == 0, done.stdout + done.stderr
    return copy


def bootcamp(
    course: Path, *words: str, state: Path | None = None
) -> subprocess.CompletedProcess[str]:
    env = {
        **os.environ,
        "PYTHONPATH": str(course),
        "BOOTCAMP_STATE": str(state or course / ".state"),
    }
    return subprocess.run(
        [sys.executable, "-m", "bootcamp", *words],
        cwd=course,
        env=env,
        capture_output=True,
        text=True,
        timeout=SECONDS,
        check=False,
    )


@pytest.fixture(scope="module")
def layers(course: Path) -> list[Layer]:
    toy = Week(10, NAME)
    newest = Layer(toy, Source.REFERENCE, course / "solutions" / NAME)
    return [newest, *reference_layers(all_weeks()[-1])]


@pytest.fixture(scope="module")
def running(stack: Stack, layers: list[Layer]) -> Iterator[tuple[Run, str]]:
    """A run, and the address of the toy week's API; a worker runs beside it."""
    with stack.isolated() as run, Apps({**run.environment(), **OFF}, layers) as apps:
        assert apps.api_url
        yield run, apps.api_url


def test_only_generated_files_change_outside_of_its_folders(course: Path) -> None:
    words = ["git", "diff", "--name-only"]
    changed = subprocess.run(words, cwd=course, check=True, capture_output=True, text=True)
    assert set(changed.stdout.split()) == GENERATED
    for name in GENERATED - {"ARCHITECTURE.md", "teaching/SYLLABUS.md"}:
        assert NAME in (course / name).read_text(encoding="utf-8"), name
    assert bootcamp(course, "generate", "--check").returncode == 0


def test_its_check_is_red_for_the_exercise_and_green_for_the_solution(
    course: Path, joined: Path
) -> None:
    red = bootcamp(course, "check", "10", "--json", state=joined)
    assert red.returncode == 1, red.stdout + red.stderr
    assert 'NotImplementedError("10.1")' in json.loads(red.stdout)["items"][0]["message"]
    green = bootcamp(course, "check", "10", "--from", "solutions", "--json", state=joined)
    assert green.returncode == 0, green.stdout + green.stderr


def test_its_hints_are_shown_from_the_question_to_the_answer(course: Path, tmp_path: Path) -> None:
    done = bootcamp(course, "hint", "10.1", "--all", state=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Item 10.1, triple: hint 1 of 4, question" in done.stdout
    assert "return number * 3" in done.stdout


def test_it_parses_publishes_after_the_row_and_adds_a_page_and_a_table(
    running: tuple[Run, str],
) -> None:
    run, url = running
    with httpx.Client(base_url=url, timeout=30.0) as api:
        assert "The toy page" in api.get("/toy").text
        sent = api.post(
            "/documents",
            files={"file": ("note.txt", b"A boat lies in the harbour.")},
            headers={"Idempotency-Key": str(uuid4())},
        )
        job_id = sent.json()["job_id"]
        deadline = time.monotonic() + SECONDS
        while (job := api.get(f"/jobs/{job_id}").json())["status"] != "completed":
            assert job["status"] != "failed" and time.monotonic() < deadline, job
            time.sleep(0.1)
        found = api.get("/search", params={"q": "boat in the harbour", "limit": 1}).json()
    assert found["results"][0]["text"].startswith("Read by the toy parser")
    with redis.Redis.from_url(f"{run.environment()['REDIS_URL']}/2") as client:
        assert client.lrange("toy", 0, -1) == [job_id.encode()]
    with psycopg.connect(run.environment()["DATABASE_URL"]) as database:
        assert database.execute("SELECT count(*) FROM toys").fetchone() == (0,)


def test_it_routes_a_step_limits_its_rate_and_moves_the_outbox(
    running: tuple[Run, str], layers: list[Layer]
) -> None:
    env = layer_environment(running[0].environment(), layers)
    words = [sys.executable, "-c", SEAMS]
    done = subprocess.run(words, env=env, check=True, capture_output=True, text=True)
    queue, rate, threads = json.loads(done.stdout)
    assert (queue, rate) == ("toy", "5/s")
    assert "outbox" not in threads
    outbox = subprocess.Popen([sys.executable, "-m", "pipeline.outbox"], env=env)
    with pytest.raises(subprocess.TimeoutExpired):
        outbox.wait(5.0)
    outbox.send_signal(signal.SIGTERM)
    assert outbox.wait(30.0) == 0
