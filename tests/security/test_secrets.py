"""No secret is committed: every tracked file is searched, and what looks like one is named here with its reason."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BASELINE = ROOT / "tests" / "security" / "secrets.baseline.json"


def found_in(*paths: str, folder: Path = ROOT) -> dict[str, set[str]]:
    """Hashes of what looks like a secret, by file."""
    command = [sys.executable, "-m", "detect_secrets", "scan", "--all-files", *paths]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=True)
    results = json.loads(done.stdout)["results"]
    return {name: {one["hashed_secret"] for one in ones} for name, ones in results.items()}


def test_what_looks_like_a_secret_is_a_value_of_a_test() -> None:
    tracked = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout.split(
        "\n"
    )
    # The lock is hashes of packages from end to end; the baseline is hashes of what is found.
    paths = [p for p in tracked if p and p != "requirements.lock" and not p.endswith(BASELINE.name)]
    assert len(paths) > 500
    known = json.loads(BASELINE.read_text(encoding="utf-8"))
    new = {name: sorted(ones - set(known.get(name, {}).get("hashes", []))) for name, ones in found_in(*paths).items()}
    assert {name: ones for name, ones in new.items() if ones} == {}
    assert all(one["reason"] for one in known.values())


def test_the_search_finds_a_key(tmp_path: Path) -> None:
    (tmp_path / "settings.py").write_text("AWS = '" + "AKIA" + "QYLPMN5HHHFPZAM2" + "'\n")
    assert found_in("settings.py", folder=tmp_path)
