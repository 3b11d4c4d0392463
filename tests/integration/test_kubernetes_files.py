"""The files for Kubernetes, held to its own schemas, to the settings file, to the image and to the commands in it."""

from __future__ import annotations

import http.server
import ipaddress
import os
import re
import subprocess
import sys
import threading
import tomllib
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from tests.integration.test_deployment_files import settings_file

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / "ops" / "kubernetes"
VERSIONS = ("1.33", "1.37")
"""The oldest and the newest Kubernetes that the manifests are held against."""
EXAMPLES = ipaddress.ip_network("192.0.2.0/24")
SECRET = "loda-settings"
PARTS = ("apiServer", "scheduler", "dagProcessor", "triggerer", "migrateDatabaseJob")


def values() -> dict[str, Any]:
    found: dict[str, Any] = yaml.safe_load((FOLDER / "values.yaml").read_text())
    return found


def manifests() -> list[dict[str, Any]]:
    files = sorted(path for path in FOLDER.glob("*.yaml") if path.name != "values.yaml")
    return [document for path in files for document in yaml.safe_load_all(path.read_text())]


def named(kind: str, name: str) -> dict[str, Any]:
    (found,) = [one for one in manifests() if (one["kind"], one["metadata"]["name"]) == (kind, name)]
    return found


def ours() -> list[dict[str, Any]]:
    """The pods of the plain manifests."""
    pods = [named("Deployment", "loda-review"), named("Job", "loda-ledger-upgrade")]
    return [one["spec"]["template"]["spec"] for one in pods]


def of_the_chart() -> dict[str, dict[str, Any]]:
    """The Kubernetes parts of the values as pods, by the part of Airflow that they are for."""
    given = values()
    worker = given["workers"]["celery"]
    parts = {name: given[name] for name in PARTS} | {"worker": worker}
    claims = [{"name": one["metadata"]["name"], "emptyDir": {}} for one in worker["volumeClaimTemplates"]]
    return {
        name: {
            "securityContext": given["securityContexts"]["pod"],
            "automountServiceAccountToken": part["serviceAccount"]["automountServiceAccountToken"],
            "volumes": [*given["volumes"], *part.get("extraVolumes", claims)],
            "containers": [
                {
                    "name": name.lower(),
                    "image": f"{given['defaultAirflowRepository']}:{given['defaultAirflowTag']}",
                    "securityContext": given["securityContexts"]["containers"],
                    "resources": part["resources"],
                    "volumeMounts": given["volumeMounts"],
                    "envFrom": yaml.safe_load(given["extraEnvFrom"]),
                    **probe(part, "livenessProbe"),
                    **probe(part, "startupProbe"),
                }
            ],
        }
        for name, part in parts.items()
    }


def probe(part: dict[str, Any], name: str) -> dict[str, Any]:
    about = {key: value for key, value in part.get(name, {}).items() if key != "command"}
    command = part.get(name, {}).get("command")
    return {name: {**about, "exec": {"command": command}}} if command else {}


def pods() -> list[dict[str, Any]]:
    return [*ours(), *of_the_chart().values()]


def validate(document: dict[str, Any], kubernetes: str) -> None:
    found = pytest.importorskip("kubernetes_validate", reason="the schemas of Kubernetes are not installed")
    found.validate(document, kubernetes, strict=True)


@pytest.mark.parametrize("kubernetes", VERSIONS)
def test_the_manifests_are_what_kubernetes_takes(kubernetes: str) -> None:
    assert {one["kind"] for one in manifests()} > {"Deployment", "Service", "NetworkPolicy", "Job"}
    for document in manifests():
        validate(document, kubernetes)
        if document["kind"] != "Namespace":
            assert document["metadata"]["namespace"] == "loda"


@pytest.mark.parametrize("kubernetes", VERSIONS)
def test_the_kubernetes_parts_of_the_values_are_what_it_takes(kubernetes: str) -> None:
    for name, spec in of_the_chart().items():
        validate({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name.lower()}, "spec": spec}, kubernetes)
    for claim in values()["workers"]["celery"]["volumeClaimTemplates"]:
        validate({"apiVersion": "v1", "kind": "PersistentVolumeClaim", **claim}, kubernetes)


@pytest.mark.parametrize("fault", [{"replicas": "one"}, {"replica": 1}])
def test_a_manifest_with_a_fault_is_refused(fault: dict[str, Any]) -> None:
    found = pytest.importorskip("kubernetes_validate", reason="the schemas of Kubernetes are not installed")
    document = named("Deployment", "loda-review")
    document["spec"] |= fault
    with pytest.raises(found.ValidationError):
        validate(document, VERSIONS[-1])


