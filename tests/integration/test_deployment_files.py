"""What is handed to an operator, held to the code: the settings file, the container file, the compose file."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import runpy
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from pipelines.core.settings import Settings
from review.settings import ReviewSettings

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
OPS = ROOT / "ops"
OF_THE_COUNCIL = {"review.example", "login.example"}
"""Hosts that no compose file can bring: the address that officers type, and who signs them in."""


def settings_file() -> dict[str, str]:
    lines = (OPS / "cluster.env").read_text().splitlines()
    return dict(line.split("=", 1) for line in lines if line and not line.startswith("#"))


def services() -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = yaml.safe_load((OPS / "compose.yaml").read_text())["services"]
    return found


def copied() -> list[str]:
    """What the container file takes from the checkout."""
    lines = re.findall(r"^COPY (?!--from)(.+)$", (OPS / "Containerfile").read_text(), re.MULTILINE)
    return [name for line in lines for name in line.split()[:-1]]


def run(tool: str, *arguments: str) -> str:
    if not (BIN / tool).exists():
        pytest.skip(f"{tool} is not installed")
    done = subprocess.run([str(BIN / tool), *arguments], capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_the_container_file_has_nothing_that_its_linter_minds() -> None:
    assert run("hadolint", "--failure-threshold", "style", "ops/Containerfile") == ""


def test_the_compose_file_is_one() -> None:
    run("check-jsonschema", "--builtin-schema", "vendor.compose-spec", "ops/compose.yaml")


def test_the_image_holds_all_that_the_platform_needs_and_nothing_else(tmp_path: Path) -> None:
    taken = copied()
    allowed = [line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")]
    assert sorted(taken) == sorted(allowed)
    for name in taken:
        source = ROOT / name
        assert source.exists(), name
        shutil.copytree(source, tmp_path / name) if source.is_dir() else shutil.copy(source, tmp_path / name)
    own = {name: value for name, value in os.environ.items() if not name.startswith("LODA_")}
    own |= {"PYTHONPATH": str(tmp_path), "LODA_HOME": str(tmp_path / "home")}
    code = (
        "import pipelines, review.serve, pipelines.night; from pipelines.cli import app; "
        f"assert pipelines.__path__[0].startswith({str(tmp_path)!r}), pipelines.__path__; app(['doctor'])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code], env=own, cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_every_name_of_the_settings_file_is_a_setting() -> None:
    spec = importlib.util.find_spec("airflow")
    assert spec is not None
    assert spec.origin is not None
    folder = Path(spec.origin).parent  # read, not imported: Airflow makes itself a home when it is
    told = runpy.run_path(str(folder / "providers" / "celery" / "get_provider_info.py"))["get_provider_info"]()
    options = {**yaml.safe_load((folder / "config_templates" / "config.yml").read_text()), **told["config"]}
    known = {f"AIRFLOW__{part}__{name}".upper() for part, about in options.items() for name in about["options"]}
    known |= {"AIRFLOW_HOME", "AIRFLOW_CONFIG"}
    known |= {f"LODA_{name.upper()}" for name in Settings.model_fields}
    known |= {f"LODA_REVIEW_{name.upper()}" for name in ReviewSettings.model_fields}
    ours = {name for name in settings_file() if not name.startswith("AWS_")}
    assert len(ours) > 25
    assert ours - known == set()


def test_the_settings_file_holds_no_secret_and_can_be_read_by_a_shell() -> None:
    secret = {name for name in settings_file() if re.search("_KEY$|SECRET|PASSWORD|_CONN$|LEDGER_URL|BACKEND", name)}
    assert len(secret) > 8
    given = {name for name in secret if "change-me" not in settings_file()[name]}
    assert given == {"AWS_ACCESS_KEY_ID"} & secret
    command = ["sh", "-euc", "set -a; . ops/cluster.env; env"]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    assert {f"{name}={value}" for name, value in settings_file().items()} <= set(shown)


CELERY = """
import json
from airflow.providers.celery.executors.default_celery import DEFAULT_CELERY_CONFIG as config
print("config", json.dumps([config["broker_transport_options"], config["task_acks_late"]]))
"""
WHOLE_FIRST_NIGHT_SECONDS = 30 * 60
"""All London on one machine: docs/scale.md. No task takes longer than all stages of all boroughs."""


def test_a_task_is_handed_out_again_after_it_ended_at_the_longest_and_before_the_next_night(tmp_path: Path) -> None:
    own = {**os.environ, **settings_file(), "AIRFLOW_HOME": str(tmp_path), "AIRFLOW_CONFIG": str(ROOT / "airflow.cfg")}
    command = [sys.executable, "-c", CELERY]
    done = subprocess.run(command, env=own, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "No visibility_timeout" not in done.stdout + done.stderr
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("config ")]
    options, acknowledged_at_its_end = json.loads(line.removeprefix("config "))
    assert acknowledged_at_its_end, "else the time counts until a worker takes the task, and not to its end"
    # A task waits for two locks, each for as long as it may, before it works.
    longest = 2 * Settings.model_fields["lock_timeout_seconds"].default + WHOLE_FIRST_NIGHT_SECONDS
    assert 2 * longest <= options["visibility_timeout"] < 24 * 3600


def test_compose_brings_every_host_that_the_settings_file_names() -> None:
    named = set(re.findall(r"[a-z0-9]+\.example", "\n".join(settings_file().values())))
    brought = {
        alias
        for service in services().values()
        for network in service["networks"].values()
        for alias in network.get("aliases", [])
    }
    assert named - OF_THE_COUNCIL == brought


def test_what_runs_our_code_may_change_nothing_of_its_host() -> None:
    ours = {name: it for name, it in services().items() if "loda:" in it["image"]}
    assert set(ours) == {"api-server", "scheduler", "dag-processor", "triggerer", "worker", "review"}
    for name, it in ours.items():
        assert it["read_only"], name
        assert it["cap_drop"] == ["ALL"], name
        assert it["env_file"], name
        assert "privileged" not in it, name
    open_ports = {name: it["ports"] for name, it in services().items() if "ports" in it}
    assert all(port.startswith("127.0.0.1:") for ports in open_ports.values() for port in ports), open_ports
    assert "USER 10001" in (OPS / "Containerfile").read_text()
