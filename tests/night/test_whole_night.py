"""A whole night from extracts to lists, by `loda run`: what it must leave behind, and what it must not."""

from __future__ import annotations

import csv
import hashlib
import io
import itertools
import json
import os
import re
import shutil
import signal
import sqlite3
import subprocess
import time
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from pipelines.cli import app
from pipelines.core import beside
from tests.night import circle
from tests.night.conftest import BOROUGHS, CANARY, LODA, Night, environment, loda_here


def test_every_drop_has_a_receipt_and_every_row_a_fate(night: Night):
    extracts = [p for p in (night.home / "bucket").rglob("*") if p.is_file() and not _is_ours(p)]
    drops = night.summary["drops"]
    assert len(drops) == len(extracts)
    for drop in drops:
        assert drop["rows_in"] == drop["accepted"] + drop["quarantined"], drop["receipt"]
        assert drop["status"] == "accepted", (drop["receipt"], drop["sentence"])
        receipt = json.loads((night.home / "bucket" / f"{drop['file']}.receipt.json").read_text())
        assert receipt["rows_in"] == drop["rows_in"]
        assert receipt["sha256"] == hashlib.sha256((night.home / "bucket" / drop["file"]).read_bytes()).hexdigest()
    assert night.summary["rows_in"] == night.summary["accepted"] + night.summary["quarantined"] > 10_000
    assert night.summary["failures"] == []


def _is_ours(path: Path) -> bool:
    return path.name.endswith((*beside.NEVER_A_DROP, beside.QUARANTINE))


def test_quarantine_file_holds_the_quarantined_rows(night: Night):
    checked = 0
    for drop in night.summary["drops"]:
        path = night.home / "bucket" / f"{drop['file']}.quarantine.csv"
        assert path.exists() == (drop["quarantined"] > 0)
        if drop["quarantined"]:
            rows = list(csv.DictReader(io.StringIO(path.read_text(encoding="utf-8-sig"))))
            assert len(rows) == drop["quarantined"]
            assert all(row["_row"] and row["_reason"] and row["_how_to_fix"] for row in rows)
            checked += 1
    assert checked >= 3


@pytest.mark.parametrize("borough", BOROUGHS)
def test_each_borough_has_a_list_with_all_that_is_promised(night: Night, borough: str):
    issued = json.loads(night.loda("list", borough, "--format", "json").stdout)
    entries = issued["entries"]
    assert entries, "the list is not empty"
    assert [e["rank"] for e in entries] == list(range(1, len(entries) + 1))
    probabilities = [e["probability"] for e in entries]
    out_of_order = sum(a < b for a, b in itertools.pairwise(probabilities))
    assert out_of_order <= round(0.05 * len(entries) + 0.5), "likeliest first, but for the control slice"
    assert len({e["uprn"] for e in entries}) == len(entries)
    for entry in entries:
        assert entry["address"]
        assert 0 <= entry["probability"] <= 1
        assert entry["licence_status"]
        assert entry["licence_needed"] != "none"
    assert len(entries[0]["reasons"]) == 3
    cut = json.loads(night.loda("list", borough, "--capacity", "5", "--format", "json").stdout)["entries"]
    assert cut == entries[:5]


def test_list_as_csv_and_table(night: Night):
    rows = list(csv.DictReader(io.StringIO(night.loda("list", "camden", "--format", "csv").stdout)))
    assert next(iter(rows[0])) == "uprn"
    assert "lead to check" in night.loda("list", "camden").stdout


@pytest.mark.parametrize("borough", BOROUGHS)
def test_published_files_are_those_of_the_manifest(night: Night, borough: str):
    folder = night.home / "published" / borough
    current = json.loads((folder / "current.json").read_text())
    manifests = list(folder.rglob("manifest.json"))
    assert len(manifests) == 1
    manifest = json.loads(manifests[0].read_text())
    assert manifest["as_of"] == night.summary["as_of"]
    names = {p.name for p in manifests[0].parent.iterdir()}
    assert {"list.csv", "list.xlsx", "list.parquet"} <= names
    for name, digest in manifest["sha256"].items():
        assert digest == hashlib.sha256((manifests[0].parent / name).read_bytes()).hexdigest()
    assert manifests[0].parent.name in json.dumps(current)


