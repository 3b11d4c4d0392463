"""Whether linking loses people of some names: match rates and wrong links by the origin of the name, of made-up people.

Only for a synthetic London, whose people are invented and whose truth is known: it stops where no truth lies beside the
lake. In a council's own data nobody's origin is told from a name.

    LODA_HOME=HOME .venv/bin/python benchmarks/link_name_origin.py

HOME is where `loda demo` and `loda run` were made. Records are the council tax accounts of occupiers; of accounts that
name a landlord it is asked whether all of one landlord's were found to be one person's. Only extracts in CSV are read.
"""

from __future__ import annotations

import csv
import sys
from itertools import islice
from pathlib import Path

import numpy as np
import pandas as pd
import yaml

from pipelines.core.settings import settings
from pipelines.core.tables import LANDLORD, LINK
from pipelines.governance import access
from pipelines.link.figures import difference

PURPOSE = "hmo_detection"
ORIGINS = Path(__file__).with_name("name_origins.yaml")
DATASET = "council_tax"
TIED = ("linked", "parent")
DELIMITERS = ";|\t,"
LOOKED_AT = 2_000
"""Rows of an extract by which it is told where the name stands."""
TOP = 20
"""Lines of an extract by which it is told what stands between its cells."""


def origins() -> dict[str, str]:
    """The origin of each surname, in capitals."""
    groups = yaml.safe_load(ORIGINS.read_text(encoding="utf-8"))
    return {name.upper(): group for group, names in groups.items() for name in names.split()}


def origin_of_rows(file: Path) -> pd.Series[str]:
    """The origin of the liable person's name by row of an extract, told in the column that most often holds surnames.

    The lake is no help here: it keeps names as pseudonyms.
    """
    with file.open(encoding="latin-1", newline="") as opened:
        top = "".join(islice(opened, TOP))
        opened.seek(0)
        reader = csv.reader(opened, delimiter=max(DELIMITERS, key=top.count))
        numbered = [(reader.line_num, row) for row in reader]
    rows = pd.DataFrame([row for _, row in numbered], index=[number for number, _ in numbered])
    known = origins()

    def named(column: pd.Series[str]) -> pd.Series[str]:
        return column.fillna("").str.upper().str.extract(r"([A-Z]+)[^A-Z]*$")[0].map(known)

    holds = rows.head(LOOKED_AT).apply(lambda column: named(column).notna().sum())
    found: pd.Series[str] = named(rows[holds.idxmax()]).dropna()
    return found


def told(borough: str, truth: Path) -> pd.DataFrame | None:
    """A borough's accounts of people: origin, decision, uprn, landlord_id, and the true property and landlord.

    None where its extract is no CSV.
    """
    rows = access.read_dataset(DATASET, boroughs=[borough], purpose=PURPOSE, columns=["record_id", "row_number"])
    true = pd.read_parquet(truth / borough / "links" / f"{DATASET}.parquet")
    newest = true["file"].max()
    if not newest.endswith(".csv"):
        return None
    (file,) = (settings().home / "bucket" / "drops" / borough / DATASET).glob(newest)
    own = rows.to_pandas().merge(true.loc[true["file"] == newest].drop_duplicates("row_number"), on="row_number")
    own = own.join(origin_of_rows(file).rename("origin"), on="row_number", how="inner")
    links = access.read_table("link", LINK, boroughs=[borough]).to_pandas()
    links = links.loc[links["dataset"] == DATASET, ["record_id", "uprn", "decision"]].drop_duplicates("record_id")
    people = access.read_table("landlord", LANDLORD, boroughs=[borough]).to_pandas()
    people = people.loc[people["dataset"] == DATASET, ["record_id", "landlord_id"]].drop_duplicates("record_id")
    return own.merge(links, on="record_id").merge(people, on="record_id", how="left").assign(borough=borough)


def landlords_whole(rows: pd.DataFrame) -> tuple[pd.DataFrame, pd.Series[bool]]:
    """A row a landlord of several accounts, and whether all of them were found to be one landlord's."""
    own = rows.dropna(subset=["true_landlord"])
    of_one = own.groupby("true_landlord").agg(
        origin=("origin", "first"), accounts=("record_id", "size"), found=("landlord_id", "nunique")
    )
    several = of_one.loc[of_one["accounts"] > 1]
    return several, several["found"] == 1


def shares(rows: pd.DataFrame, mask: pd.Series[bool]) -> pd.DataFrame:
    """By origin the records, and the share of them for which something is so."""
    return mask.groupby(rows["origin"]).agg(["size", "mean"]).set_axis(["records", "share"], axis=1)


def show(title: str, table: pd.DataFrame) -> None:
    """Print a table, and whether its extremes differ by more than chance."""
    print(f"\n{title}")
    print(table.sort_values("share").to_string(float_format=lambda value: f"{value:.4f}"))
    kept = table.loc[table["records"] > 0].rename(columns={"share": "match_rate"}).rename_axis("value").reset_index()
    points, more = difference(kept)
    print(f"lowest and highest differ by {points:.2f} points, {'more than' if more else 'no more than'} by chance")


def main() -> None:
    """Print the tables."""
    truth = settings().home / "truth"
    if not (truth / "README.md").is_file():
        sys.exit(f"'{settings().home}' is no synthetic London with its truth; names are looked at in no other.")
    found = [told(own.name, truth) for own in sorted(truth.iterdir()) if own.is_dir()]
    read = [rows for rows in found if rows is not None]
    print(f"Council tax accounts of {len(read)} boroughs")
    rows = pd.concat(read)
    occupiers = rows.loc[rows["true_landlord"].isna()]
    tied = occupiers["decision"].isin(TIED)
    show("Occupiers whose record was tied to a property", shares(occupiers, tied))
    linked = occupiers.loc[occupiers["decision"] == "linked"]
    right = pd.Series(np.equal(linked["uprn"].to_numpy(), linked["true_uprn"].to_numpy()), index=linked.index)
    show("Of those linked to one home, to the right one", shares(linked, right))
    show("Landlords of several accounts that were found to be one", shares(*landlords_whole(rows)))


if __name__ == "__main__":
    main()
