"""The peers of `harmonise.py`: each in an environment of its own that is made once, `.venv/peers`.

Frictionless validates every cell against a table schema, which is a part of what harmonising does: nothing is mapped,
cast, repaired, quarantined or stored.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ENVIRONMENT = Path(__file__).resolve().parents[1] / ".venv" / "peers"
PYTHON = ENVIRONMENT / "bin" / "python"
FRICTIONLESS = "frictionless==5.21.0"

FRICTIONLESS_RUN = """
import json, resource, sys, time
from frictionless import Resource, Schema
schema = Schema.from_descriptor(json.loads(sys.argv[2]))
resource_ = Resource(path=sys.argv[1], schema=schema)
cpu, clock = time.process_time(), time.perf_counter()
report = resource_.validate(limit_errors=1_000_000)
seconds = {"cpu": time.process_time() - cpu, "clock": time.perf_counter() - clock}
task = report.tasks[0]
print(json.dumps({"rows": task.stats["rows"], "errors": task.stats["errors"], "seconds": seconds,
                  "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))
"""


def measured(sample: Path) -> dict[str, dict[str, Any]]:
    """Rows, seconds and peak memory of each peer on the sample."""
    _install("frictionless", FRICTIONLESS)
    return {"frictionless": _run(FRICTIONLESS_RUN, sample.name, json.dumps(table_schema()), cwd=sample.parent)}


def table_schema() -> dict[str, Any]:
    """The extract's columns with the rules that the contract has for them, as a table schema."""
    upper = "^(?i:[A-Z]{1,2}[0-9][A-Z0-9]? ?[0-9][A-Z]{2} *)$"
    kinds: dict[str, dict[str, Any]] = {
        "ACCOUNT_REF": {"type": "string", "constraints": {"required": True, "maxLength": 40}},
        "PROP_ADDR1": {"type": "string", "constraints": {"required": True, "maxLength": 300}},
        "PROP_ADDR2": {"type": "string"},
        "PROP_PCODE": {"type": "string", "constraints": {"pattern": upper}},
        "UPRN": {"type": "string", "constraints": {"pattern": "^[1-9][0-9]{0,11}$"}},
        "LIABLE_NAME": {"type": "string", "constraints": {"maxLength": 200}},
        "LIAB_TYPE": {"type": "string", "constraints": {"enum": ["OCC", "OWN", "ORG", "LA"]}},
        "BAND": {"type": "string", "constraints": {"enum": list("ABCDEFGH")}},
        "DISC_CODE": {"type": "string", "constraints": {"enum": ["NIL", "SPD25", "DIS25", "DIS50", "EMP", "EMPLT"]}},
        "EXEMPT_CLASS": {"type": "string", "constraints": {"enum": list("BDEFGHIJKLMNOPQRSTUVW")}},
        "LIAB_START": {
            "type": "date",
            "format": "%d/%m/%Y",
            "constraints": {"required": True, "minimum": "01/04/1993"},
        },
        "LIAB_END": {"type": "date", "format": "%d/%m/%Y", "constraints": {"minimum": "01/04/1993"}},
    }
    return {"fields": [{"name": name, **kind} for name, kind in kinds.items()], "missingValues": [""]}


def _install(module: str, requirement: str) -> None:
    if not PYTHON.exists():
        subprocess.run([sys.executable, "-m", "venv", ENVIRONMENT], check=True)
    there = subprocess.run([PYTHON, "-c", f"import {module}"], capture_output=True, check=False).returncode == 0
    if not there:
        print(f"Installing {requirement} into .venv/peers ...", flush=True)
        subprocess.run([PYTHON, "-m", "pip", "install", "-qq", "--disable-pip-version-check", requirement], check=True)


def _run(code: str, *arguments: str, cwd: Path) -> dict[str, Any]:
    done = subprocess.run([PYTHON, "-c", code, *arguments], capture_output=True, text=True, cwd=cwd, check=False)
    if done.returncode:
        raise SystemExit(f"A peer failed.\n{done.stderr[-2000:]}")
    result: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return result
