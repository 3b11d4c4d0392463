"""What people decide about links holds over whole nights of new extracts, from the bucket to the tables."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pandas as pd
import pytest

from pipelines import night
from pipelines.core.settings import settings
from pipelines.core.tables import LINK, LINK_REPORT
from pipelines.demo import ANCHOR, make, reference
from pipelines.governance import access
from pipelines.link import Decision, LinkReason
from pipelines.link.spine import read_spine
from tests.homes import own_home
from tests.unit.review_world import fill_in, loda

BOROUGH, DWELLINGS, SEED = "lambeth", 700, 7


def one_night(day: int) -> pd.DataFrame:
    """All extracts anew, so many days before the last, taken in and linked; the links with their records' addresses."""
    until = ANCHOR - timedelta(days=day)
    make(settings().bucket_url, str(settings().home / "truth"), [BOROUGH], DWELLINGS, SEED, 1, until)
    for step in (night.admit, night.harmonise, night.gate, night.publish_drops):
        step(BOROUGH)
    made = night.link(BOROUGH)
    assert made.outcome == "made", made.sentence
    links = access.read_table("link", LINK, boroughs=[BOROUGH]).to_pandas()
    parts = [
        access.read_dataset(
            name, boroughs=[BOROUGH], purpose="hmo_detection", columns=["record_id", "address", "postcode"]
        )
        .to_pandas()
        .assign(dataset=name)
        for name in links["dataset"].unique()
    ]
    return links.merge(pd.concat(parts), on=["dataset", "record_id"], validate="one_to_one")


def of(links: pd.DataFrame, row: dict[str, str]) -> pd.DataFrame:
    return links.loc[(links["address"] == row["address"]) & (links["postcode"].fillna("") == row["postcode"])]


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """One home for both tests: nights are what takes time here."""
    with own_home(tmp_path_factory.mktemp("review") / "home") as folder:
        reference.write(settings().reference_dir, [BOROUGH], DWELLINGS, SEED)
        night.prepare()
        yield folder


@pytest.fixture(scope="module")
def first(home: Path) -> pd.DataFrame:
    """The links of the first night."""
    return one_night(60)


def test_a_property_says_why_each_record_is_there(first: pd.DataFrame) -> None:
    uprn = first["uprn"].value_counts().index[0]
    found = json.loads(loda("link", "why", BOROUGH, uprn, "--json").stdout)
    mine = first.loc[first["uprn"] == uprn]
    assert {(r["dataset"], r["record_id"], r["reason"]) for r in found["records"]} == set(
        mine[["dataset", "record_id", "reason"]].itertuples(index=False, name=None)
    )
    assert all(row["sentence"].endswith(".") for row in found["records"])
    assert found["address"]
    printed = loda("link", "why", BOROUGH, uprn).stdout
    assert printed.count("runner-up") == len(mine)
    waiting = first.loc[first["decision"] == Decision.REVIEW, "runner_up"].dropna().iloc[0]
    assert json.loads(loda("link", "why", BOROUGH, waiting, "--json").stdout)["waiting"]
    assert loda("link", "why", BOROUGH, "999999999999").exit_code == 66
    whats = [line["details"]["by"] for line in json.loads(loda("audit", "list", "--what", "read", "--json").stdout)]
    assert "link why" in whats
    assert read_spine(BOROUGH)[1].num_rows


def test_decisions_hold_over_two_further_nights_of_new_extracts(home: Path, first: pd.DataFrame) -> None:
    file = home / "review.csv"
    assert (first["decision"] == Decision.REVIEW).any()
    assert loda("link", "review", "export", BOROUGH, "--out", str(file)).exit_code == 0
    sure = first.loc[(first["decision"] == Decision.LINKED) & (first["stage"] == "exact")].iloc[0]
    contradicting = next(iter(set(first["uprn"].dropna()) - {sure["uprn"]}))
    decided: dict[str, list[dict[str, str]]] = {"is": [], "is_not": []}

    def decide(rows: list[dict[str, str]]) -> None:
        for n, row in enumerate(row for row in rows if row["candidate_1"]):
            row.update(verdict=("is", "is_not")[n % 2], uprn=row["candidate_1"])
            decided[row["verdict"]].append(row | {"uprn": row["candidate_1"].split(":")[0]})

    fill_in(file, decide)
    done = loda("link", "review", "import", str(file), "--who", "A Example")
    assert done.exit_code == 0, done.output
    decide_against_the_model(sure, contradicting)
    for day in (30, 0):
        links = one_night(day)
        again = {
            verdict: [of(links, row).assign(said=row["uprn"]) for row in rows] for verdict, rows in decided.items()
        }
        tied, refused = pd.concat(again["is"]), pd.concat(again["is_not"])
        assert len(tied), "some of what was decided stands in the new extracts"
        assert len(refused)
        assert (tied["uprn"] == tied["said"]).all()
        assert set(tied["reason"]) == {LinkReason.REVIEWED_IS}
        assert (refused["uprn"] != refused["said"]).all()
        assert (refused["runner_up"] != refused["said"]).all()
        mine = of(links, {"address": sure["address"], "postcode": sure["postcode"] or ""})
        assert set(mine["uprn"]) == {contradicting}
    _adds_up(links)


def decide_against_the_model(link: pd.Series, uprn: str) -> None:
    """A decision about an address of which the model is sure, made as if by a file."""
    from pipelines.core import clock
    from pipelines.core.ledger.engine import transaction
    from pipelines.core.ledger.models import LinkReview

    with transaction() as session:
        session.add(
            LinkReview(
                borough=BOROUGH,
                canonical="",
                postcode="",
                address_written=link["address"],
                postcode_written=link["postcode"] or "",
                verdict="is",
                uprn=uprn,
                datasets=[link["dataset"]],
                note="",
                who="A Example",
                decided_at=clock.now(),
            )
        )


def _adds_up(links: pd.DataFrame) -> None:
    """The report by group has as many records of each decision as the links, dataset by dataset."""
    report = access.read_table("link_report", LINK_REPORT, boroughs=[BOROUGH]).to_pandas()
    counts = [str(decision) for decision in Decision]
    truly = pd.crosstab(links["dataset"], links["decision"]).reindex(columns=counts, fill_value=0)
    for group, mine in report.groupby("group"):
        summed = mine.groupby("dataset")[counts].sum()
        assert (summed == truly.loc[summed.index]).all(axis=None), group
    assert set(report["group"]) == {"all", "stage", "reason", "tenure", "recent_mover", "deprivation"}
    told = json.loads(loda("link", "report", BOROUGH, "--json").stdout)
    assert told["boroughs"][0]["records"] == len(links)
