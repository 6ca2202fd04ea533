"""What the shell holds does not lead the stack, the graders or the pipeline elsewhere."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bootcamp import environment, paths
from bootcamp.course.layers import reference_layers
from bootcamp.course.weeks import find_week
from bootcamp.environment import built, interfering, setting_names
from bootcamp.stack.apps import layer_environment

NOWHERE = "http://127.0.0.1:9"
HOSTILE = {
    "HTTP_PROXY": NOWHERE,
    "HTTPS_PROXY": NOWHERE,
    "http_proxy": NOWHERE,
    "ALL_PROXY": "socks5://127.0.0.1:9",
    "NO_PROXY": "",
    "AWS_PROFILE": "work",
    "AWS_ENDPOINT_URL_DYNAMODB": NOWHERE,
    "AWS_CA_BUNDLE": "/nowhere",
    "PGSSLMODE": "verify-full",
    "PGHOST": "127.0.0.9",
    "PGOPTIONS": "-c default_transaction_read_only=on",
    "CELERY_BROKER_URL": "redis://127.0.0.1:9/0",
    "CELERY_CONFIG_MODULE": "nowhere",
    "OPENAI_BASE_URL": NOWHERE,
    "OPENAI_PROJECT_ID": "work",
    "SSL_CERT_FILE": "/nowhere",
    "REQUESTS_CA_BUNDLE": "/nowhere",
    "REDIS_URL": "redis://127.0.0.1:9",
    "DATABASE_URL": "postgresql://127.0.0.1:9/x",
    "PYTHONPATH": "/nowhere",
    "PYTHONWARNINGS": "error",
    "PYTEST_ADDOPTS": "--no-such-option",
    "VISIBILITY_TIMEOUT_SECONDS": "1",
}


def run_with_hostile_shell(*words: str) -> subprocess.CompletedProcess[str]:
    shell = {"PATH": os.environ["PATH"], "HOME": os.environ.get("HOME", "/"), **HOSTILE}
    command = [sys.executable, "-m", "bootcamp", *words]
    return subprocess.run(
        command, env=shell, cwd=paths.ROOT, capture_output=True, text=True, timeout=300, check=False
    )


def test_a_check_gives_full_marks_in_a_hostile_shell():
    """Week 4 reaches Redis, PostgreSQL, DynamoDB and the API, by every client library."""
    done = run_with_hostile_shell("check", "4.4", "--from", "solutions", "--json")
    assert done.returncode == 0, done.stdout + done.stderr
    assert '"passed"' in done.stdout


def test_doctor_names_what_would_have_interfered():
    done = run_with_hostile_shell("doctor", "--json")
    checks = {one["name"]: one for one in json.loads(done.stdout)["checks"]}
    found = checks["Shell variables"]
    assert found["status"] == "warning"
    assert set(found["found"].split(", ")) == set(HOSTILE)


def test_the_environment_of_a_layer_is_built():
    layers = reference_layers(find_week("4"))
    shell = {**HOSTILE, "SOMETHING_ELSE": "1", "LC_TIME": "de_DE.UTF-8"}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(environment, "SHELL", {**environment.SHELL, **shell})
        for name, value in shell.items():
            patch.setenv(name, value)
        patch.setenv("LEASE_SECONDS", "3")  # the program's own doing
        found = layer_environment({"REDIS_URL": "redis://ours"}, layers)
    assert found["LEASE_SECONDS"] == "3"
    assert found["REDIS_URL"] == "redis://ours"
    assert found["LC_TIME"] == "de_DE.UTF-8"
    assert not set(found) & (set(HOSTILE) | {"SOMETHING_ELSE"}) - {"REDIS_URL", "PYTHONPATH"}
    assert "/nowhere" not in found["PYTHONPATH"]


def test_a_file_in_the_home_folder_does_not_lead_boto3_elsewhere(tmp_path: Path):
    """The settings of `~/.aws/config` would win over AWS_ENDPOINT_URL."""
    (tmp_path / ".aws").mkdir()
    config = tmp_path / ".aws/config"
    config.write_text("[default]\nignore_configured_endpoint_urls = true\n")
    shell = {"PATH": os.environ["PATH"], "HOME": str(tmp_path)}
    ours = {"AWS_ENDPOINT_URL": "http://127.0.0.1:4566", "AWS_DEFAULT_REGION": "eu-central-1"}
    code = "import boto3; print(boto3.client('dynamodb').meta.endpoint_url)"
    done = subprocess.run(
        [sys.executable, "-c", code],
        env=built(shell) | ours,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == ours["AWS_ENDPOINT_URL"]


def test_a_key_of_ones_own_keeps_the_way_to_the_internet():
    shell = {**HOSTILE, "OPENAI_API_KEY": "sk-mine", "NO_PROXY": "intern.example"}
    found = built(shell)
    assert found["HTTPS_PROXY"] == NOWHERE
    assert found["NO_PROXY"] == "intern.example,127.0.0.1,localhost,::1"
    assert found["OPENAI_API_KEY"] == "sk-mine"
    assert found["OPENAI_BASE_URL"] == NOWHERE
    assert "AWS_PROFILE" not in found
    assert "HTTPS_PROXY" not in built({**HOSTILE, "OPENAI_API_KEY": "sk-local-1"})


def test_interfering_names_settings_and_leaves_out_what_is_used():
    shell = {"PGHOST": "x", "OPENAI_API_KEY": "sk-mine", "my_setting": "1", "HOME": "/"}
    assert interfering(shell, ["MY_SETTING"]) == ["PGHOST", "my_setting"]


def test_setting_names_are_read_from_the_classes(tmp_path):
    file = tmp_path / "settings.py"
    file.write_text(
        "class A(BaseSettings):\n    model_config = {}\n    redis_url: str\n    n: int = 1\n"
    )
    assert setting_names([file]) == ["REDIS_URL", "N"]