def test_second_run_finds_nothing_and_changes_nothing(night: Night):
    before, lines = _fingerprint(night.home), _audit_lines(night.home)
    second = json.loads(night.loda("run", "--json").stdout)
    assert second["changed"] is False
    assert second["drops"] == []
    assert _fingerprint(night.home) == before
    after = _audit_lines(night.home)
    assert after[: len(lines)] == lines
    assert {what for _, what in after[len(lines) :]} <= {"read"}, "every look is on record, and nothing else was done"


def _audit_lines(home: Path) -> list[tuple[str, str]]:
    """Hash and act of every line of the audit log, which grows with each look at personal data."""
    ledger = sqlite3.connect(home / "ledger.db")
    found = ledger.execute("select hash, what from loda_audit_event order by number").fetchall()
    ledger.close()
    return found


def _fingerprint(home: Path) -> dict[str, str]:
    """Hashes of everything that lasts, the ledger by its rows, without the audit log."""
    found = {}
    for folder in ("bucket", "lake", "published", "models"):
        for path in sorted((home / folder).rglob("*")):
            if path.is_file():
                found[str(path.relative_to(home))] = hashlib.sha256(path.read_bytes()).hexdigest()
    ledger = sqlite3.connect(home / "ledger.db")
    tables = "select name from sqlite_master where type = 'table' and name <> 'loda_audit_event' order by 1"
    for (table,) in ledger.execute(tables):
        rows = sorted(repr(row) for row in ledger.execute(f'select * from "{table}"'))  # noqa: S608 - our own tables
        found[table] = hashlib.sha256("".join(rows).encode()).hexdigest()
    ledger.close()
    return found


def test_open_data_of_a_night_names_no_property_and_nobody(night: Night):
    night.loda("publish", "--open")
    said = night.loda("publish", "--open").stdout
    assert "and stands" in said, "a quarter is published once"
    (folder,) = [path.parent for path in (night.home / "published" / "open").glob("*/datapackage.json")]
    uprns: set[str] = set()
    for path in (night.home / "lake" / "property").rglob("*.parquet"):
        uprns |= set(pq.read_table(path, columns=["uprn"])["uprn"].to_pylist())
    assert len(uprns) > 2000
    for name in ("counts.csv", "areas.geojson", "dictionary.csv", "datapackage.json", "dcat.jsonld"):
        text = (folder / name).read_text(encoding="utf-8")
        assert CANARY not in text
        assert not uprns & set(re.findall(r"\d{5,12}", text)), name
    figures = pq.read_table(folder / "counts.parquet").to_pandas()
    assert set(figures["borough_name"]) == {"Camden", "Lambeth"}
    assert set(figures["measure"]) == {"property", "licence", "application", "request", "inspection"}
    assert (figures["count"] % 10 == 0).all()
    assert figures.loc[figures["area_level"] == "borough", "count"].sum() > 2000


def test_canaries_reach_no_receipt_list_log_or_ledger(night: Night):
    assert night.planted > 1000
    assert CANARY not in night.printed
    leaked = []
    for path in night.home.rglob("*"):
        relative = path.relative_to(night.home)
        if not path.is_file() or relative.parts[0] == "truth" or (relative.parts[0] == "bucket" and not _is_ours(path)):
            continue
        if path.name.endswith(".quarantine.csv") or relative.parts[:2] == ("lake", "raw"):
            continue  # the borough's own rows, in its own folder; the bytes as they came
        if path.suffix == ".parquet":
            table = pq.read_table(path)
            # A public register by statute, and the name of an organisation.
            allowed = {"holder_name", "holder_address", "manager_name", "landlord_name"}
            text = "".join(str(table[c].to_pylist()) for c in table.column_names if c not in allowed)
        else:
            text = path.read_bytes().decode("latin-1")
        # A Delta log keeps the least and greatest value of each column, which the register's columns may show.
        shown = "_delta_log" in relative.parts and {"hmo_licence", "social_housing"} & set(relative.parts)
        if CANARY in text and not shown:
            leaked.append(str(relative))
    assert leaked == []


