"""The closed vocabularies of officers' work, each code with the words that officers read."""

from __future__ import annotations

from enum import StrEnum


class Found(StrEnum):
    """What a visit found. The first six are the findings of the contract `inspection`, with the same codes."""

    HMO_UNLICENSED = "hmo_unlicensed"
    HMO_LICENSED = "hmo_licensed"
    HMO_NOT_LICENSABLE = "hmo_not_licensable"
    NOT_HMO = "not_hmo"
    SINGLE_HOUSEHOLD = "single_household"
    EMPTY = "empty"
    NO_ACCESS = "no_access"
    WRONG_ADDRESS = "wrong_address"


FOUND_WORDS: dict[Found, str] = {
    Found.HMO_UNLICENSED: "Unlicensed HMO",
    Found.HMO_LICENSED: "Licensed HMO",
    Found.HMO_NOT_LICENSABLE: "HMO that needs no licence",
    Found.NOT_HMO: "Not an HMO",
    Found.SINGLE_HOUSEHOLD: "Single household",
    Found.EMPTY: "Empty",
    Found.NO_ACCESS: "No access",
    Found.WRONG_ADDRESS: "Wrong address",
}
FOUND_HINTS: dict[Found, str] = {
    Found.HMO_UNLICENSED: "It is an HMO, needs a licence and has none",
    Found.HMO_LICENSED: "It is an HMO and has the licence that it needs",
    Found.HMO_NOT_LICENSABLE: "It is an HMO, and no scheme asks for a licence",
    Found.NOT_HMO: "Lived in, and not as an HMO: a hostel, a business, sheltered housing",
    Found.SINGLE_HOUSEHOLD: "One household lives there",
    Found.EMPTY: "Nobody lives there",
    Found.NO_ACCESS: "Nobody let the officer in; it counts as a try",
    Found.WRONG_ADDRESS: "The visit was to another place, or there is no such place",
}
SETTLES = frozenset(Found) - {Found.NO_ACCESS, Found.WRONG_ADDRESS}
"""What answers the question for this property; the other two leave it open."""


class Method(StrEnum):
    """How it was found out."""

    VISIT = "visit"
    JOINT_POLICE = "joint_police"
    JOINT_FIRE = "joint_fire"
    JOINT_OTHER = "joint_other"
    DESK = "desk"


METHOD_WORDS: dict[Method, str] = {
    Method.VISIT: "Visit",
    Method.JOINT_POLICE: "Joint visit with the police",
    Method.JOINT_FIRE: "Joint visit with the fire service",
    Method.JOINT_OTHER: "Joint visit with another service",
    Method.DESK: "Desk check, nobody went there",
}


class Through(StrEnum):
    """Which way an outcome came in."""

    PAGE = "page"
    IMPORT = "import"
    API = "api"


class Kind(StrEnum):
    """How an officer outranks the list at a property."""

    EXCLUDE = "exclude"
    FIRST = "first"
    LAST = "last"


KIND_WORDS: dict[Kind, str] = {
    Kind.EXCLUDE: "Leave off the list",
    Kind.FIRST: "Visit first",
    Kind.LAST: "Visit last",
}
KIND_HINTS: dict[Kind, str] = {
    Kind.EXCLUDE: "It is left off the lists that are issued until then",
    Kind.FIRST: "It keeps its place on the list, and is marked to be visited first",
    Kind.LAST: "It keeps its place on the list, and is marked to be visited last",
}
