"""What product code may not do: load objects of bytes. What bandit looks for, `make check` asks it."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PRODUCT = ("pipelines", "review", "models", "schemas", "expectations", "dags")
RUN_CODE = {"pickle", "cPickle", "_pickle", "dill", "cloudpickle", "joblib", "marshal", "shelve", "jsonpickle"}
ALLOWED = {"pipelines/link/side_by_side.py": "the spine, for workers of the same run, in a folder of the owner alone"}
"""Files that may load objects, and of what."""


def loads_objects(source: str) -> bool:
    """Whether a module imports what loads objects of bytes, or reads a frame or an array so."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import) and {alias.name.split(".")[0] for alias in node.names} & RUN_CODE:
            return True
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in RUN_CODE:
            return True
        if isinstance(node, ast.Attribute) and node.attr in {"read_pickle", "to_pickle", "unsafe_load", "UnsafeLoader"}:
            return True
        if isinstance(node, ast.keyword) and node.arg == "allow_pickle" and ast.unparse(node.value) != "False":
            return True
    return False


def test_no_module_loads_objects_of_bytes_but_those_with_a_reason() -> None:
    files = [path for package in PRODUCT for path in (ROOT / package).rglob("*.py")]
    assert len(files) > 200
    found = {str(path.relative_to(ROOT)) for path in files if loads_objects(path.read_text(encoding="utf-8"))}
    assert found == set(ALLOWED)


@pytest.mark.parametrize(
    "source", ["import pickle", "from joblib import load", "np.load(x, allow_pickle=True)", "pd.read_pickle(x)"]
)
def test_the_search_sees_each_way(source: str) -> None:
    assert loads_objects(source)


def test_airflows_page_asks_for_a_sign_in() -> None:
    """By Airflow's own reading of our configuration: nobody is an administrator without a password."""
    program = (
        "from airflow.configuration import conf\n"
        "print(conf.get('core', 'auth_manager'), conf.getboolean('core', 'simple_auth_manager_all_admins'),"
        " conf.get('api', 'host'))"
    )
    home = ROOT / "var" / "airflow"
    environment = {"PATH": "/usr/bin:/bin", "AIRFLOW_HOME": str(home), "AIRFLOW_CONFIG": str(ROOT / "airflow.cfg")}
    done = subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True, check=True, timeout=120
    )
    manager, everybody, host = done.stdout.split()[-3:]
    assert manager.endswith("SimpleAuthManager")
    assert (everybody, host) == ("False", "127.0.0.1")