def test_every_container_has_the_settings_file_and_no_setting_beside_it() -> None:
    for spec in pods():
        for container in spec["containers"]:
            assert container["envFrom"][0] == {"secretRef": {"name": SECRET}}
            assert "env" not in container
    (upgrade,) = named("Job", "loda-ledger-upgrade")["spec"]["template"]["spec"]["containers"]
    assert upgrade["envFrom"][1:] == [{"secretRef": {"name": "loda-migrator"}}]
    given = values()
    built_in = given.pop("enableBuiltInSecretEnvVars")
    assert not any(built_in.values())
    of_the_file = {name for name in settings_file() if re.search("SECRET|FERNET|_CONN$|CELERY__(BROKER|RESULT)", name)}
    assert {name for name in of_the_file if name.startswith("AIRFLOW__")} <= set(built_in)
    assert not re.search(r"\b(LODA|AIRFLOW|AWS)_[A-Z_]+", yaml.safe_dump(given))
    for keys in (given, given["workers"]["celery"], *(given[name] for name in PARTS)):
        assert not {"env", "extraEnv", "secret", "config"} & set(keys)
    secrets = [value for key, value in given.items() if key.endswith("SecretName")]
    secrets += [given["jwtSecretName"], *given["data"].values()]
    assert set(secrets) == {SECRET}


def test_a_secret_can_be_made_of_the_settings_file_as_it_is() -> None:
    """`kubectl create secret --from-env-file` takes quotes and spaces as part of a value."""
    for name, value in settings_file().items():
        assert re.fullmatch(r"[A-Z][A-Z0-9_]*", name)
        assert value == value.strip().strip("\"'")


def test_what_the_chart_must_be_told_is_what_the_settings_file_and_the_project_say() -> None:
    said, given, project = settings_file(), values(), tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert given["executor"] == said["AIRFLOW__CORE__EXECUTOR"]
    assert given["airflowHome"] == said["AIRFLOW_HOME"]
    assert str(given["ports"]["apiServer"]) == said["AIRFLOW__API__PORT"]
    at_once = given["workers"]["celery"]["replicas"] * int(said["AIRFLOW__CELERY__WORKER_CONCURRENCY"])
    assert at_once == int(said["AIRFLOW__CORE__PARALLELISM"])
    assert not said["AIRFLOW_CONFIG"].startswith(said["LODA_HOME"])  # or the chart's own file would hide it
    assert given["airflowVersion"] == version("apache-airflow")
    images = {container["image"] for spec in pods() for container in spec["containers"]}
    assert images == {f"registry.example/loda:{project['version']}"}


def test_every_container_may_write_where_the_image_says_and_nowhere_else() -> None:
    image = (ROOT / "ops" / "Containerfile").read_text()
    written = set(yaml.safe_load(re.findall(r"^VOLUME (.+)$", image, re.MULTILINE)[0])) | {"/tmp"}  # noqa: S108
    said = settings_file()
    kept = [said[name] for name in said if name.endswith(("_DIR", "_FILE", "LODA_HOME"))]
    assert len(kept) == 5
    assert all(any(Path(place).is_relative_to(one) for one in written) for place in kept)
    user = int(re.findall(r"^USER (\d+)$", image, re.MULTILINE)[0])
    for spec in pods():
        assert {one["name"] for one in spec["volumes"]} == {"home", "shared", "tmp"}
        for container in spec["containers"]:
            mounts = {one["mountPath"]: one["name"] for one in container["volumeMounts"]}
            assert written <= set(mounts)
            assert all(any(Path(place).is_relative_to(one) for one in written) for place in mounts)
            assert set(mounts.values()) == {"home", "shared", "tmp"}
            own = container["securityContext"]
            assert own["readOnlyRootFilesystem"] is True
            assert own["allowPrivilegeEscalation"] is False
            assert own["capabilities"] == {"drop": ["ALL"]}
        whole = spec["securityContext"]
        assert whole["runAsNonRoot"] is True
        assert whole["runAsUser"] == whole["runAsGroup"] == whole["fsGroup"] == user
        assert whole["seccompProfile"] == {"type": "RuntimeDefault"}
        assert spec["automountServiceAccountToken"] is False


def test_what_holds_an_anchor_of_the_audit_log_finds_it_again() -> None:
    worker = values()["workers"]["celery"]
    assert worker["persistence"]["enabled"]
    assert [one["metadata"]["name"] for one in worker["volumeClaimTemplates"]] == ["home"]
    review = named("Deployment", "loda-review")["spec"]
    assert (review["replicas"], review["strategy"]["type"]) == (1, "Recreate")
    (home,) = [one for one in review["template"]["spec"]["volumes"] if one["name"] == "home"]
    claim = named("PersistentVolumeClaim", home["persistentVolumeClaim"]["claimName"])
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"]
    shared = {
        one["persistentVolumeClaim"]["claimName"]
        for spec in pods()
        for one in spec["volumes"]
        if one["name"] == "shared"
    }
    (name,) = shared
    assert named("PersistentVolumeClaim", name)["spec"]["accessModes"] == ["ReadWriteMany"]


def test_every_container_says_what_memory_it_needs_and_may_take() -> None:
    for spec in pods():
        for container in spec["containers"]:
            told = container["resources"]
            assert told["requests"]["memory"]
            assert told["limits"]["memory"]


