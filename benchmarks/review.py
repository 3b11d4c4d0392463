"""The officers' pages under load: all London in the database, fifty officers at once, on SQLite and on PostgreSQL.

Thirty-three boroughs with a list each, one of them a large borough's (5,000 entries of 170,000 homes), with what stands
behind each entry, outcomes and plans. The pages are served as `loda serve` serves them; officers look, search, open,
and record. Said are answers a second, the 95th percentile by page, and answers that failed (there may be none). Beside
it: how many queries the list page asks at two lengths of a page (they may not differ), and how long the page takes
against the same query run bare.

    .venv/bin/python benchmarks/review.py --seconds 60 --officers 50
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx

LARGE, ENTRIES, ELSEWHERE, CAPACITY = "camden", 5_000, 500, 250
"""The large borough, the entries of its list and of the others', and its visits from one list."""

PAGES = {"list": 0.35, "filtered": 0.2, "search": 0.1, "property": 0.25, "map": 0.03, "outcome": 0.07}
"""What officers do, by share."""

SERVER = "from review.serve import serve; import sys; serve(port=int(sys.argv[1]))"
WORLD = "import sys; sys.path.append('benchmarks'); import review_world; review_world."
FILL = WORLD + "fill({large!r}, {entries}, {elsewhere}, {capacity})"
SIGN_IN = WORLD + "sign_in({officers}, {large!r})"
ASKED = WORLD + "asked({large!r})"


def main() -> None:
    """Measure both databases and print a table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--officers", type=int, default=50)
    parser.add_argument("--entries", type=int, default=ENTRIES)
    parser.add_argument("--databases", nargs="+", default=["sqlite", "postgresql"], choices=["sqlite", "postgresql"])
    parser.add_argument("--json", action="store_true")
    asked = parser.parse_args()
    found = {name: measured(name, asked) for name in asked.databases}
    if asked.json:
        print(json.dumps(found, indent=2))
        return
    for name, one in found.items():
        print(f"\n{name}: {one['per_second']:.1f} answers a second, {one['answers']:,} in all, {one['failed']} failed")
        print(f"  peak of the server {one['peak_mib']:.0f} MiB; filled in {one['filled_seconds']:.0f} s")
        for page, own in one["pages"].items():
            print(f"  {page:<10} {own['answers']:>6,}  median {own['median']:.3f} s  p95 {own['p95']:.3f} s")
        bare = one["list_page"]
        print(
            f"  list page alone: {bare['queries_25']} queries for 25 rows, {bare['queries_250']} for 250; "
            f"{bare['page_ms']:.1f} ms against {bare['bare_ms']:.1f} ms for its query run bare"
        )
        for status, number in one["statuses"].items():
            print(f"  status {status}: {number:,}")


def measured(database: str, asked: argparse.Namespace) -> dict[str, Any]:
    """Fill a database of a kind, serve from it, and let officers at it."""
    folder = Path(tempfile.mkdtemp(prefix="loda-review-bench-"))
    try:
        with _database(database, folder) as url:
            environment = {**os.environ, "LODA_HOME": str(folder / "home"), "LODA_LEDGER_URL": url}
            environment |= {"LODA_REVIEW_LOCAL_SIGN_IN": "1", "PYTHONWARNINGS": "ignore"}
            began = time.perf_counter()
            _python(
                FILL.format(large=LARGE, entries=asked.entries, elsewhere=ELSEWHERE, capacity=CAPACITY), environment
            )
            filled = time.perf_counter() - began
            alone = json.loads(_python(ASKED.format(large=LARGE), environment))
            cookies = json.loads(_python(SIGN_IN.format(officers=asked.officers, large=LARGE), environment))
            return _under_load(environment, cookies, asked) | {"list_page": alone, "filled_seconds": filled}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _python(code: str, environment: dict[str, str]) -> str:
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(done.stderr[-2000:])
    return done.stdout


@contextmanager
def _database(kind: str, folder: Path) -> Iterator[str]:
    """The address of an empty database of a kind; PostgreSQL's server is started with its usual safety."""
    if kind == "sqlite":
        yield f"sqlite:///{folder / 'ledger.db'}"
        return
    binaries = sorted(Path("/usr/lib/postgresql").glob("*/bin"))
    if not binaries:
        raise SystemExit("PostgreSQL's server is not installed: leave it out with --databases sqlite.")
    as_user = ["runuser", "-u", "postgres", "--"] if os.geteuid() == 0 else []
    data, port = folder / "data", _free_port()
    if as_user:
        shutil.chown(folder, "postgres", "postgres")
    folder.chmod(0o755)

    def run(*command: str) -> None:
        subprocess.run([*as_user, *command], cwd=folder, check=True, capture_output=True)

    run(str(binaries[-1] / "initdb"), "-D", str(data), "-U", "loda", "--auth=trust")
    options = f"-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={folder}"
    run(str(binaries[-1] / "pg_ctl"), "-D", str(data), "-w", "-o", options, "-l", str(folder / "log"), "start")
    try:
        yield f"postgresql+psycopg://loda@127.0.0.1:{port}/postgres"
    finally:
        run(str(binaries[-1] / "pg_ctl"), "-D", str(data), "-m", "immediate", "stop")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _under_load(environment: dict[str, str], cookies: list[str], asked: argparse.Namespace) -> dict[str, Any]:
    import psutil

    port = _free_port()
    server = subprocess.Popen([sys.executable, "-c", SERVER, str(port)], env=environment)
    try:
        address = f"http://127.0.0.1:{port}"
        _wait_for(address, server)
        found = asyncio.run(_officers(address, cookies, asked.seconds))
        peak = psutil.Process(server.pid).memory_full_info().rss / 2**20
    finally:
        server.terminate()
        server.wait(30)
    return _summary(found, asked.seconds) | {"peak_mib": peak}


