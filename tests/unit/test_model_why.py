"""`loda model why`: reasons that add up, about one home alone, from what was known by the day, with no name in them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa
from typer.testing import CliRunner

from models.hmo import build_features, estimator, features, score, train
from models.hmo.why import why
from models.hmo.why_records import KINDS, OF_BUILDING, REFERENCES, Reach, behind, reaches
from models.hmo.why_words import NOT_SHARED, THEME_WORDS, in_words, strength
from pipelines.cli import app
from pipelines.cli.model_why import WIDTH, lines
from pipelines.core.errors import NotFound
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import AuditEvent
from pipelines.core.tables import LICENSING
from pipelines.governance import access
from schemas import registry
from schemas.privacy import PERSONAL
from tests.homes import own_home
from tests.unit.agreed import agree, withdrawal
from tests.unit.model_world import AS_OF, World, day, make, quiet_home, spread

CANARY = "Zebedee Quillfeather"
REASON = "exact_address_and_postcode"


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SimpleNamespace]:
    """A scored world with one home of which everything is told, and a later record of it."""
    with own_home(tmp_path_factory.mktemp("why")), pytest.MonkeyPatch.context() as patch:
        patch.setitem(estimator.SETTINGS, "max_iter", 20)
        world = make(("camden", "hackney"), dwellings=1200)
        uprn = quiet_home(world, "camden")
        flat = _flat(world, "camden")
        ids = _plant(world, uprn, flat.parent_uprn)
        world.write("camden", without=("planning",))
        world.write("hackney")
        _night()
        _write_licensing(uprn)
        yield SimpleNamespace(world=world, uprn=uprn, flat=flat, ids=ids, found=why("camden", uprn))


def _night() -> None:
    for borough in ("camden", "hackney"):
        assert build_features(borough, AS_OF).outcome == "made"
    train(AS_OF)
    for borough in ("camden", "hackney"):
        assert score(borough, AS_OF).outcome == "made"


def _flat(world: World, borough: str) -> Any:
    """A flat of a divided building."""
    spine = world.boroughs[borough]["property"]
    return next(spine[spine["parent_uprn"].notna()].itertuples())


def _plant(world: World, uprn: str, building: str) -> dict[str, int]:
    said: dict[str, Any] = {"request_category": "noise", "request_outcome": "notice", "reason": REASON}
    tell = {"known_since": day(90), "closed_date": day(60), "address": CANARY, "request_ref": "SR-17"}
    ids = {
        "told": world.add("camden", "service_request", uprn, received_date=day(100), **said, **tell),
        "open": world.add(
            "camden", "service_request", uprn, received_date=day(20), known_since=day(19),
            closed_date=AS_OF + timedelta(days=9), **{**said, "request_category": "pests"},
        ),
        "known_later": world.add(
            "camden", "service_request", uprn, received_date=day(10), known_since=AS_OF + timedelta(days=1), **said
        ),
        "too_old": world.add("camden", "service_request", uprn, received_date=day(4000), known_since=day(3999), **said),
        "building": world.add(
            "camden", "service_request", building, received_date=day(40), known_since=day(39), decision="parent", **said
        ),
    }  # fmt: skip
    for back in (40, 400, 800):
        ids[f"tax {back}"] = world.add(
            "camden", "council_tax", uprn, liability_start=day(back), known_since=day(back - 1), liable_party="owner",
            liability_end=None if back == 40 else day(back - 300), discount="none", band="F", exemption_class="U",
            liable_name=CANARY, liable_address=CANARY, account_ref=CANARY, reason=REASON,
        )  # fmt: skip
    return ids


def _write_licensing(uprn: str) -> None:
    row = {
        "uprn": [uprn], "borough": "camden", "as_of": AS_OF, "building_uprn": uprn, "needed": "cannot_tell",
        "needed_why": "The evidence does not settle whether a licence is needed (Housing Act 2004 s.55).",
        "status": "none", "status_why": "No licence was found on the register.",
        "missing": "how many persons live there",
    }  # fmt: skip
    access.write_table("licensing", spread(row, LICENSING), borough="camden", made_from={})


def loda(*arguments: str) -> Any:
    return CliRunner().invoke(app, ["model", "why", *arguments])


def shares(found: dict[str, Any]) -> dict[str, float]:
    themes = [*found["raises"], *found["lowers"]]
    return {own["feature"]: own["log_odds"] for theme in themes for own in theme["features"]}


def test_what_is_added_makes_the_probability(night):
    for uprn in (night.uprn, night.flat.uprn):
        found = why("camden", uprn)
        themes = [*found["raises"], *found["lowers"]]
        log_odds = found["base"]["log_odds"] + sum(theme["log_odds"] for theme in themes)
        assert 1 / (1 + np.exp(-log_odds)) == pytest.approx(found["probability"], abs=1e-9)
        for theme in themes:
            assert theme["log_odds"] == pytest.approx(sum(f["log_odds"] for f in theme["features"]), abs=1e-12)
            assert {features.BY_NAME[f["feature"]].theme for f in theme["features"]} == {theme["theme"]}
        assert set(shares(found)) == set(features.NAMES)


def test_raising_and_lowering_stand_apart_strongest_first(night):
    for side, sign in (("raises", 1), ("lowers", -1)):
        sizes = [sign * theme["log_odds"] for theme in night.found[side]]
        assert sizes
        assert min(sizes) >= 0
        assert sizes == sorted(sizes, reverse=True)


def test_values_are_told_with_their_source(night):
    told = {f["feature"]: f for theme in (*night.found["raises"], *night.found["lowers"]) for f in theme["features"]}
    assert told["owner_liable"]["words"] == "the owner is liable for council tax, not an occupier"
    assert told["owner_liable"]["source"].startswith("council tax, to ")
    assert told["notices_36_months"]["words"] == "1 complaint in 3 years that led to a notice"
    assert told["extension_10_years"]["value"] is None
    assert told["extension_10_years"]["words"] == "not known: the borough shares no planning register"


def of_home(night: SimpleNamespace, uprn: str, building: str | None = None) -> list[dict[str, Any]]:
    """The records behind a score in which every feature counts."""
    return behind("camden", uprn, building, features.NAMES, features.NAMES, AS_OF)[0]


def test_records_are_those_of_the_home_within_windows_known_by_the_day(night):
    found = of_home(night, night.uprn)
    mine = {r["record_id"]: r for r in found if r["dataset"] == "service_request"}
    assert list(mine) == [night.ids["open"], night.ids["told"]], "the newest first"
    told = mine[night.ids["told"]]
    assert told["what"] == "domestic noise; notice served"
    assert told["reference"] == "SR-17"
    assert told["event_date"] == day(100)
    assert told["link"] == {"decision": "linked", "reason": REASON, "stage": None, "probability": None}
    assert mine[night.ids["open"]]["what"] == "pests", "what came of it was not known before it was closed"
    tax = {r["record_id"]: r["what"] for r in found if r["dataset"] == "council_tax"}
    assert {night.ids[f"tax {back}"] for back in (40, 400, 800)} <= set(tax)
    assert tax[night.ids["tax 40"]].endswith("an exemption; band F; in force on the day")
    assert tax[night.ids["tax 400"]].endswith(f"ended {in_words_of(day(100))}")


def in_words_of(when: date) -> str:
    return f"{when.day} {when:%b %Y}"


def test_a_score_shows_the_records_of_what_counts_in_it(night):
    counted = {name for name, share in shares(night.found).items() if share}
    datasets = {d for d, _ in reaches(features.NAMES, counted)}
    assert "electoral" in datasets
    assert "planning" not in datasets
    expected = [r for r in of_home(night, night.uprn) if r["dataset"] in datasets]
    assert night.found["records"] == expected
    assert {r["dataset"] for r in behind("camden", night.uprn, None, features.NAMES, ["electors"], AS_OF)[0]} == {
        "electoral"
    }


def test_records_of_the_building_stand_with_its_flats(night):
    found = of_home(night, night.flat.uprn, night.flat.parent_uprn)
    of = {r["record_id"]: r["of"] for r in found if r["dataset"] == "service_request"}
    assert of[night.ids["building"]] == "building"
    assert night.ids["building"] not in {r["record_id"] for r in of_home(night, night.flat.uprn)}
    assert {r["dataset"] for r in found if r["of"] == "building"} == {"service_request"}
    assert why("camden", night.flat.uprn)["building_uprn"] == night.flat.parent_uprn


def test_where_only_the_newest_counts_older_records_are_left_out():
    assert reaches(["months_since_complaint"], features.NAMES) == {("service_request", False): Reach(0, True)}
    assert reaches(["complaints_12_months"], features.NAMES) == {("service_request", False): Reach(365, False)}
    assert reaches(["street_complaints", "landlord_complaints", "near_complaints"], features.NAMES) == {}


def test_no_name_and_no_text_of_a_person_appears(night):
    printed = loda("camden", night.uprn)
    assert printed.exit_code == 0, printed.stderr
    for text in (json.dumps(night.found, default=str), printed.output, loda("camden", night.uprn, "--json").output):
        for word in (CANARY, *CANARY.split(), "mentally"):
            assert word not in text


def test_no_personal_column_is_ever_told():
    for dataset, names in KINDS.items():
        contract = registry.contract(dataset)
        for name in names:
            assert contract.by_name[name].codes, f"{name} of {dataset} is no code"
            assert contract.by_name[name].privacy not in PERSONAL
    for dataset, name in REFERENCES.items():
        assert registry.contract(dataset).by_name[name].privacy not in PERSONAL


def test_it_is_read_by_an_officer(night):
    printed = loda("camden", night.uprn).output
    assert max(map(len, printed.splitlines())) <= WIDTH
    told = lines(_with_sentences({**night.found, "records": of_home(night, night.uprn)}))
    assert any(line.endswith("domestic noise; notice served [SR-17]") for line in told)
    for words in (
        "lead to check, never a finding", "WHAT MAKES IT LIKELIER", "WHAT MAKES IT LESS LIKELY",
        "liable: the owner", "raises", "lowers", "LICENCE, by the rules and the register and not by the model",
        "Address and postcode are those of one property", "s.55", "how many persons live there",
    ):  # fmt: skip
        assert words in " ".join(printed.split()), words
    for words in ("log", "odds", "Shapley", "nan", "None", "{"):
        assert words not in printed, words


def test_a_home_that_may_be_drawn_at_random_is_not_given_away_by_its_probability(night):
    shown = " ".join(" ".join(lines(_with_sentences(night.found))).split())
    hidden = " ".join(" ".join(lines(_with_sentences(night.found), hide_chance=True)).split())
    assert "It comes to" in shown
    assert "It comes to" not in hidden


def test_what_is_unknown_is_told_once_for_each_cause(night):
    def told(name: str, words: str, value: float | None, log_odds: float) -> dict[str, Any]:
        own = {"feature": name, "words": words, "source": "energy certificates", "value": value}
        return own | {"log_odds": log_odds, "strength": strength(log_odds)}

    unknown = "not known: no energy certificate known"
    parts = [told("built", unknown, None, -0.3), told("floor_area", unknown, None, -0.3), told("storeys", "3", 3, 0.2)]
    little = [told("waste", f"thing {n}", n, 0.09 - n / 100) for n in range(5)]
    themes = {
        "raises": [{"theme": "waste", "words": "Waste", "log_odds": 0.35, "strength": "a little", "features": little}],
        "lowers": [{"theme": "x", "words": "The building", "log_odds": -0.4, "strength": "", "features": parts}],
    }
    printed = [line.strip() for line in lines({**night.found, **themes, "records": []})]
    assert f"lowers            {unknown} (leaves 2 things open)" in printed
    assert "raises a little   3 (energy certificates)" in printed
    assert [line for line in printed if line.startswith("among others")] == [
        f"among others      thing {n} (energy certificates)" for n in range(3)
    ]


def _with_sentences(found: dict[str, Any]) -> dict[str, Any]:
    records = [{**r, "link": {**r["link"], "sentence": "Why."}} for r in found["records"]]
    return {**found, "records": records}


def test_who_asked_is_on_record(night):
    why("camden", night.uprn)
    with transaction() as session:
        last = session.scalars(sa.select(AuditEvent).order_by(AuditEvent.number.desc())).first()
    assert last is not None
    assert (last.what, last.about, last.details["by"]) == ("read", "camden", "model why")
    assert {"score", "matrix", "link", "council_tax"} <= {read["table"] for read in last.details["reads"]}


def test_what_cannot_be_told_is_a_sentence(night):
    shell = night.flat.parent_uprn
    for arguments, words in (
        (("camden", "1"), "no property of this UPRN"),
        (("atlantis", night.uprn), "atlantis"),
        (("camden", shell), f"divided into 2 properties; ask about one of them: {night.flat.uprn}, "),
        (("camden", night.uprn, "--as-of", "2026-01-01"), "are of 1 Oct 2026"),
        (("camden", night.uprn, "--as-of", "yesterday"), "not a date"),
        (("islington", night.uprn), "no property"),
    ):
        refused = loda(*arguments)
        assert refused.exit_code != 0
        assert refused.stderr.startswith("loda: ")
        assert words in refused.stderr, refused.stderr
        assert len(refused.stderr.strip().splitlines()) == 1


def test_a_home_let_by_a_social_landlord_is_told_apart(night):
    world = night.world.boroughs["camden"]
    social = set(world["social_housing"]["linked_uprn"])
    spine = world["property"]
    mine = next(u for u in spine[spine["parent_uprn"].isna() & (spine["blpu_class"] != "PP")]["uprn"] if u in social)
    with pytest.raises(NotFound, match="social landlord"):
        why("camden", mine)


def test_it_is_about_that_home(tmp_path: Path):
    """Records of another home may come and go: nothing here changes."""
    with own_home(tmp_path), pytest.MonkeyPatch.context() as patch:
        patch.setitem(estimator.SETTINGS, "max_iter", 20)
        world = make(("camden", "hackney"), dwellings=600)
        world.write_all()
        uprn = quiet_home(world, "camden")
        with pytest.raises(NotFound, match="not scored yet"):
            why("camden", uprn)
        _night()
        before = why("camden", uprn)
        other = world.boroughs["camden"]["property"]["uprn"].iloc[-1]
        bulky = {"waste_kind": "bulky", "event_date": day(400), "known_since": day(400)}
        world.add("camden", "waste", other, **bulky)
        world.add(
            "camden", "planning", other, planning_kind="extension", received_date=day(2500), known_since=day(2500)
        )
        tax = world.boroughs["camden"]["council_tax"]
        tax.loc[tax["linked_uprn"] == other, "discount"] = "disregard"
        _anew(world)
        assert why("camden", uprn) == before
        counted = {"snapshot_date": day(19), "known_since": day(15)}
        world.add("camden", "electoral", uprn, electors=9, surnames=9, joined_12_months=5, **counted)
        world.write("camden")
        build_features("camden", AS_OF)
        with pytest.raises(NotFound, match="worked out anew"):
            why("camden", uprn)
        score("camden", AS_OF)
        assert why("camden", uprn) != before


def _anew(world: World) -> None:
    world.write("camden")
    assert build_features("camden", AS_OF).outcome == "made"
    assert score("camden", AS_OF).outcome == "made"


def test_what_a_lapsed_agreement_forbids_is_not_shown(night):
    written = agree(at_finest={"service_request": "count"})
    try:
        registry.clear()
        records, withheld = behind("camden", night.uprn, None, features.NAMES, features.NAMES, AS_OF)
        assert {r["dataset"] for r in records} & {"service_request", "council_tax"} == {"council_tax"}
        assert any("service_request in counts only" in sentence for sentence in withheld)
        agree(withdrawals=[withdrawal(datasets=["service_request"])])
        registry.clear()
        with pytest.raises(NotFound, match="may not be shown"):
            why("camden", night.uprn)
    finally:
        written.unlink()
        registry.clear()
    assert why("camden", night.uprn) == night.found


KNOWN = dict.fromkeys([*NOT_SHARED, "gazetteer"], "2026-09-01")


@pytest.mark.parametrize("feature", features.FEATURES, ids=lambda feature: feature.name)
def test_every_feature_says_every_value_in_words(feature):
    for value in (0.0, 0.004, 0.5, 1.0, 2.0, 300.0):
        said = in_words(feature, value, KNOWN)
        assert said, value
        assert "{" not in said
        assert not said.startswith("not known")
        assert " no no " not in said
    unknown = in_words(feature, np.nan, KNOWN)
    assert unknown.startswith("not known: ")
    assert "left unknown" not in unknown
    assert "linked" not in unknown
    assert "the borough shares no" not in unknown, "it does share it"
    if feature.dataset in NOT_SHARED:
        assert "not known: the borough shares no" in in_words(feature, np.nan, {})
    assert feature.theme in THEME_WORDS


def test_features_of_the_building_are_all_named():
    assert set(OF_BUILDING) == {name for name in features.NAMES if name.startswith("building_")}


@pytest.mark.parametrize(
    ("share", "words"), [(1.0, "strongly"), (-2.0, "strongly"), (0.4, ""), (-0.1, "a little"), (0.09, "hardly")]
)
def test_strength_has_fixed_cuts(share, words):
    assert strength(share) == words
