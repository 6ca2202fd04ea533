"""The container files: nothing open, no secret in them, and nothing forgotten in the image.

No Docker engine is needed: the files are read, and the image's steps are run without it.
`tests/containers` builds and runs them.
"""

import json
import os
import re
import subprocess
import sys

import pytest
import yaml

from autograder.classroom.execution import container
from bootcamp import paths
from bootcamp.course.layers import pythonpath, reference_layers
from bootcamp.course.weeks import all_weeks
from bootcamp.operations import compose, env_file

COMPOSE_TEXT = (paths.ROOT / "docker-compose.yml").read_text()
COMPOSE = yaml.safe_load(COMPOSE_TEXT)
SERVICES = COMPOSE["services"]
ENDING = {"bucket", "migrate", "backup"}
LONG_RUNNING = sorted(set(SERVICES) - ENDING)
OURS = sorted(name for name, one in SERVICES.items() if one["image"].startswith("bootcamp-"))
BUILDS = {one["image"]: one["build"] for one in SERVICES.values() if "build" in one}
DOCKERFILE = (paths.ROOT / "Dockerfile").read_text()


@pytest.mark.parametrize("name", SERVICES)
def test_every_port_is_published_on_loopback(name):
    for port in SERVICES[name].get("ports", []):
        assert re.fullmatch(r"(\$\{\w+:-)?127\.0\.0\.1\}?:\$\{[A-Z_]+:-\d+\}:\d+", port)


def test_no_secret_has_a_default():
    secret = re.compile(r"\$\{(\w*(?:PASSWORD|TOKEN|SECRET|KEY)\w*)(:[^}]*)?\}")
    found = secret.findall(COMPOSE_TEXT)
    assert found
    for name, rest in found:
        assert rest.startswith(":?"), f"{name} may be empty"
    for name, service in SERVICES.items():
        for variable, value in (service.get("environment") or {}).items():
            if re.search("PASSWORD|TOKEN|SECRET|_KEY", variable):
                assert str(value).startswith("${"), f"{name}: {variable}"


def test_every_setting_without_a_default_stands_in_the_example():
    needed = set(re.findall(r"\$\{(\w+):\?", COMPOSE_TEXT))
    example = (paths.ROOT / ".env.example").read_text()
    assert needed == set(re.findall(r"^(\w+)=", example, re.MULTILINE))
    assert set(re.findall(r"^\w+=(.*)$", example, re.MULTILINE)) == {"generate-me"}
    assert ".env" in (paths.ROOT / ".gitignore").read_text().splitlines()


def test_the_examples_own_command_makes_fresh_secrets(tmp_path):
    example = (paths.ROOT / ".env.example").read_text()
    (command,) = re.findall(r"^#\s+(python3 -m .*) \.env$", example, re.MULTILINE)
    words = [*command.split()[1:], str(tmp_path / ".env")]
    subprocess.run([sys.executable, *words], cwd=paths.ROOT, check=True, timeout=60)
    assert (tmp_path / ".env").stat().st_mode & 0o077 == 0
    values = re.findall(r"^\w+=(.*)$", (tmp_path / ".env").read_text(), re.MULTILINE)
    assert len(values) == len(set(values)) > 5
    assert all(re.fullmatch(r"[0-9a-f]{48}", value) for value in values)


def test_a_file_of_secrets_is_made_once_and_only_for_its_owner(tmp_path):
    example, target = paths.ROOT / ".env.example", tmp_path / ".env"
    env_file.make(example, target)
    assert target.stat().st_mode & 0o777 == 0o600
    assert env_file.problems(example, target) == []
    with pytest.raises(FileExistsError):
        env_file.make(example, target)


