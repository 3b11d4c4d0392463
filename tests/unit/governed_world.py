"""A borough with rows in the lake, drops behind them, derived tables and a published list, for governance tests."""

from __future__ import annotations

import atexit
import hashlib
import shutil
import tempfile
from datetime import UTC, date, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa

from pipelines.core import lake
from pipelines.core.bucket import Folder
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, LastGood
from pipelines.core.settings import settings
from pipelines.core.tables import LANDLORD, LICENSING
from pipelines.governance import access, pseudonym, stages
from pipelines.publish import publish_lists
from pipelines.ranking import rank
from schemas import registry
from tests.homes import own_home
from tests.unit.licensing_world import AS_OF, write_links, write_properties, write_scores

NOW = datetime(2024, 6, 1, tzinfo=UTC)
STAGES = ("link", "features", "score", "licensing")


def drop(borough: str, dataset: str, text: str, *, name: str = "a.csv", **changes: Any) -> Drop:
    """A drop with its raw bytes, its receipt and its quarantine file, as a night leaves them."""
    content = text.encode()
    sha256 = hashlib.sha256(content).hexdigest()
    path = f"drops/{borough}/{dataset}/{name}"
    store, bucket = Folder(settings().lake_url), Folder(settings().bucket_url)
    store.write_bytes(f"raw/{sha256}", content)
    store.write_bytes(f"raw/{sha256}.json", b"{}")
    quarantine = b"\xef\xbb\xbf" + content
    for ending, written in ((".quarantine.csv", quarantine), (".receipt.json", b"{}"), ("", content)):
        bucket.write_bytes(path + ending, written)
    usual: dict[str, Any] = {
        "id": f"{borough}-{dataset}-{sha256[:12]}",
        "borough": borough,
        "dataset": dataset,
        "source": "test",
        "path": path,
        "sha256": sha256,
        "size_bytes": len(content),
        "received_at": NOW,
        "extract_date": NOW.date(),
        "status": "accepted",
        "hashes": {"rules": "r", "quarantine": hashlib.sha256(quarantine).hexdigest()},
        "rows_in": 1,
        "accepted": 1,
        "lake_version": 0,
        "finished_at": NOW,
        "receipt": {},
        "receipt_delivered": True,
    }
    made = Drop(**usual | changes)
    store.write_bytes(f"intake/{made.id}/issues.parquet", b"PAR1")
    with transaction() as session:
        session.add(made)
    return made


def rows(dataset: str, *content: dict[str, Any], borough: str, behind: Drop) -> None:
    """Harmonised rows with the drop behind them; `record_id` is their number."""
    usual = {"borough": borough, "source": "test", "drop_id": behind.id, "known_since": date(2024, 1, 1)}
    numbered = [usual | {"row_number": n, "record_id": n} | row for n, row in enumerate(content, start=1)]
    table = pa.Table.from_pylist(numbered, schema=registry.contract(dataset).arrow_schema())
    version = access.write_dataset(dataset, table, borough=borough, source="test", made_from={"drop": behind.id})
    with transaction() as session:
        session.merge(
            LastGood(
                borough=borough,
                dataset=dataset,
                source="test",
                drop_id=behind.id,
                extract_date=behind.extract_date,
                rows=len(content),
                lake_version=version,
                published_at=NOW,
            )
        )


def token(name: str) -> str:
    """The token of a name."""
    return str(pseudonym.tokens(pa.array([name]))[0].as_py())


def borough_with_list(borough: str, first: int = 1) -> None:
    """Three properties, their council tax and a licence; derived tables; a list that is published."""
    uprns = [str(first), str(first + 1), str(first + 2)]
    places = [{"uprn": u, "address": f"{u} EXAMPLE ROAD", "postcode": "NW6 1AA"} for u in uprns]
    spine = drop(borough, "gazetteer", "UPRN,ADDRESS\n" + "\n".join(f"{u},{u} Example Road NW6 1AA" for u in uprns))
    rows("gazetteer", *places, borough=borough, behind=spine)
    tax = drop(borough, "council_tax", f"NAME,ADDRESS\nMr Kate Example,{uprns[0]} Example Road NW6 1AA\n")
    owners = [place | {"liable_name": token(f"OWNER {place['uprn']}"), "liable_party": "owner"} for place in places]
    owners[0]["liable_name"] = token("Kate Example")
    rows("council_tax", *owners, borough=borough, behind=tax)
    register = drop(borough, "hmo_licence", "HOLDER\nEXAMPLE Kate\n")
    held = places[2] | {"licence_ref": "L1", "holder_name": "EXAMPLE, Kate", "holder_address": "1 Elsewhere"}
    rows("hmo_licence", held, borough=borough, behind=register)
    write_properties(*places, borough=borough)
    write_links(*(("council_tax", n, u) for n, u in enumerate(uprns, start=1)), borough=borough)
    landlord = {"borough": borough, "dataset": "council_tax", "record_id": 1, "role": "owner", "landlord_id": "x"}
    licensee = landlord | {"dataset": "hmo_licence", "role": "holder"}
    access.write_table(
        "landlord", pa.Table.from_pylist([landlord, licensee], schema=LANDLORD), borough=borough, made_from={}
    )
    write_scores({u: 0.9 - int(u) / 1000 for u in uprns}, as_of=AS_OF, borough=borough)
    licensing = [
        {"borough": borough, "as_of": AS_OF, "uprn": u, "building_uprn": u, "needed": "mandatory", "status": "none"}
        for u in uprns
    ]
    access.write_table("licensing", pa.Table.from_pylist(licensing, schema=LICENSING), borough=borough, made_from={})
    for stage in STAGES:
        stages.mark_done(stage, borough, "made", {})
    stages.mark_done("landlords", "london", "made", {})
    rank(borough, AS_OF)
    publish_lists(borough)


def boroughs_with_lists(home: Path, **firsts: int) -> None:
    """`borough_with_list` of each borough in a fresh home, by its first UPRN: made once, then copied."""
    shutil.copytree(_made(tuple(firsts.items())), home, dirs_exist_ok=True)


@cache
def _made(firsts: tuple[tuple[str, int], ...]) -> Path:
    folder = Path(tempfile.mkdtemp(prefix="loda-governed-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    with own_home(folder / "home") as made:
        for borough, first in firsts:
            borough_with_list(borough, first)
    return made


def stored(table: str, borough: str) -> int:
    """Rows of a borough that lie in a table, whatever agreements say."""
    found = lake.read(table, boroughs=[borough])
    return 0 if found is None else len(found)
