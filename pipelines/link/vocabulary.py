"""The closed vocabularies of links: what was decided, at which level, by which stage, and why."""

from __future__ import annotations

from enum import StrEnum


class Decision(StrEnum):
    """What becomes of a record. Only `linked` and `parent` carry a UPRN."""

    LINKED = "linked"
    PARENT = "parent"
    REVIEW = "review"
    NONE = "none"


class Level(StrEnum):
    """What the UPRN stands for: the dwelling itself (a flat, or an undivided house), or the building that holds it."""

    UNIT = "unit"
    BUILDING = "building"
    NONE = "none"


class LinkStage(StrEnum):
    """The stage of the cascade that decided."""

    UPRN = "uprn"
    EXACT = "exact"
    EXACT_ADDRESS = "exact_address"
    BUILDING = "building"
    PAIRS = "pairs"
    ABSTAIN = "abstain"
    REVIEWED = "reviewed"


class LinkReason(StrEnum):
    """Why a record was linked, sent to people, or left alone. `SENTENCES` says each in an officer's words."""

    UPRN_AGREES = "uprn_agrees"
    EXACT_ADDRESS_AND_POSTCODE = "exact_address_and_postcode"
    EXACT_ADDRESS_UNIQUE = "exact_address_unique"
    SAME_BUILDING_AND_UNIT = "same_building_and_unit"
    UNIT_WRITTEN_OTHERWISE = "unit_written_otherwise"
    ONLY_UNIT_IN_BUILDING = "only_unit_in_building"
    NO_UNIT_GIVEN = "no_unit_given"
    UNIT_NOT_IN_GAZETTEER = "unit_not_in_gazetteer"
    UPRN_CONTRADICTS_ADDRESS = "uprn_contradicts_address"
    TWICE_IN_GAZETTEER = "twice_in_gazetteer"
    SEVERAL_UNITS_FIT = "several_units_fit"
    BUILDING_WITHOUT_PARENT = "building_without_parent"
    SUFFIX_NOT_IN_GAZETTEER = "suffix_not_in_gazetteer"
    SMALL_GAP = "small_gap"
    NEAR_MATCH = "near_match"
    BESIDE_THE_PROPERTY = "beside_the_property"
    SEVERAL_ADDRESSES = "several_addresses"
    UNIT_RANGE = "unit_range"
    NO_ADDRESS = "no_address"
    TOO_LITTLE_ADDRESS = "too_little_address"
    TOO_MANY_CANDIDATES = "too_many_candidates"
    ALL_CONTRADICTED = "all_contradicted"
    NOTHING_NEAR = "nothing_near"
    NO_CANDIDATE = "no_candidate"
    REVIEWED_IS = "reviewed_is"
    REVIEWED_IS_NOT = "reviewed_is_not"
    REVIEWED_NEXT = "reviewed_next"


SENTENCES: dict[LinkReason, str] = {
    LinkReason.UPRN_AGREES: "The record's own UPRN is in the gazetteer and its address does not contradict it.",
    LinkReason.EXACT_ADDRESS_AND_POSTCODE: "Address and postcode are those of one property of the gazetteer.",
    LinkReason.EXACT_ADDRESS_UNIQUE: "The address stands once in the borough; its postcode is missing or differs.",
    LinkReason.SAME_BUILDING_AND_UNIT: "The building was found and the unit is the same.",
    LinkReason.UNIT_WRITTEN_OTHERWISE: "The building was found; its only fitting unit is written in another way.",
    LinkReason.ONLY_UNIT_IN_BUILDING: "No unit is given, and all that the gazetteer has of the building is one unit.",
    LinkReason.NO_UNIT_GIVEN: "No unit is given and the building has several: tied to the building.",
    LinkReason.UNIT_NOT_IN_GAZETTEER: "The gazetteer does not have this unit: tied to the building.",
    LinkReason.UPRN_CONTRADICTS_ADDRESS: "The record's UPRN belongs to another address, and no other property fits.",
    LinkReason.TWICE_IN_GAZETTEER: "The gazetteer holds this address under more than one UPRN.",
    LinkReason.SEVERAL_UNITS_FIT: "More than one unit of the building fits.",
    LinkReason.BUILDING_WITHOUT_PARENT: "The building was found, the unit was not, and the gazetteer has no parent.",
    LinkReason.SUFFIX_NOT_IN_GAZETTEER: "The gazetteer has the number but not with this letter.",
    LinkReason.SMALL_GAP: "Two or more buildings fit about as well.",
    LinkReason.NEAR_MATCH: "One building is near, but not near enough.",
    LinkReason.BESIDE_THE_PROPERTY: "The record is of a place beside the property: near, opposite, next door, land at.",
    LinkReason.SEVERAL_ADDRESSES: "The record names two or more properties.",
    LinkReason.UNIT_RANGE: "The record is of several units of the building; this is one of them.",
    LinkReason.NO_ADDRESS: "The record has no address.",
    LinkReason.TOO_LITTLE_ADDRESS: "The address has neither a number nor a name of a building.",
    LinkReason.TOO_MANY_CANDIDATES: "So many properties share its postcode or street that it was not compared.",
    LinkReason.ALL_CONTRADICTED: "Every property nearby has another number, name or street.",
    LinkReason.NOTHING_NEAR: "What shares its postcode, street, number or name is too unlike it.",
    LinkReason.NO_CANDIDATE: "Nothing in the gazetteer shares its postcode, or its street and number.",
    LinkReason.REVIEWED_IS: "A person decided that this address is that property.",
    LinkReason.REVIEWED_IS_NOT: "A person decided that it is not the property that fits, and no other does.",
    LinkReason.REVIEWED_NEXT: "A person decided that it is not the property that fits best; another one may be it.",
}