def _wait_for(address: str, server: subprocess.Popen[bytes]) -> None:
    for _ in range(600):
        if server.poll() is not None:
            raise SystemExit("The pages did not start.")
        try:
            if httpx.get(f"{address}/healthz").status_code == 200:
                return
        except httpx.TransportError:
            time.sleep(0.1)
    raise SystemExit("The pages did not answer within a minute.")


Answer = tuple[str, int, float]


async def _officers(address: str, cookies: list[str], seconds: float) -> list[Answer]:
    """What each officer was answered: page, status (0 where none came), seconds."""
    until = time.perf_counter() + seconds
    each = [_officer(address, cookie, n, until) for n, cookie in enumerate(cookies)]
    return [answer for answers in await asyncio.gather(*each) for answer in answers]


async def _officer(address: str, cookie: str, number: int, until: float) -> list[Answer]:
    chance, found = random.Random(number), []
    homes: list[str] = []
    async with httpx.AsyncClient(base_url=address, cookies={"loda_session": cookie}, timeout=60) as client:
        while time.perf_counter() < until:
            page = chance.choices(list(PAGES), list(PAGES.values()))[0]
            began = time.perf_counter()
            try:
                status, text = await _act(client, page, chance, homes)
            except httpx.TransportError:
                status, text = 0, ""
            found.append((page, status, time.perf_counter() - began))
            homes = re.findall(rf'href="(/properties/{LARGE}/\d+)"', text) or homes
    return found


async def _act(client: httpx.AsyncClient, page: str, chance: random.Random, homes: list[str]) -> tuple[int, str]:
    """One thing that an officer does; recording an outcome is its form and its sending."""
    if page == "list" or not homes:
        answer = await client.get(f"/lists/{LARGE}?page={chance.randint(1, 40)}")
    elif page == "filtered":
        band = chance.choice(["top", "high", "next", "reserve"])
        answer = await client.get(f"/lists/{LARGE}?band={band}&status=to_visit&sort=ward")
    elif page == "search":
        answer = await client.get(f"/lists/{LARGE}?search={chance.randint(1, 999)}+example")
    elif page == "map":
        answer = await client.get(f"/lists/{LARGE}/map.json?band=high")
    elif page == "property":
        answer = await client.get(chance.choice(homes))
    else:
        return await _record(client, chance.choice(homes))
    return answer.status_code, answer.text


async def _record(client: httpx.AsyncClient, home: str) -> tuple[int, str]:
    form = await client.get(f"{home}/outcome")
    marks = {name: re.search(rf'name="{name}" value="([^"]*)"', form.text) for name in ("csrf", "version")}
    if form.status_code != 200 or None in marks.values():
        return form.status_code or 0, ""
    sent = {name: mark[1] for name, mark in marks.items() if mark is not None}
    sent |= {"found": "no_access", "method": "visit", "officer": "A Example", "note": "nobody opened"}
    sent |= {"visited-day": "30", "visited-month": "9", "visited-year": "2026"}
    answer = await client.post(f"{home}/outcome", data=sent)
    return answer.status_code, ""


def _summary(found: list[Answer], seconds: float) -> dict[str, Any]:
    by_page: dict[str, list[float]] = defaultdict(list)
    for page, _, took in found:
        by_page[page].append(took)
    # That another officer was first (409) is an answer as it should be.
    failed = [status for _, status, _ in found if status not in (200, 303, 409)]
    return {
        "answers": len(found),
        "per_second": len(found) / seconds,
        "failed": len(failed),
        "statuses": dict(sorted(Counter(str(status) for _, status, _ in found).items())),
        "pages": {
            page: {
                "answers": len(took),
                "median": statistics.median(took),
                "p95": sorted(took)[int(0.95 * (len(took) - 1))],
            }
            for page, took in sorted(by_page.items())
        },
    }


if __name__ == "__main__":
    main()