def test_nobody_reaches_more_than_the_settings_file_names() -> None:
    policies = [one for one in manifests() if one["kind"] == "NetworkPolicy"]
    (nothing,) = [one for one in policies if set(one["spec"]) == {"podSelector", "policyTypes"}]
    assert nothing["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    said = settings_file()
    named_there = [said[name] for name in ("LODA_LEDGER_URL", "AIRFLOW__CELERY__BROKER_URL", "AWS_ENDPOINT_URL")]
    expected = {urlsplit(url).port for url in named_there} | {443}
    assert said["LODA_REVIEW_OIDC_ISSUER"].startswith("https://")
    outward = [
        (peer["ipBlock"]["cidr"], port["port"])
        for policy in policies
        for way in ("egress", "ingress")
        for rule in policy["spec"].get(way, [])
        for peer in rule.get("to", rule.get("from", []))
        if "ipBlock" in peer
        for port in rule["ports"]
        if way == "egress" or port["port"] != 8000
    ]
    assert {port for _, port in outward} == expected
    assert all(ipaddress.ip_network(cidr).subnet_of(EXAMPLES) for cidr, _ in outward)
    parts = named("NetworkPolicy", "airflow-parts")["spec"]
    ports = {one["port"] for one in parts["ingress"][0]["ports"]}
    assert ports == set(values()["ports"].values())
    assert parts["ingress"][0]["ports"] == parts["egress"][0]["ports"]


def test_the_pages_are_found_by_their_service_and_their_network_policy() -> None:
    template = named("Deployment", "loda-review")["spec"]["template"]
    labels, (container,) = template["metadata"]["labels"], template["spec"]["containers"]
    service = named("Service", "loda-review")["spec"]
    assert service["selector"] == labels
    assert named("NetworkPolicy", "review")["spec"]["podSelector"]["matchLabels"] == labels
    (port,) = container["ports"]
    assert service["ports"][0]["targetPort"] == port["name"]
    assert container["command"][-2:] == ["--port", str(port["containerPort"])]


COMMANDS = """
import importlib, json, sys
ours, airflow, celery = json.loads(sys.argv[1])
import typer
from pipelines.cli import app
for words in ours:
    command = typer.main.get_command(app)
    while hasattr(command, "commands"):
        command = command.commands[words.pop(0)]
    command.make_context(command.name, words)
from airflow.cli.cli_parser import get_parser
for words in airflow:
    assert callable(get_parser().parse_args(words).func)
module, _, name = celery.rpartition(".")
assert type(getattr(importlib.import_module(module), name)).__name__ == "Celery"
"""


def test_every_command_is_one_that_the_image_has(tmp_path: Path) -> None:
    import json

    commands = [container["command"] for spec in ours() for container in spec["containers"]]
    assert {words[0] for words in commands} == {"loda"}
    checks = [
        container[name]["exec"]["command"]
        for spec in of_the_chart().values()
        for container in spec["containers"]
        for name in ("livenessProbe", "startupProbe")
        if "exec" in container.get(name, {})
    ]
    (celery,) = [words for words in checks if words[0] == "sh"]
    app = re.findall(r"--app (\S+) ", celery[-1])[0]
    airflow = [words[1:] for words in checks if words[0] == "airflow"]
    assert len(airflow) == 4
    given = json.dumps([[words[1:] for words in commands], airflow, app])
    own = {**os.environ, "AIRFLOW_HOME": str(tmp_path), "AIRFLOW__CORE__EXECUTOR": values()["executor"]}
    done = subprocess.run(
        [sys.executable, "-c", COMMANDS, given], env=own, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture
def answering() -> Iterator[dict[str, Any]]:
    """Something in the place of the pages that answers to their name alone."""
    told: dict[str, Any] = {"status": 200}

    class Pages(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            known = self.headers["Host"] == "review.example" and self.path == "/healthz"
            self.send_response(told["status"] if known else 400)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = http.server.HTTPServer(("127.0.0.1", 0), Pages)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    told["port"] = server.server_port
    yield told
    server.shutdown()
    server.server_close()


@pytest.mark.parametrize(("status", "ready"), [(200, True), (503, False)])
def test_the_pages_are_asked_by_the_name_that_they_answer_to(
    answering: dict[str, Any], status: int, ready: bool
) -> None:
    answering["status"] = status
    (container,) = named("Deployment", "loda-review")["spec"]["template"]["spec"]["containers"]
    program, *arguments = container["readinessProbe"]["exec"]["command"]
    assert program == "python"
    code = arguments[-1].replace(":8000/", f":{answering['port']}/")
    assert code != arguments[-1]
    own = {"LODA_REVIEW_BASE_URL": settings_file()["LODA_REVIEW_BASE_URL"]}
    done = subprocess.run([sys.executable, "-c", code], env=own, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) is ready, done.stderr
