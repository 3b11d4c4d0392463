"""The officers' pages in the menu of a real Airflow: seen after its sign-in, and leading to a sign-in of their own.

Airflow's web page alone is started; the menu needs no scheduler.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import httpx
import psutil
import pytest

from review.app import create_app
from tests.browser.conftest import WIDE, picture
from tests.homes import own_home
from tests.review.conftest import forget_settings
from tests.review.served import served

if TYPE_CHECKING:
    from playwright.sync_api import Browser

ROOT = Path(__file__).resolve().parents[2]
AIRFLOW = Path(sys.executable).parent / "airflow"
STARTS_WITHIN = 300
STEP = 60_000
"""Milliseconds that anything may take on a busy machine."""

HELD_BY = "simple_auth_manager_passwords.json.generated"
ENTRY = "Homes to check"


PRINT = "import json, sys; from loda_environment import environment; print(json.dumps(environment(int(sys.argv[1]))))"


def environment(home: Path, port: int, pages: str) -> dict[str, str]:
    """As `make airflow` sets it (`dags/loda_environment.py`), with one worker."""
    own = {name: value for name, value in os.environ.items() if not name.startswith("AIRFLOW")}
    own |= {"LODA_HOME": str(home), "LODA_REVIEW_BASE_URL": pages, "AIRFLOW__API__WORKERS": "1"}
    own["PYTHONPATH"] = os.pathsep.join([str(ROOT), str(ROOT / "dags")])
    done = subprocess.run([sys.executable, "-c", PRINT, str(port)], env=own, capture_output=True, text=True, check=True)
    found: dict[str, str] = json.loads(done.stdout)
    return found


def answers(address: str) -> bool:
    """Whether Airflow is there."""
    try:
        return httpx.get(f"{address}/api/v2/monitor/health", timeout=5).status_code == 200
    except httpx.HTTPError:
        return False


def end(server: subprocess.Popen[bytes]) -> None:
    family = [psutil.Process(server.pid), *psutil.Process(server.pid).children(recursive=True)]
    server.send_signal(signal.SIGTERM)
    _, alive = psutil.wait_procs(family, timeout=10)
    for member in alive:
        member.kill()
    psutil.wait_procs(alive, timeout=10)


@pytest.fixture(scope="module")
def airflow(browser: Browser, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str, str]]:
    """Addresses of Airflow and of the officers' pages, and Airflow's password."""
    home = tmp_path_factory.mktemp("airflow-menu") / "home"
    with ExitStack() as stack:
        stack.enter_context(own_home(home))
        forget_settings()
        pages = stack.enter_context(served(create_app()))
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        within, log = environment(home, port, pages), stack.enter_context((home / "airflow.log").open("ab"))
        more = {"env": within, "cwd": ROOT, "stdin": subprocess.DEVNULL, "stdout": log, "stderr": log}
        subprocess.run([AIRFLOW, "db", "migrate"], check=True, **more)
        server = subprocess.Popen([AIRFLOW, "api-server"], start_new_session=True, **more)
        stack.callback(end, server)
        address, until = f"http://127.0.0.1:{port}", time.monotonic() + STARTS_WITHIN
        while not answers(address):
            assert server.poll() is None, (home / "airflow.log").read_text()[-2000:]
            assert time.monotonic() < until, "Airflow does not answer"
            time.sleep(0.5)
        yield address, pages, json.loads((home / "airflow" / HELD_BY).read_text())["admin"]
    forget_settings()


def test_the_menu_leads_to_the_officers_pages(browser: Browser, airflow: tuple[str, str, str]) -> None:
    address, pages, password = airflow
    page = browser.new_page(viewport={"width": WIDE, "height": 900})
    page.set_default_timeout(STEP)
    page.goto(address)
    page.locator("input[name=username]").fill("admin")
    assert page.get_by_label(ENTRY).count() == 0, "nothing is shown before the sign-in"
    page.locator("input[name=password]").fill(password)
    page.get_by_role("button", name="Sign in").click()
    page.get_by_role("button", name="Browse").click()
    link = page.get_by_label(ENTRY)
    link.wait_for()
    picture(page, "airflow-menu")
    assert link.get_attribute("href") == pages
    with page.context.expect_page() as opened:
        link.click()
    led = opened.value
    led.wait_for_load_state()
    assert led.url.startswith(f"{pages}/sign-in")
    assert "Sign in" in led.title()
    picture(led, "airflow-menu-leads-to")
    page.close()
    led.close()


def test_airflow_says_nothing_of_the_pages_to_whom_it_does_not_know(airflow: tuple[str, str, str]) -> None:
    address, _, _ = airflow
    assert httpx.get(f"{address}/api/v2/plugins").status_code == 401
    for path in ("/loda_review", "/review", "/lists/camden", "/plugins/loda_review", "/sign-in", "/healthz"):
        answer = httpx.get(address + path, follow_redirects=True, timeout=30)
        assert ENTRY not in answer.text
        assert '<div id="root"' in answer.text, "Airflow's own page, which asks for a sign-in"
