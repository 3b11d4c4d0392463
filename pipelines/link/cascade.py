"""The cascade: stages in order, each deciding on what those before it left open.

A stage takes the open addresses and the spine and returns verdicts for those it is sure of; whatever it does not
name goes on. A new stage is a function of that shape and one line in `CASCADE`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from pipelines.link import pairs
from pipelines.link.places import BUILDING
from pipelines.link.spine import Spine
from pipelines.link.units import resolve
from pipelines.link.verdicts import CERTAIN, together, verdicts
from pipelines.link.vocabulary import Decision, Level, LinkReason, LinkStage


@dataclass
class Notes:
    """What stages know and learn beside their verdicts.

    Attributes:
        sample: building lines of all the borough's addresses, decided or not, for stages that learn.
        counts: pairs, pairs left out, whether weights were learned.
        why: addresses for which a reason to abstain was seen.
    """

    sample: pd.DataFrame
    counts: dict[str, float] = field(default_factory=dict)
    why: dict[LinkReason, set[int]] = field(default_factory=dict)

    def add(self, found: dict[str, float], stage: LinkStage) -> None:
        """Add up pairs over stages; whether weights were learned stands under the stage's name."""
        for name, value in found.items():
            key = f"{stage}.{name}" if name == "learned" else name
            self.counts[key] = self.counts.get(key, 0.0) + value


LOST_COMMA = r"^([A-Z]+) ([0-9]+[A-Z]?)\|\|\|"
Stage = Callable[[pd.DataFrame, Spine, Notes], pd.DataFrame]


def exact(addresses: pd.DataFrame, spine: Spine, notes: Notes) -> pd.DataFrame:
    """Canonical address and postcode of one property."""
    there = spine.rows.loc[spine.rows["live"] & (spine.rows["canonical"] != "") & (spine.rows["postcode"] != "")]
    key = ["canonical", "postcode"]
    found = _by_key(addresses, there, key, LinkReason.EXACT_ADDRESS_AND_POSTCODE)
    # "FLAT 74 HIGH ST" without a comma may be the only flat at number 74: so it is where the gazetteer has one.
    rest = addresses.loc[~addresses.index.isin(found.index) & addresses["canonical"].str.match(LOST_COMMA)].copy()
    rest["canonical"] = rest["canonical"].str.replace(LOST_COMMA, r"\1|\2||", regex=True)
    return together([found, _by_key(rest, there, key, LinkReason.EXACT_ADDRESS_AND_POSTCODE)])


def exact_address(addresses: pd.DataFrame, spine: Spine, notes: Notes) -> pd.DataFrame:
    """Canonical address of one property of the borough, whatever the postcode.

    Without a postcode, the number must stand in that street of one postcode only. With one, not where the gazetteer
    has the street in that postcode, or in its district while the match lies in another: two streets of one name,
    or a number that the gazetteer writes as a range, are likelier than a wrong postcode.
    """
    rows = spine.rows.loc[spine.rows["live"] & (spine.rows["canonical"] != "") & (spine.rows["street"] != "")]
    once = rows.loc[~rows["canonical"].duplicated(keep=False) & ((rows["low"] >= 0) | (rows["name"] != ""))]
    line = ["low", "name", "street"]
    where = rows.assign(name=rows["name"].where(rows["low"] < 0, ""))
    postcodes = where.groupby(line)["postcode"].nunique().rename("postcodes").reset_index()
    there = once[["canonical", "postcode"]].rename(columns={"postcode": "there"})
    found = addresses.reset_index(names="address").merge(there, on="canonical")
    found["name"] = found["name"].where(found["low"] < 0, "")
    found = found.merge(postcodes, on=line, how="left").set_index("address")
    district, other = found["postcode"].str[:-4], found["there"].str[:-4]
    in_district = (found["street"] + "|" + district).isin(rows["street"] + "|" + rows["postcode"].str[:-4])
    in_postcode = (found["street"] + "|" + found["postcode"]).isin(rows["street"] + "|" + rows["postcode"])
    elsewhere = (other != "") & (found["there"] != found["postcode"])
    barred = np.where(
        found["postcode"] == "",
        found["postcodes"].fillna(1) > 1,
        elsewhere & (in_postcode | (in_district & (district != other))),
    )
    return _by_key(addresses.loc[found.index[~barred]], once, ["canonical"], LinkReason.EXACT_ADDRESS_UNIQUE)


def _by_key(addresses: pd.DataFrame, rows: pd.DataFrame, key: list[str], reason: LinkReason) -> pd.DataFrame:
    ranked = rows[[*key, "uprn", "rank", "is_parent"]].sort_values([*key, "rank", "uprn"])
    lowest = ranked.groupby(key)["rank"].transform("min")
    ranked = ranked.loc[ranked["rank"] == lowest]
    times = ranked.groupby(key)["uprn"].transform("size")
    first = ranked.assign(times=times).drop_duplicates(key)
    found = addresses[key].reset_index(names="address").merge(first, on=key).set_index("address")
    one, several = found.loc[found["times"] == 1], found.loc[found["times"] > 1]
    unit, parent = one.loc[~one["is_parent"]], one.loc[one["is_parent"]]
    sure = [
        verdicts(some.index, decision, why, uprn=some["uprn"], level=level, probability=CERTAIN, gap=CERTAIN)
        for some, decision, why, level in (
            (unit, Decision.LINKED, reason, Level.UNIT),
            (parent, Decision.PARENT, LinkReason.NO_UNIT_GIVEN, Level.BUILDING),
        )
    ]
    return together(
        [
            *sure,
            verdicts(
                several.index,
                Decision.REVIEW,
                LinkReason.TWICE_IN_GAZETTEER,
                probability=1 / several["times"],
                runner_up=several["uprn"],
            ),
        ]
    )


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