def test_direct_identifiers_are_tokens_in_the_lake(night: Night):
    found = list((night.home / "lake" / "harmonised" / "council_tax").rglob("*.parquet"))
    assert found
    for path in found:
        tokens = pq.read_table(path, columns=["liable_name"])["liable_name"].drop_null().to_pylist()
        assert all(len(token) == 32 and int(token, 16) >= 0 for token in tokens)


def test_the_pipeline_never_opened_the_truth(night: Night):
    """The night came to its end in a process that stops at the first look into that folder."""
    assert any((night.home / "truth").iterdir())


def test_code_outside_the_generator_does_not_speak_of_the_truth():
    root = Path(__file__).resolve().parents[2]
    for folder in ("pipelines", "models", "schemas", "expectations", "dags"):
        for path in (root / folder).rglob("*.py"):
            if "demo" in path.parts or path.name in {"app.py", "display.py", "run_one_night.py"}:
                continue  # the generator, and the commands that call it
            text = path.read_text()
            assert "truth/" not in text, path
            assert "true_uprn" not in text, path
            assert "pipelines.demo" not in text, path


def test_night_killed_twice_half_way_then_run_again_ends_with_every_list_out(tmp_path: Path):
    home = tmp_path / "home"
    home.mkdir()
    loda_here(home, "demo", "--boroughs", "camden", "--dwellings", "900", "--seed", "7")
    # Once the first dataset is in the lake, with twelve to come; and once the links are there, before the model.
    for reached in ("lake/harmonised/*/_delta_log/*.json", "lake/link/_delta_log/*.json"):
        running = subprocess.Popen(
            [str(LODA), "run", "--json"],
            env={**os.environ, **environment(home)},
            start_new_session=True,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        latest = time.monotonic() + 400
        while not any(home.glob(reached)):
            assert running.poll() is None, f"the night ended before it came to {reached}"
            assert time.monotonic() < latest, f"the night has not come to {reached}"
            time.sleep(0.02)
        os.killpg(running.pid, signal.SIGKILL)
        running.wait()
        assert not (home / "published" / "camden" / "current.json").exists()
    summary = json.loads(loda_here(home, "run", "--json").stdout)
    assert summary["failures"] == []
    status = json.loads(loda_here(home, "status", "--json").stdout)
    assert set(status["lists"]) == {"camden"}
    assert len(status["last_good"]) == 13
    assert (home / "published" / "camden" / "current.json").exists()


def test_one_borough_that_fails_touches_no_other(tmp_path: Path):
    home = tmp_path / "home"
    home.mkdir()
    loda_here(home, "demo", "--boroughs", "camden,lambeth", "--dwellings", "300")
    for folder in (home / "bucket" / "drops").glob("*/*"):
        # Without a gazetteer nothing is linked or ranked: who fails in the intake touches no other's intake.
        if folder.name not in {"hmo_licence", "council_tax", "service_request"}:
            shutil.rmtree(folder)
    for path in (home / "bucket" / "drops" / "camden").rglob("*.csv"):
        path.write_bytes(path.read_bytes()[:200])
    summary = json.loads(loda_here(home, "run", "--json", LODA_WORKERS="2").stdout)
    lambeth = [d for d in summary["drops"] if d["borough"] == "lambeth"]
    assert {d["status"] for d in lambeth} == {"accepted"}
    assert all(d["rows_in"] == d["accepted"] + d["quarantined"] for d in summary["drops"])


def test_commands_answer_mistakes_in_one_sentence(night: Night):
    for arguments, told in {
        ("list", "atlantis"): "no borough 'atlantis'",
        ("receipt", "nothing"): "no drop 'nothing'",
        ("run", "--as-of", "yesterday"): "not a date",
        ("run", "--borough", "atlantis"): "no borough 'atlantis'",
        ("demo", "--boroughs", "atlantis"): "not one of London's boroughs",
        ("list", "oxford"): "oxford",
    }.items():
        done = night.loda(*arguments, check=False)
        assert done.exit_code not in {0, 2}, arguments
        assert told.lower() in done.stderr.lower(), (arguments, done.stderr)
        assert "Traceback" not in done.stderr
        assert len(done.stderr.strip().splitlines()) == 1


@pytest.mark.parametrize(
    "command", ["demo", "run", "status", "list", "receipt", "doctor", "template", "tonight", "publish"]
)
def test_every_command_has_help_with_an_example(command: str):
    assert f"Example: loda {command}" in " ".join(CliRunner().invoke(app, [command, "--help"]).stdout.split())


def test_doctor_is_content_and_says_what_to_do_when_not(night: Night):
    assert "MEND" not in night.loda("doctor").stdout
    broken = night.loda("doctor", check=False, LODA_LEDGER_URL="sqlite:////proc/no/ledger.db")
    assert broken.exit_code == 1
    assert "LODA_LEDGER_URL" in broken.stdout
    assert "Traceback" not in broken.stderr


def test_receipt_reads_well(night: Night):
    drop = max(night.summary["drops"], key=lambda d: d["quarantined"])
    text = night.loda("receipt", drop["receipt"]).stdout
    assert text.startswith("Accepted.")
    assert "Must fix" in text
    assert json.loads(night.loda("receipt", drop["receipt"], "--json").stdout)["receipt"] == drop["receipt"]


def test_what_an_officer_records_in_the_browser_changes_the_next_night_and_its_note_stays_in_the_ledger(
    night: Night, tmp_path: Path
):
    mark = "WRYNECKNOTE"
    with circle.copy_of(night.home, tmp_path / "home") as home:
        (champion,) = circle.models()
        entry = circle.first_unanswered("camden")
        (before_it,) = circle.listed("camden")
        circle.record("camden", entry, "hmo_unlicensed", f"{mark} has six doors")
        done = CliRunner().invoke(app, ["run", "--json", "--borough", "camden"])
        assert done.exit_code == 0, done.output
        (visit,) = circle.visits("camden")
        assert (visit["uprn"], visit["finding"]) == (entry.uprn, "hmo_unlicensed")
        assert visit["visit_reason"] in {"list", "control"}
        assert [(link["uprn"], link["decision"]) for link in visit["links"]] == [(entry.uprn, "linked")]
        assert circle.labels("camden", entry.as_of)[entry.uprn] == 1
        first, after_it = circle.listed("camden")
        assert first == before_it, "a list once issued stays as it is"
        assert (entry.uprn in first, entry.uprn in after_it) == (True, False), "it is settled"
        before, challenger = circle.models()
        assert (before.id, before.status, challenger.status) == (champion.id, "champion", "challenger")
        for count in ("hmos", "hmos_by_visit"):
            assert challenger.metrics["labels"][count] == champion.metrics["labels"][count] + 1
        again = json.loads(CliRunner().invoke(app, ["run", "--json", "--borough", "camden"]).stdout)
        assert again["changed"] is False
    assert mark not in done.output
    content = {path: path.read_bytes() for path in home.rglob("*") if path.is_file() and "ledger.db" not in path.name}
    assert [path for path, found in content.items() if mark.encode() in found] == []
    for path in (home / "lake").rglob("*.parquet"):
        if "raw" not in path.parts:
            assert mark not in str(pq.read_table(path, columns=_texts(path)).to_pydict()), path
    assert _tables_with(home, mark) == ["loda_outcome"]


def _texts(path: Path) -> list[str]:
    return [field.name for field in pq.read_schema(path) if str(field.type) == "string"]


def _tables_with(home: Path, text: str) -> list[str]:
    """Tables of the ledger in which a text stands."""
    ledger = sqlite3.connect(home / "ledger.db")
    names = [name for (name,) in ledger.execute("select name from sqlite_master where type = 'table' order by 1")]
    found = [name for name in names if any(text in repr(row) for row in ledger.execute(f'select * from "{name}"'))]  # noqa: S608 - our own tables
    ledger.close()
    return found