@pytest.mark.parametrize("value", ["generate-me", "'generate-me'", ""])
def test_a_well_known_or_missing_secret_is_refused(tmp_path, value):
    example, target = paths.ROOT / ".env.example", tmp_path / ".env"
    env_file.make(example, target)
    text = re.sub(r"^REDIS_PASSWORD=.*$", f"REDIS_PASSWORD={value}", target.read_text(), flags=re.M)
    target.write_text(text)
    words = [sys.executable, "-m", "bootcamp.operations.env_file", str(example), str(target)]
    done = subprocess.run(words, cwd=paths.ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "REDIS_PASSWORD" in done.stderr and "POSTGRES_PASSWORD" not in done.stderr


@pytest.mark.parametrize("name", LONG_RUNNING)
def test_every_service_says_whether_it_is_well(name):
    assert SERVICES[name]["healthcheck"]["test"][0] in ("CMD", "CMD-SHELL")
    assert SERVICES[name]["restart"] == "unless-stopped"
    assert "no-new-privileges:true" in SERVICES[name]["security_opt"]


@pytest.mark.parametrize("name", SERVICES)
def test_every_container_is_read_only_limited_and_without_rights(name):
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert "no-new-privileges:true" in service["security_opt"]
    assert re.fullmatch(r"\d+[mg]", service["mem_limit"])
    assert service["pids_limit"] > 0
    assert service["logging"]["options"]["max-size"]


@pytest.mark.parametrize("name", OURS)
def test_each_image_of_ours_is_a_stage_of_the_dockerfile(name):
    target = BUILDS[SERVICES[name]["image"]]["target"]
    assert target in re.findall(r"^FROM \S+ AS (\S+)$", DOCKERFILE, re.M)
    assert SERVICES[name]["pull_policy"] == "never"  # its name is no image of a registry


def test_each_image_is_built_by_one_service_that_always_starts():
    """Compose writes the service into the image: two builds of one image take turns as the newest. The
    grader's image belongs to one service alone, which has a profile.
    """
    building = [one for one in SERVICES.values() if "build" in one]
    assert len(building) == len(BUILDS) == len({SERVICES[name]["image"] for name in OURS})
    assert [one["image"] for one in building if "profiles" in one] == ["bootcamp-grader"]


def seconds(text: str) -> int:
    return int(text.removesuffix("s"))


def test_a_worker_has_time_to_stop():
    worker = SERVICES["worker"]
    grace = seconds(worker["stop_grace_period"])
    assert grace > float(worker["environment"]["GRACEFUL_STOP_SECONDS"]) > 0
    assert worker["environment"]["REMAP_SIGTERM"] == "SIGQUIT"
    assert isinstance(worker["command"], list)
    assert "container_name" not in worker  # or it could not be scaled
    assert "ports" not in worker


@pytest.mark.parametrize("name", ["redis", "postgres", "aws"])
def test_the_stores_are_reached_by_the_pipeline_alone(name):
    assert "ports" not in SERVICES[name]
    assert SERVICES[name]["networks"] == ["stores"]
    assert COMPOSE["networks"]["stores"] == {"internal": True}
    inside = {one for one, service in SERVICES.items() if "stores" in service["networks"]}
    assert "tls" not in inside and {"api", "worker", "beat", "migrate"} <= inside


def test_there_is_one_beat():
    words = [service["command"] for service in SERVICES.values() if "command" in service]
    assert sum("beat" in one for one in words if isinstance(one, list)) == 1
    assert "beat" not in SERVICES["worker"]["command"]
    assert not {"-B", "--beat"} & set(SERVICES["worker"]["command"])


def test_flower_needs_a_password_and_answers_nothing_without_it():
    flower = SERVICES["flower"]
    assert flower["environment"]["FLOWER_BASIC_AUTH"].startswith("flower:${FLOWER_PASSWORD:?")
    assert flower["command"][:3] == ["python", "-m", "flower_server"]
    assert "!= 401" in flower["healthcheck"]["test"][-1]
    assert "COPY bootcamp/stack/flower_server.py /app/flower_server.py" in DOCKERFILE


def test_the_load_test_finds_its_file():
    words = SERVICES["locust"]["command"][-1]
    assert "--locustfile ops/locustfile.py" in words
    assert "COPY ops/locustfile.py /app/ops/locustfile.py" in DOCKERFILE
    assert "!ops" in (paths.ROOT / ".dockerignore").read_text().split()


def test_the_image_has_the_program_that_saves_the_table():
    assert SERVICES["backup"]["entrypoint"] == ["python", "ops/stores.py"]
    assert "COPY ops/stores.py /app/ops/stores.py" in DOCKERFILE


def test_the_backups_lists_name_services_that_exist():
    assert {*compose.WRITERS, *compose.STORES, *compose.WORKERS, *compose.SINGLE} <= set(SERVICES)
    assert set(compose.WORKERS) | set(compose.SINGLE) | {"locust"} == set(compose.WRITERS)


def test_tools_start_only_if_they_are_asked_for():
    profiles = {name: one["profiles"] for name, one in SERVICES.items() if "profiles" in one}
    assert profiles == {
        "backup": ["backup"],
        "grading-broker": ["grading"],
        "grading-worker": ["grading"],
        "locust": ["load-test"],
        "tls": ["tls"],
    }


def test_the_grading_worker_has_its_broker_and_rights_and_no_way_out():
    worker, broker = SERVICES["grading-worker"], SERVICES["grading-broker"]
    assert set(worker["cap_add"]) == set(container.RIGHTS) | {"SYS_ADMIN", "NET_ADMIN"}
    assert worker["networks"] == ["grading"]
    assert COMPOSE["networks"]["grading"] == {"internal": True}
    for option in ("--appendonly yes", "--maxmemory-policy noeviction", "--requirepass"):
        assert option in broker["command"]


def test_the_proxy_passes_streams_and_the_host_on():
    text = (paths.ROOT / COMPOSE["configs"]["caddy"]["file"]).read_text()
    assert "reverse_proxy api:8000" in text and "flush_interval -1" in text
    assert "header_up" not in text  # Caddy passes `Host` on by itself
    assert "tls {$TLS_CERTIFICATE}" in text
    assert SERVICES["tls"]["environment"]["TLS_CERTIFICATE"] == "${TLS_CERTIFICATE:-internal}"


def test_configs_are_files_because_a_content_cannot_be_copied_into_a_read_only_container():
    for config in COMPOSE["configs"].values():
        assert list(config) == ["file"]
        assert (paths.ROOT / config["file"]).is_file()


def test_redis_keeps_its_queues():
    command = SERVICES["redis"]["command"]
    for option in ("--appendonly yes", "--maxmemory-policy noeviction", "--requirepass"):
        assert option in command


def test_whatever_a_service_waits_for_exists_and_ends_or_answers():
    for service in SERVICES.values():
        for other, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in SERVICES[other]
            else:
                assert SERVICES[other]["restart"].startswith("on-failure")


def test_the_pipelines_settings_are_those_of_the_stack():
    text = (paths.ROOT / "ARCHITECTURE.md").read_text()
    table = text.split("## Environment")[1].split("##")[0]
    known = set(re.findall(r"`([A-Z_]+)`", table))
    assert set(SERVICES["api"]["environment"]) <= known


def test_the_workers_settings_reach_celery():
    """Celery stops as the service's environment says."""
    script = (
        "import json\n"
        "import pipeline.tasks.graceful\n"
        "from pipeline.tasks.celery_config import app\n"
        "print(json.dumps([app.conf.worker_soft_shutdown_timeout,"
        " app.conf.worker_prefetch_multiplier]))\n"
    )
    wanted = SERVICES["worker"]["environment"]["GRACEFUL_STOP_SECONDS"]
    path = pythonpath(reference_layers(all_weeks()[-1]))
    done = subprocess.run(
        [sys.executable, "-c", script],
        env={**os.environ, "PYTHONPATH": path, "GRACEFUL_STOP_SECONDS": wanted},
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
    )
    assert json.loads(done.stdout) == [float(wanted), 1]
