"""The cascade: stages in order, each deciding on what those before it left open.

A stage takes the open addresses and the spine and returns verdicts for those it is sure of; whatever it does not
name goes on. A new stage is a function of that shape and one line in `CASCADE`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pandas as pd

from pipelines.link import pairs
from pipelines.link.exact import OF_A_TEXT, by_key, exact, exact_address
from pipelines.link.places import ASIDE_KINDS, BUILDING, sides, without_sides, written_out
from pipelines.link.spine import Spine
from pipelines.link.units import alike, one_name, resolve
from pipelines.link.verdicts import CERTAIN, together, verdicts
from pipelines.link.vocabulary import Decision, Level, LinkReason, LinkStage


@dataclass
class Notes:
    """What stages know and learn beside their verdicts.

    Attributes:
        scorer: how likely a pair is; None where no stage asks.
        missing: how much the gazetteer lacks of what all the addresses name.
        counts: pairs, pairs left out.
        why: addresses for which a reason to abstain was seen.
    """

    scorer: Any
    missing: pairs.Missing
    counts: dict[str, float] = field(default_factory=dict)
    why: dict[LinkReason, set[int]] = field(default_factory=dict)

    def add(self, found: dict[str, float]) -> None:
        """Add up pairs over stages."""
        for name, value in found.items():
            self.counts[name] = self.counts.get(name, 0.0) + value


Stage = Callable[[pd.DataFrame, Spine, Notes], pd.DataFrame]


def building(addresses: pd.DataFrame, spine: Spine, notes: Notes) -> pd.DataFrame:
    """The same number (or name), street and postcode as one building; the unit by its parts."""
    key = [c for c in BUILDING if c != "name"]
    known = spine.buildings[BUILDING].reset_index(names="building")
    known = known.loc[known["postcode"] != ""]
    numbered = known.loc[known["low"] >= 0, [*key, "building"]]
    named = known.loc[(known["low"] < 0) & (known["name"] != "")]
    has_number = addresses["low"] >= 0
    found = pd.concat(
        [
            addresses.loc[has_number].reset_index(names="address").merge(numbered, on=key),
            addresses.loc[~has_number].reset_index(names="address").merge(named, on=BUILDING),
        ]
    ).set_index("address")
    return resolve(found.assign(probability=CERTAIN, gap=CERTAIN, runner_up=""), spine)


def likeliest(addresses: pd.DataFrame, spine: Spine, notes: Notes) -> pd.DataFrame:
    """The likeliest building among those of the postcode, of the street and number, or of the name; then the unit."""
    # What is no street of the gazetteer may be the name of a building.
    named = (addresses["street"] != "") & (spine.streets.number(addresses["street"]) < 0)
    enough = addresses.loc[says_enough(addresses) | named]
    if enough.empty:
        return together([])
    found = pairs.search(enough, spine, notes.scorer, notes.missing)
    notes.add(found.counts)
    for reason, some in (
        (LinkReason.ALL_CONTRADICTED, found.contradicted),
        (LinkReason.TOO_MANY_CANDIDATES, found.left_out),
        (LinkReason.NOTHING_NEAR, found.best.index[~found.best["decided"] & ~found.best["near"]]),
    ):
        notes.why.setdefault(reason, set()).update(some)
    matched = enough.join(found.best, how="inner")
    doubtful = of_the_block(matched, spine)
    _read_by_building(matched, spine)
    matched, court, nested = _in_a_court(matched, spine)
    doubtful = doubtful.loc[matched.index] | _flat_for_house(matched, spine) | _says_little(matched, spine)
    doubtful &= matched["decided"]
    matched["decided"] &= ~doubtful
    matched["near"] |= doubtful
    second = matched["second"].map(spine.buildings["parent"]).fillna("").where(matched["decided"], "")
    told = resolve(pd.concat([matched.assign(runner_up=second), court]), spine)
    within = _court_itself(told.loc[told.index.isin(court.index)])
    notes.why.setdefault(LinkReason.ALL_CONTRADICTED, set()).update(nested.difference(within.index))
    decided = told.loc[told.index.isin(matched.index[matched["decided"]])]
    near = matched.loc[matched["near"]]
    would = told["uprn"].where(told["uprn"] != "", told["runner_up"]).reindex(near.index).fillna("")
    tight = (near["second"] >= 0) & (near["gap"] < near["probability"] / 2)
    reviews = [
        verdicts(
            near.index[mask],
            Decision.REVIEW,
            reason,
            probability=near.loc[mask, "probability"],
            gap=near.loc[mask, "gap"],
            runner_up=would[mask],
        )
        for mask, reason in ((tight, LinkReason.SMALL_GAP), (~tight, LinkReason.NEAR_MATCH))
    ]
    return together([decided, within, *reviews])


def of_the_block(matched: pd.DataFrame, spine: Spine) -> pd.Series[bool]:
    """Whether a number that would be read as a flat's may be its block's: `Flat Mill Mansions, 9, Mill Lane`.

    So it may be if it stands behind the block's name and before the street, where the flat's own was lost, though the
    gazetteer has the block without a number; or if it is two numbers.
    """
    there = matched["building"].map(spine.buildings["name_written"]).fillna("").to_numpy()
    # "Flat Mill 9, Mansions": what was read as the street is the rest of the name.
    name, whole = matched["name_written"].to_numpy(), (matched["name_written"] + written_out(matched["street"]))
    behind = (name != "") & (matched["street"] != "") & one_name(name, there) & ~alike(whole.to_numpy(), there)
    found: pd.Series[bool] = matched["as_number"] & (behind | (matched["low"] != matched["high"]))
    return found


def _read_by_building(matched: pd.DataFrame, spine: Spine) -> None:
    """Read a number as its building has it: of a flat where the building has no number of its own, or of the house."""
    numbered = matched["as_number"]
    if numbered.any():
        matched.loc[numbered, "identifier"] = matched.loc[numbered, "low"].astype(str)
        matched.loc[numbered, "kind"] = "FLAT"
        matched.loc[numbered, "has_unit"] = True
        matched.loc[numbered, ["name", "name_written"]] = ""
    number = matched["building"].map(spine.buildings["low"]).astype(str)
    undivided = matched["building"].map(spine.buildings["units"]) == 0
    # "Peckham Lodge, 51" may be flat 51, or the lodge at number 51.
    either = undivided | (matched["street"] == "")
    house = either & (matched["low"] < 0) & (matched["identifier"] == number) & (matched["room"] == "")
    matched.loc[house, ["kind", "identifier"]] = ""
    matched.loc[house, "has_unit"] = matched.loc[house, "floor"] != ""


def says_enough(addresses: pd.DataFrame) -> pd.Series[bool]:
    """Whether an address names a number, a building, or a unit and its street."""
    return (addresses["low"] >= 0) | (addresses["name"] != "") | (addresses["has_unit"] & (addresses["street"] != ""))


def _says_little(matched: pd.DataFrame, spine: Spine) -> pd.Series[bool]:
    """A bare number, a flat of no house, a number said twice, or a street whose one side alone says North or South."""
    bare = (matched["low"] >= 0) & (matched["street"] == "") & (matched["name"] == "") & ~matched["has_unit"]
    there = matched["building"].map(spine.buildings["street"])
    both = (matched["street"] != "") & (there != "")
    # "7 7 SISTERS LN" is flat 7 of number 7, or number 7 with the figure of Seven Sisters.
    called = written_out(matched["street"]) == matched["building"].map(spine.buildings["name_written"])
    again = (matched["identifier"] == matched["low"].astype(str)) & (matched["street"] != there) & ~matched["as_number"]
    one_name = without_sides(matched["street"]) == without_sides(there)
    # "Room 2, Mill Lane" without a number is some room 2, if the postcode does not say of which house.
    elsewhere = matched["postcode"] != matched["building"].map(spine.buildings["postcode"])
    bare |= matched["has_unit"] & (matched["low"] < 0) & (matched["name"] == "") & elsewhere & ~matched["as_number"]
    return bare | (again & ~called) | (both & one_name & (sides(matched["street"], there) > 0))


def _in_a_court(matched: pd.DataFrame, spine: Spine) -> tuple[pd.DataFrame, pd.DataFrame, pd.Index[int]]:
    """`Flat 4, 6 Tower Court`, where the gazetteer's 6 is itself a unit of the building Tower Court.

    Returns:
        The other matches that are decided or near; those of these that are decided, as the number in the court; and
        all of these.
    """
    name = matched["building"].map(spine.buildings["name_written"])
    numberless = matched["building"].map(spine.buildings["low"]) < 0
    nested = matched["has_unit"] & ~matched["as_number"] & (matched["low"] >= 0) & numberless & (name != "")
    nested &= written_out(matched["street"]) == name
    house = matched.loc[nested & matched["decided"]].copy()
    house["kind"], house["identifier"], house["floor"], house["room"] = "FLAT", house["low"].astype(str), "", ""
    others = matched.loc[~nested & (matched["decided"] | matched["near"])].copy()
    return others, house.assign(runner_up=""), matched.index[nested]


def _court_itself(told: pd.DataFrame) -> pd.DataFrame:
    """Where the number in the court is found, the flat lies in that unit, and the gazetteer does not have it."""
    return told.loc[told["decision"] == str(Decision.LINKED)].assign(
        decision=str(Decision.PARENT), reason=str(LinkReason.UNIT_NOT_IN_GAZETTEER), level=str(Level.BUILDING)
    )


def _flat_for_house(matched: pd.DataFrame, spine: Spine) -> pd.Series[bool]:
    """Whether a number may be that of a flat whose house number was lost.

    So it may be if a flat of that number lies in the record's own street and postcode, and the match in another.
    """
    there = spine.rows["has_unit"] & (spine.rows["postcode"] != "") & spine.rows["street"].isin(matched["street"])
    units = spine.rows[["identifier", "street", "postcode"]].loc[there]
    flats = pd.Index((units["identifier"] + "|" + units["street"] + "|" + units["postcode"]).unique())
    asked = matched["low"].astype(str) + "|" + matched["street"] + "|" + matched["postcode"]
    elsewhere = matched["building"].map(spine.buildings["postcode"]) != matched["postcode"]
    return asked.isin(flats) & elsewhere & ~matched["has_unit"]


def abstain(addresses: pd.DataFrame, spine: Spine, notes: Notes) -> pd.DataFrame:
    """Whatever is still open is tied to nothing, and the reason says why."""
    index = addresses.index.to_series()
    reason = pd.Series(str(LinkReason.NO_CANDIDATE), index=addresses.index)
    reason[index.isin(notes.why.get(LinkReason.ALL_CONTRADICTED, set()))] = str(LinkReason.ALL_CONTRADICTED)
    reason[index.isin(notes.why.get(LinkReason.NOTHING_NEAR, set()))] = str(LinkReason.NOTHING_NEAR)
    reason[index.isin(notes.why.get(LinkReason.TOO_MANY_CANDIDATES, set()))] = str(LinkReason.TOO_MANY_CANDIDATES)
    reason[~says_enough(addresses) & (reason == str(LinkReason.NO_CANDIDATE))] = str(LinkReason.TOO_LITTLE_ADDRESS)
    reason[addresses["canonical"] == ""] = str(LinkReason.NO_ADDRESS)
    made = verdicts(addresses.index, Decision.NONE, LinkReason.NO_CANDIDATE)
    made["reason"] = reason
    return made


CASCADE: tuple[tuple[LinkStage, Stage], ...] = (
    (LinkStage.EXACT, exact),
    (LinkStage.EXACT_ADDRESS, exact_address),
    (LinkStage.BUILDING, building),
    (LinkStage.PAIRS, likeliest),
    (LinkStage.ABSTAIN, abstain),
)


def decide(
    addresses: pd.DataFrame, spine: Spine, scorer: pairs.Scorer, missing: pairs.Missing | None = None
) -> tuple[pd.DataFrame, Notes]:
    """Verdicts for distinct addresses.

    Args:
        addresses: columns `FOLDED`, canonical and words, indexed by the address's number.
        spine: the gazetteer.
        scorer: how likely a pair is.
        missing: how much the gazetteer lacks of what all the area's addresses name; None: of these.

    Returns:
        Verdicts with a column stage, one for each address in the order of its index, and the stages' notes.
    """
    notes = Notes(scorer, missing or pairs.Missing.of(addresses, spine))
    aside = addresses["kind"].isin(ASIDE_KINDS)
    same = _same_place(addresses.loc[aside], spine)
    beside = aside & ~addresses.index.isin(same.index)
    # Both go through together, since most of what a stage costs is the same for one address as for a thousand.
    asked = addresses.loc[~addresses.index.isin(same.index)]
    parts, _ = _through(CASCADE, _without_aside(asked, beside.loc[asked.index]), spine, notes)
    made = together([same, *parts]).reindex(addresses.index)
    _to_people(made, beside, several=addresses["kind"] == "SEVERAL")
    return made, notes


def _same_place(addresses: pd.DataFrame, spine: Spine) -> pd.DataFrame:
    """Places beside a property that the gazetteer has in the same words ("Land adjacent to 34 Market Street")."""
    there = spine.rows[OF_A_TEXT].loc[spine.rows["live"] & spine.rows["kind"].isin(ASIDE_KINDS)]
    key = ["canonical", "postcode", "words"]
    found = by_key(addresses, there, key, LinkReason.EXACT_ADDRESS_AND_POSTCODE)
    return found.assign(stage=str(LinkStage.EXACT))


def _without_aside(addresses: pd.DataFrame, beside: pd.Series[bool]) -> pd.DataFrame:
    """The addresses, those of places beside a property as the property's own."""
    plain = addresses.loc[beside, "canonical"].str.replace(r"^[A-Z]+\|", "|", regex=True)
    return addresses.assign(
        kind=addresses["kind"].mask(beside, ""),
        has_unit=addresses["has_unit"] & ~beside,
        canonical=addresses["canonical"].mask(beside, plain),
    )


