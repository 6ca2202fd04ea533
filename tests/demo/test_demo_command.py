"""`bootcamp demo`, from outside: what it prints, how it ends, and what it leaves behind."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psutil
import pytest

from bootcamp import paths
from bootcamp.providers import OpenAIControl
from bootcamp.stack import Stack
from tests.forking.client import ForkServer

PATIENCE = 120.0
OWN_KEY = "sk-somebodys-own"
QUESTION = """
[[question]]
text = "How fast is the stream in the Narrows?"
document = "tide_notes.md"
page = {page}
answer = "six knots"
"""


def environment(state: Path, **more: str) -> dict[str, str]:
    env = {name: value for name, value in os.environ.items() if not name.startswith("OPENAI_")}
    return env | {"BOOTCAMP_STATE": str(state), "PYTHONUNBUFFERED": "1"} | more


@pytest.fixture(autouse=True, scope="module")
def fork_address(fork_server: ForkServer) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FORK_SERVER", str(fork_server.address()))
        yield


def run_demo(state: Path, *words: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
    # On a stack of its own everything starts as a user's does; on ours, API and worker are forked.
    program = "tests.forking" if (state / "stack").exists() else "bootcamp"
    return subprocess.run(
        [sys.executable, "-m", program, "demo", "--once", *words],
        cwd=paths.ROOT,
        env=environment(state, **env),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    """One document and a question that it answers."""
    folder = tmp_path / "samples"
    folder.mkdir()
    shutil.copy(paths.SAMPLES / "tide_notes.md", folder)
    (folder / "questions.toml").write_text(QUESTION.format(page=1))
    return folder


def test_once_shows_the_way_from_upload_to_answer(tmp_path):
    done = run_demo(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    text = done.stdout
    for name in (
        "harbour_report.docx",
        "lighthouse_handbook.pdf",
        "tide_notes.md",
        "letter_de.txt",
    ):
        percents = [int(found) for found in re.findall(rf"{name} +(\d+) %", text)]
        assert percents == sorted(percents)
        assert percents[-1] == 100
        assert re.search(rf"{name} +100 %  completed: \d+ pages?, \d+ chunk", text)
    assert re.search(r"lighthouse_handbook\.pdf, page 2, score 0\.\d\d\n.*\*every morning\*", text)
    assert re.search(r"harbour_report\.docx, page 2, score 0\.\d\d\n.*\*4,300\*", text)
    for words in ("the step is retried", "the dead letter is replayed", "its signature is good"):
        assert words in text
    assert "week03_pipeline      reference" in text and "/docs" in text and "redis://" in text
    assert "\x1b" not in text, "control codes, and nobody has a terminal"
    assert not (tmp_path / "stack").exists(), "state was kept"
    assert not done.stderr


def test_json_is_one_object_and_nothing_else(joined):
    done = run_demo(joined, "--json")
    assert done.returncode == 0, done.stderr
    report = json.loads(done.stdout)
    assert report["ok"] and report["stack"] == "joined" and report["openai"] == "stand-in"
    assert {one["status"] for one in report["documents"]} == {"completed"}
    assert [(one["document"], one["page"]) for one in report["answers"]] == [
        ("lighthouse_handbook.pdf", 2),
        ("harbour_report.docx", 2),
    ]
    for answer in report["answers"]:
        assert answer["found"] in answer["text"] and 0 < answer["score"] <= 1
    retried, replayed, told, watched, refused, news = (one["lines"] for one in report["stories"])
    assert [re.split(r"[:,] ", line)[1] for line in retried[:3]] == ["503", "503", "200"]
    assert "AuthenticationError" in replayed[0] and replayed[-1] == "replayed: job completed"
    assert told[0].startswith("job.completed, webhook-id msg_")
    assert watched[1].startswith("pending → ") and watched[1].endswith(" → completed")
    assert watched[-1] == f"the page: {report['addresses']['Status page']}"
    assert refused[0].endswith("401 each time")
    assert news[0] == "27 entries: 24 articles, 3 of them in two feeds"
    assert news[2].endswith("sandbank (8), ferry (7), aground (4), passengers (3), survey (3)")
    assert news[-1] == f"the page: {report['addresses']['News']}"


@pytest.fixture
def staying(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """A demo that has shown everything and stays up."""
    process = subprocess.Popen(
        [sys.executable, "-m", "bootcamp", "demo"],
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    yield process
    process.kill()
    process.wait()


@pytest.mark.parametrize(
    "signum", [signal.SIGINT, pytest.param(signal.SIGTERM, marks=pytest.mark.long)]
)
def test_it_stays_up_until_ctrl_c_and_leaves_nothing(staying, signum):
    assert staying.stdout
    lines = []
    for line in staying.stdout:
        lines.append(line)
        if "It stays up" in line:
            break
    docs = re.search(r"http://\S+/docs", lines[-1])
    assert docs, "".join(lines)
    page = {"Accept": "text/html"}  # a browser without a key gets the login page
    shown = httpx.get(docs[0], headers=page, follow_redirects=True, trust_env=False)
    assert shown.status_code == 200 and shown.url.path == "/login"
    family = psutil.Process(staying.pid).children(recursive=True)
    assert len(family) > 8
    staying.send_signal(signum)
    rest = staying.communicate(timeout=PATIENCE)[0]
    assert staying.returncode == 0, rest
    assert "Stopped." in rest and "Traceback" not in rest
    deadline = time.monotonic() + PATIENCE
    while any(one.is_running() and one.status() != psutil.STATUS_ZOMBIE for one in family):
        assert time.monotonic() < deadline
        time.sleep(0.05)


def test_ctrl_c_before_the_end_is_no_success(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-m", "bootcamp", "demo", "--once"],
        env=environment(tmp_path),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert process.stdout
    while "Services" not in process.stdout.readline():
        assert process.poll() is None
    process.send_signal(signal.SIGINT)
    rest = process.communicate(timeout=PATIENCE)[0]
    assert process.returncode == 130, rest
    assert "Stopped before it was done." in rest and "Traceback" not in rest


# -- failures: a reason, an exit code, no traceback ------------------------------------------------


def test_a_document_that_fails_fails_the_demo(joined, samples):
    (samples / "broken.pdf").write_bytes(
        (paths.SAMPLES / "lighthouse_handbook.pdf").read_bytes()[:900]
    )
    done = run_demo(joined, "--json", "--samples", samples)
    assert done.returncode == 1
    said = json.loads(done.stdout)
    assert said["ok"] is False and "broken.pdf failed" in said["error"]
    assert "damaged_document" in done.stderr and "Traceback" not in done.stderr
    logs = joined / "demo"
    assert str(logs) in done.stderr
    assert "ready." in (logs / "worker1.log").read_text()


def test_a_wrong_hit_fails_the_demo(joined, samples):
    (samples / "questions.toml").write_text(QUESTION.format(page=7))
    done = run_demo(joined, "--samples", samples)
    assert done.returncode == 1
    assert "is tide_notes.md, page 1. Expected tide_notes.md, page 7" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_stack_that_does_not_start_fails_the_demo(tmp_path):
    broken = tmp_path / "bin" / "redis-server"
    broken.parent.mkdir()
    broken.write_text("#!/bin/sh\necho 'Redis server v=8.0.0'\nexit 1\n")
    broken.chmod(0o755)
    done = run_demo(tmp_path, "--json", PATH=f"{broken.parent}{os.pathsep}{os.environ['PATH']}")
    assert done.returncode == 1
    assert json.loads(done.stdout)["ok"] is False
    assert "ended with 1" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("questions", "reason"),
    [(None, "questions.toml"), ("[[question]]\ntext = 1\n", "questions.toml"), ("", "question")],
)
def test_samples_that_cannot_be_used_are_refused_at_once(tmp_path, questions, reason):
    (tmp_path / "a.txt").write_text("Some text.")
    if questions is not None:
        (tmp_path / "questions.toml").write_text(questions)
    done = run_demo(tmp_path, "--samples", tmp_path)
    assert done.returncode == 2
    assert reason in done.stderr and "Traceback" not in done.stderr


# -- whose OpenAI: nothing costs money by accident -------------------------------------------------


@pytest.fixture
def real(stack: Stack) -> Iterator[OpenAIControl]:
    """Plays the real service: a stand-in that knows who asked with the user's own key."""
    control = OpenAIControl(stack.endpoints.openai_url, stack.endpoints.control_token, OWN_KEY)
    control.clear()
    yield control
    control.close()


def own(real: OpenAIControl) -> dict[str, str]:
    return {"OPENAI_API_KEY": OWN_KEY, "OPENAI_BASE_URL": f"{real.base_url}/v1"}


def test_a_key_alone_spends_nothing(joined, samples, real):
    done = run_demo(joined, "--samples", samples, **own(real))
    assert done.returncode == 0, done.stderr
    assert "OPENAI_API_KEY is set, but" in done.stdout
    assert not real.journal()


def test_the_real_service_is_used_when_asked_for(joined, samples, real):
    done = run_demo(joined, "--samples", samples, "--real-openai", **own(real))
    assert done.returncode == 0, done.stderr
    assert "the real service, with your key" in done.stdout
    assert len(real.journal("embeddings")) == 4, "document, question, webhook's note, watched note"


def test_the_real_service_needs_a_key(joined):
    done = run_demo(joined, "--real-openai")
    assert done.returncode == 2
    assert "OPENAI_API_KEY" in done.stderr and "OpenAI: " not in done.stdout
