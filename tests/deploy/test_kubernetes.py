"""The manifests of deploy/kubernetes: read, built with kustomize, and checked against the schemas.

No cluster has run them. `kubectl` and the package `kubernetes-validate` are used where they are installed.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from bootcamp import paths
from tests.deploy.facts import facts
from tests.parts import missing

FOLDER = paths.ROOT / "deploy" / "kubernetes"
COMPOSE = yaml.safe_load((paths.ROOT / "docker-compose.yml").read_text())["services"]
FILES = sorted(path for path in FOLDER.rglob("*.yaml") if path.name != "kustomization.yaml")
OVERLAYS = ("production", "production-migrate")
SCHEMAS = "1.34"
MARGIN_SECONDS = 30
SECRETS = re.compile(r"PASSWORD|TOKEN|SECRET|_KEY|DATABASE_URL|REDIS_URL|SMTP_URL")


def documents(path: Path) -> list[dict[str, Any]]:
    return [one for one in yaml.safe_load_all(path.read_text()) if one]


ALL = [one for path in FILES for one in documents(path)]
DEPLOYMENTS = {one["metadata"]["name"]: one for one in ALL if one["kind"] == "Deployment"}
WORKLOADS = {one["metadata"]["name"]: one for one in ALL if one["kind"] in ("Deployment", "Job")}


def pod(name: str) -> dict[str, Any]:
    return WORKLOADS[name]["spec"]["template"]["spec"]


def box(name: str) -> dict[str, Any]:
    (container,) = pod(name)["containers"]
    return container


def variables(name: str) -> dict[str, str]:
    return {one["name"]: one.get("value", "") for one in box(name).get("env", [])}


def settings() -> dict[str, str]:
    component = yaml.safe_load((FOLDER / "settings" / "kustomization.yaml").read_text())
    (generated,) = component["configMapGenerator"]
    return dict(line.split("=", 1) for line in generated["literals"])


def test_what_runs_in_compose_runs_here() -> None:
    assert set(DEPLOYMENTS) == {"api", "worker", "worker-webhooks", "beat", "flower"}
    assert set(WORKLOADS) - set(DEPLOYMENTS) == {"migrate"}
    for name in DEPLOYMENTS:
        here = box(name).get("command", []) + box(name).get("args", [])
        assert here == COMPOSE[name].get("command", []), name
        assert box(name)["image"] == COMPOSE[name]["image"]
    assert box("migrate")["command"] == COMPOSE["migrate"]["command"]


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_every_deployment_has_probes(name: str) -> None:
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert kind in box(name), kind


@pytest.mark.parametrize("name", DEPLOYMENTS)
def test_no_probe_asks_a_store(name: str) -> None:
    """An outage of Redis would restart every worker: `celery inspect` goes through Redis."""
    for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
        assert "inspect" not in str(box(name)[kind])


@pytest.mark.parametrize("name", WORKLOADS)
def test_every_pod_has_limits_and_no_rights(name: str) -> None:
    resources = box(name)["resources"]
    assert {"cpu", "memory"} <= set(resources["requests"])
    assert {"cpu", "memory", "ephemeral-storage"} <= set(resources["limits"])
    inside, outside = box(name)["securityContext"], pod(name)["securityContext"]
    assert inside["readOnlyRootFilesystem"] is True
    assert inside["allowPrivilegeEscalation"] is False
    assert inside["capabilities"] == {"drop": ["ALL"]}
    assert outside["runAsNonRoot"] is True and outside["runAsUser"] > 0
    assert outside["seccompProfile"] == {"type": "RuntimeDefault"}
    assert pod(name)["automountServiceAccountToken"] is False
    (volume,) = pod(name)["volumes"]
    assert volume["emptyDir"]["sizeLimit"]
    assert not {"hostNetwork", "hostPID", "hostIPC"} & set(pod(name))


@pytest.mark.parametrize("name", ["worker", "worker-webhooks"])
def test_a_worker_has_time_for_the_longest_parse_and_to_give_the_rest_back(name: str) -> None:
    stop = float(variables(name)["GRACEFUL_STOP_SECONDS"])
    assert stop > facts()["parse_seconds"]
    assert pod(name)["terminationGracePeriodSeconds"] >= stop + MARGIN_SECONDS
    assert variables(name)["REMAP_SIGTERM"] == "SIGQUIT"
    assert box(name)["command"][0] == "celery"  # no shell in between


def test_the_api_has_time_for_open_requests() -> None:
    (sleep, pause) = box("api")["lifecycle"]["preStop"]["exec"]["command"]
    dockerfile = (paths.ROOT / "Dockerfile").read_text()
    (limit,) = re.findall(r'"--timeout-graceful-shutdown", "(\d+)"', dockerfile)
    assert sleep == "sleep"
    assert pod("api")["terminationGracePeriodSeconds"] > float(pause) + float(limit)


def test_budgets_cover_what_has_copies_and_nothing_else() -> None:
    budgets = {
        one["spec"]["selector"]["matchLabels"]["app.kubernetes.io/name"]: one["spec"]
        for one in ALL
        if one["kind"] == "PodDisruptionBudget"
    }
    copies = {name for name, one in DEPLOYMENTS.items() if one["spec"]["replicas"] > 1}
    assert set(budgets) == copies  # with a single pod, a budget blocks a drain without end
    for name, budget in budgets.items():
        allowed = budget.get("maxUnavailable") or (
            DEPLOYMENTS[name]["spec"]["replicas"] - budget["minAvailable"]
        )
        assert allowed >= 1


def test_there_is_one_beat() -> None:
    assert DEPLOYMENTS["beat"]["spec"]["replicas"] == 1
    assert DEPLOYMENTS["beat"]["spec"]["strategy"] == {"type": "Recreate"}
    words = [str(box(name)) for name in DEPLOYMENTS if name != "beat"]
    assert not any("schedule" in text or "--beat" in text for text in words)


@pytest.mark.parametrize("kind", ["Deployment", "Service", "PodDisruptionBudget"])
def test_selectors_find_the_pods(kind: str) -> None:
    for one in (one for one in ALL if one["kind"] == kind):
        found = one["spec"]["selector"]
        wanted = found.get("matchLabels", found)
        name = one["metadata"]["name"]
        assert wanted.items() <= WORKLOADS[name]["spec"]["template"]["metadata"]["labels"].items()


def test_ports_have_the_names_that_are_used() -> None:
    names = {name: {port["name"] for port in box(name).get("ports", [])} for name in DEPLOYMENTS}
    for one in (one for one in ALL if one["kind"] == "Service"):
        for port in one["spec"]["ports"]:
            assert port["targetPort"] in names[one["metadata"]["name"]]
    for name in DEPLOYMENTS:
        for kind in ("startupProbe", "livenessProbe", "readinessProbe"):
            probe = box(name)[kind]
            used = probe.get("httpGet", probe.get("tcpSocket"))
            assert used is None or used["port"] in names[name]


def test_no_secret_is_in_a_manifest() -> None:
    assert not [one for one in ALL if one["kind"] == "Secret"]
    for name in WORKLOADS:
        for one in box(name).get("env", []):
            assert not SECRETS.search(one["name"]) or "valueFrom" in one or name == "beat", one
    assert not [name for name in settings() if SECRETS.search(name)]


def test_settings_are_known_to_the_code() -> None:
    text = (paths.ROOT / "ARCHITECTURE.md").read_text()
    known = set(re.findall(r"`([A-Z_]+)`", text.split("## Environment")[1]))
    known |= {"REMAP_SIGTERM", "FLOWER_BASIC_AUTH"}
    for name in WORKLOADS:
        assert set(variables(name)) <= known
    assert set(settings()) <= known
    assert settings()["APP_ENV"] == "production"


def test_images_are_pinned() -> None:
    component = yaml.safe_load((FOLDER / "settings" / "kustomization.yaml").read_text())
    used = {box(name)["image"] for name in WORKLOADS}
    assert {one["name"] for one in component["images"]} == used
    for image in component["images"]:
        assert image.get("digest") or image["newTag"] not in ("", "latest")


def test_the_network_is_closed_and_no_pod_reaches_the_metadata_service() -> None:
    policies = {
        one["metadata"]["name"]: one["spec"] for one in ALL if one["kind"] == "NetworkPolicy"
    }
    assert policies["default-deny"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    (rule,) = policies["internet"]["egress"]
    (target,) = rule["to"]
    assert {"10.0.0.0/8", "169.254.0.0/16", "172.16.0.0/12", "192.168.0.0/16"} <= set(
        target["ipBlock"]["except"]
    )
    for one in policies.values():
        assert all(rule.get("from") for rule in one.get("ingress", []))


def test_the_appendix_says_that_it_was_not_run() -> None:
    path = FOLDER / "keda" / "scaled-object.yaml"
    assert path.read_text().startswith("# NOT RUN.")
    (scaled,) = [one for one in documents(path) if one["kind"] == "ScaledObject"]
    lists = {one["metadata"]["listName"] for one in scaled["spec"]["triggers"]}
    queues = next(word for word in box("worker")["args"] if word.startswith("--queues="))
    assert lists == set(queues.removeprefix("--queues=").split(","))
    assert scaled["spec"]["minReplicaCount"] > 0  # a message that is worked on is in no list
    used = "".join(path.read_text() for path in FOLDER.rglob("kustomization.yaml"))
    assert "keda" not in used


def built(overlay: str) -> list[dict[str, Any]]:
    program = next(filter(None, map(shutil.which, ("kustomize", "kubectl"))), None)
    if program is None:
        pytest.skip("neither kustomize nor kubectl is installed")
    words = [program, *(["build"] if program.endswith("kustomize") else ["kustomize"])]
    done = subprocess.run(
        [*words, FOLDER / "overlays" / overlay],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return list(yaml.safe_load_all(done.stdout))


def test_each_overlay_has_the_account_that_its_pods_use() -> None:
    """The overlay of the migration is applied first, into an empty namespace."""
    settings = yaml.safe_load((FOLDER / "settings" / "kustomization.yaml").read_text())
    assert settings["resources"] == ["service-account.yaml"]
    (account,) = documents(FOLDER / "settings" / "service-account.yaml")
    names = {pod(name)["serviceAccountName"] for name in WORKLOADS}
    assert names == {account["metadata"]["name"]}
    for overlay in OVERLAYS:
        used = yaml.safe_load((FOLDER / "overlays" / overlay / "kustomization.yaml").read_text())
        assert used["components"] == ["../../settings"]


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_is_built(overlay: str) -> None:
    found = built(overlay)
    for one in found:
        place = one["metadata"].get("namespace", one["metadata"]["name"])
        assert place == "pipeline"
    made = {one["metadata"]["name"] for one in found if one["kind"] == "ConfigMap"}
    for one in (one for one in found if one["kind"] in ("Deployment", "Job")):
        (container,) = one["spec"]["template"]["spec"]["containers"]
        assert re.fullmatch(r"registry\.example\.com/bootcamp-\w+:[\d.]+", container["image"])
        config = container["envFrom"][0]["configMapRef"]["name"]
        assert config in made and config != "pipeline-settings"  # a new name with each change


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_fits_the_schemas(overlay: str) -> None:
    if importlib.util.find_spec("kubernetes_validate") is None:
        missing("kubernetes-validate is not installed: .ci/run installs it with pip")
    schemas: Any = importlib.import_module("kubernetes_validate")
    for one in built(overlay):
        schemas.validate(one, SCHEMAS, strict=True)
    wrong = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"title": "pipeline"}}
    with pytest.raises(schemas.ValidationError):
        schemas.validate(wrong, SCHEMAS, strict=True)
