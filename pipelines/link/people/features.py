"""What is compared, the words and fixed beliefs of each level, and which columns a feature needs."""

from __future__ import annotations

from dataclasses import dataclass

from pipelines.link.people.records import Records
from pipelines.link.weights import Belief


@dataclass(frozen=True)
class Feature:
    """A comparison.

    Attributes:
        name: what an officer calls it.
        columns: it is made where one of these is there.
        words: of each level from 0 upwards.
        belief: shares of each level among true pairs and among pairs drawn at random; the start of what is learned.
        rare: by level from which column the rarity of the shared text adds to the weight.
        unless: it is told by this other feature from this level upwards, and then says nothing more.
    """

    name: str
    columns: tuple[str, ...]
    words: tuple[str, ...]
    belief: Belief
    rare: tuple[tuple[int, str], ...] = ()
    unless: tuple[str, int] | None = None


DIFFERENT = "different"
FEATURES = {
    "forename": Feature(
        "first name",
        ("forename",),
        (DIFFERENT, "much alike", "initial agrees", "spelt otherwise or short for it", "the same"),
        Belief(m=(0.03, 0.02, 0.05, 0.10, 0.80), u=(0.9545, 0.02, 0.01, 0.0055, 0.01)),
        ((4, "forename"), (2, "initial")),
    ),
    "surname": Feature(
        "surname",
        ("surname",),
        (DIFFERENT, "much alike", "one of two surnames", "spelt otherwise", "the same"),
        Belief(m=(0.04, 0.01, 0.01, 0.06, 0.88), u=(0.9939, 0.002, 0.0001, 0.001, 0.003)),
        ((4, "surname"),),
    ),
    "other": Feature(
        "further names",
        ("other",),
        ("others", "some agree", "one holds the other", "the same"),
        Belief(m=(0.15, 0.20, 0.25, 0.40), u=(0.90, 0.07, 0.015, 0.015)),
        ((3, "other"),),
    ),
    "birth": Feature(
        "date of birth",
        ("birth",),
        (DIFFERENT, "same year", "two digits differ", "one slip", "the same"),
        Belief(m=(0.02, 0.02, 0.02, 0.04, 0.90), u=(0.9756, 0.014, 0.009, 0.00135, 0.00005)),
        ((4, "birth"),),
    ),
    "address": Feature(
        "address",
        ("postcode", "street", "place"),
        (
            *("elsewhere", "same district", "same place or sector", "same street, or postcode with a slip"),
            *("same postcode", "same street, other number", "same number and postcode or street"),
            *("the same with a slip", "the same"),
        ),
        Belief(
            m=(0.12, 0.02, 0.03, 0.03, 0.05, 0.05, 0.05, 0.15, 0.50),
            u=(0.980495, 0.012, 0.006, 0.001, 0.0003, 0.0001, 0.0001, 0.000003, 0.000002),
        ),
        ((4, "postcode"), (6, "postcode"), (7, "postcode"), (8, "postcode")),
    ),
    "company": Feature(
        "company",
        ("company",),
        (DIFFERENT, "much alike", "one slip", "the same without the legal form", "the same"),
        Belief(m=(0.05, 0.05, 0.10, 0.20, 0.60), u=(0.998958, 0.001, 0.00003, 0.00001, 0.000002)),
        ((4, "company"), (3, "company_core")),
    ),
    "company_number": Feature(
        "company number",
        ("company_number",),
        (DIFFERENT, "the same"),
        Belief(m=(0.01, 0.99), u=(0.999999, 0.000001)),
    ),
    "alias": Feature(
        "trading name",
        ("alias",),
        (DIFFERENT, "much alike", "the same"),
        Belief(m=(0.1, 0.1, 0.8), u=(0.9985, 0.001, 0.0005)),
        unless=("company", 0),
    ),
    "birth_place": Feature(
        "place of birth",
        ("birth_place",),
        (DIFFERENT, "much alike", "the same"),
        Belief(m=(0.15, 0.10, 0.75), u=(0.96, 0.01, 0.03)),
        ((2, "birth_place"),),
    ),
    "occupation": Feature(
        "occupation",
        ("occupation",),
        (DIFFERENT, "much alike", "the same"),
        Belief(m=(0.15, 0.05, 0.80), u=(0.91, 0.01, 0.08)),
        ((2, "occupation"),),
    ),
    "region": Feature(
        "region", ("region",), (DIFFERENT, "the same"), Belief(m=(0.1, 0.9), u=(0.75, 0.25)), unless=("address", 2)
    ),
    "gender": Feature(
        "gender", ("gender",), (DIFFERENT, "the same"), Belief(m=(0.03, 0.97), u=(0.5, 0.5)), unless=("forename", 3)
    ),
}

NUMBER = Feature(
    "number",
    (),
    (DIFFERENT, "two slips", "one slip", "the same"),
    Belief(m=(0.06, 0.02, 0.04, 0.88), u=(0.99897, 0.0009, 0.0001, 0.00003)),
)
"""Every column of identifying numbers."""

CONTACT = Feature(
    "telephone or e-mail",
    (),
    (DIFFERENT, "two slips", "one slip", "the same"),
    Belief(m=(0.30, 0.02, 0.03, 0.65), u=(0.99957, 0.0003, 0.0001, 0.00003)),
)
"""Every column of telephone numbers or e-mail addresses: people have several, and a household shares one."""


def features(records: Records) -> dict[str, Feature]:
    """What these records can be compared by."""
    found = {name: feature for name, feature in FEATURES.items() if any(records.has(c) for c in feature.columns)}
    numbers = {"identifier": NUMBER, "contact": CONTACT}
    return found | {name: numbers[name.rpartition("_")[0]] for name in records.identifiers if records.has(name)}