def _to_people(made: pd.DataFrame, beside: pd.Series[bool], several: pd.Series[bool]) -> None:
    """A place beside a property, or two properties in one cell, goes to people with the property as `runner_up`."""
    people = beside & ((made["decision"] != str(Decision.NONE)) | several)
    if not people.any():
        return
    made["runner_up"] = made["runner_up"].mask(people & (made["uprn"] != ""), made["uprn"])
    for column, value in (("uprn", ""), ("decision", str(Decision.REVIEW)), ("level", str(Level.NONE))):
        made[column] = made[column].mask(people, value)
    for column in ("probability", "gap"):
        made[column] = made[column].mask(people, made[column] / 2)
    made["reason"] = made["reason"].mask(people, str(LinkReason.BESIDE_THE_PROPERTY))
    made["reason"] = made["reason"].mask(people & several, str(LinkReason.SEVERAL_ADDRESSES))


def left_open(addresses: pd.DataFrame, spine: Spine) -> pd.DataFrame:
    """The addresses that the stages before the pair model leave open and that say enough for it."""
    before = CASCADE[: [name for name, _ in CASCADE].index(LinkStage.PAIRS)]
    one = addresses.loc[~addresses["kind"].isin(ASIDE_KINDS)]
    _, rest = _through(before, one, spine, Notes(None, pairs.Missing(0, 0)))
    named = (rest["street"] != "") & (spine.streets.number(rest["street"]) < 0)
    return rest.loc[says_enough(rest) | named]


def _through(
    stages: Sequence[tuple[LinkStage, Stage]], open_: pd.DataFrame, spine: Spine, notes: Notes
) -> tuple[list[pd.DataFrame], pd.DataFrame]:
    parts: list[pd.DataFrame] = []
    for name, stage in stages:
        if open_.empty:
            break
        verdict = stage(open_, spine, notes)
        parts.append(verdict.assign(stage=str(name)))
        open_ = open_.loc[np.isin(open_.index, verdict.index, invert=True)]
    return parts, open_