def pairs_postcode(addresses: pd.DataFrame, spine: Spine, notes: Notes) -> pd.DataFrame:
    """The likeliest building of the postcode."""
    return _likeliest(addresses, spine, notes, pairs.in_postcode, LinkStage.PAIRS_POSTCODE)


def pairs_place(addresses: pd.DataFrame, spine: Spine, notes: Notes) -> pd.DataFrame:
    """The likeliest building of the street and number, or name, where the postcode is missing or wrong."""
    return _likeliest(addresses, spine, notes, pairs.at_place, LinkStage.PAIRS_PLACE)


def _likeliest(
    addresses: pd.DataFrame,
    spine: Spine,
    notes: Notes,
    search: Callable[[pd.DataFrame, pd.DataFrame, pd.DataFrame], pairs.Search],
    stage: LinkStage,
) -> pd.DataFrame:
    enough = addresses.loc[(addresses["low"] >= 0) | (addresses["name"] != "")]
    if enough.empty:
        return together([])
    # Every flat of a building asks the same question: ask it once.
    line = enough.groupby(BUILDING, sort=True).ngroup()
    distinct = enough.loc[~line.duplicated()].assign(line=line).sort_values("line")
    found = search(pairs.queries_of(distinct), spine.buildings, notes.sample)
    notes.add(found.counts, stage)
    for reason, lines in (
        (LinkReason.ALL_CONTRADICTED, found.contradicted),
        (LinkReason.TOO_MANY_CANDIDATES, found.left_out),
    ):
        notes.why.setdefault(reason, set()).update(line.index[line.isin(lines)])
    matched = enough.assign(line=line).join(found.best, on="line", how="inner")
    doubtful = matched["decided"] & _flat_for_house(matched, spine)
    matched["decided"] &= ~doubtful
    matched["near"] |= doubtful
    second = matched["second"].map(spine.buildings["parent"]).fillna("")
    decided = resolve(matched.assign(runner_up=second).loc[matched["decided"]], spine)
    near = matched.loc[matched["near"]]
    would = resolve(near.assign(runner_up=""), spine)["uprn"].reindex(near.index).fillna("")
    tight = near["gap"] < pairs.GAP_FROM
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
    return together([decided, *reviews])


def _flat_for_house(matched: pd.DataFrame, spine: Spine) -> pd.Series[bool]:
    """Whether a number may be that of a flat whose house number was lost.

    So it may be if a flat of that number lies in the record's own street and postcode, and the match in another.
    """
    units = spine.rows.loc[spine.rows["has_unit"] & (spine.rows["postcode"] != "")]
    flats = pd.Index((units["identifier"] + "|" + units["street"] + "|" + units["postcode"]).unique())
    asked = matched["low"].astype(str) + "|" + matched["street"] + "|" + matched["postcode"]
    elsewhere = matched["building"].map(spine.buildings["postcode"]) != matched["postcode"]
    return asked.isin(flats) & elsewhere & ~matched["has_unit"]


def abstain(addresses: pd.DataFrame, spine: Spine, notes: Notes) -> pd.DataFrame:
    """Whatever is still open is tied to nothing, and the reason says why."""
    index = addresses.index.to_series()
    reason = pd.Series(str(LinkReason.NO_CANDIDATE), index=addresses.index)
    reason[index.isin(notes.why.get(LinkReason.ALL_CONTRADICTED, set()))] = str(LinkReason.ALL_CONTRADICTED)
    reason[index.isin(notes.why.get(LinkReason.TOO_MANY_CANDIDATES, set()))] = str(LinkReason.TOO_MANY_CANDIDATES)
    reason[(addresses["low"] < 0) & (addresses["name"] == "")] = str(LinkReason.TOO_LITTLE_ADDRESS)
    reason[addresses["canonical"] == ""] = str(LinkReason.NO_ADDRESS)
    made = verdicts(addresses.index, Decision.NONE, LinkReason.NO_CANDIDATE)
    made["reason"] = reason
    return made


CASCADE: tuple[tuple[LinkStage, Stage], ...] = (
    (LinkStage.EXACT, exact),
    (LinkStage.EXACT_ADDRESS, exact_address),
    (LinkStage.BUILDING, building),
    (LinkStage.PAIRS_POSTCODE, pairs_postcode),
    (LinkStage.PAIRS_PLACE, pairs_place),
    (LinkStage.ABSTAIN, abstain),
)


def decide(addresses: pd.DataFrame, spine: Spine, everyone: pd.DataFrame) -> tuple[pd.DataFrame, Notes]:
    """Verdicts for distinct addresses.

    Args:
        addresses: columns `FOLDED` and canonical, indexed by the address's number.
        spine: the gazetteer.
        everyone: all the borough's addresses in the same shape, these among them.

    Returns:
        Verdicts with a column stage, one for each address in the order of its index, and the stages' notes.
    """
    step = max(1, len(everyone) // (4 * pairs.SAMPLE))
    notes = Notes(pairs.queries_of(everyone.iloc[::step].drop_duplicates(BUILDING)))
    open_ = addresses
    parts: list[pd.DataFrame] = []
    for name, stage in CASCADE:
        if open_.empty:
            break
        verdict = stage(open_, spine, notes)
        parts.append(verdict.assign(stage=str(name)))
        open_ = open_.loc[np.isin(open_.index, verdict.index, invert=True)]
    return together(parts).reindex(addresses.index), notes
