"""Layouts to measure mapping proposals on: real registers, real column lists with invented values, synthetic boroughs.

Each says which columns feed which field, and whether it was held out of development.
"""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from pathlib import Path

from pipelines.demo.export.assignments import extracts
from schemas import registry
from schemas.mapping import Mapping

HELD_OUT_BOROUGHS = frozenset(
    {"sheffield", "swindon", "lambeth", "barnet", "hillingdon", "kensington_and_chelsea", "durham", "kirklees"}
)
"""Boroughs whose registers nobody looked at while the proposals were being built.

Chosen before the first line of it was written, by borough and not by file: half of the real
column lists, among them the oddest (a value for a heading, one heading twice, two spellings
of a word), and every snapshot of the one register of which there are several.
"""

HELD_OUT_SYSTEMS = frozenset(
    {
        "llpg_flat",
        "nec",
        "nec_housing",
        "eros",
        "metastreet",
        "committee",
        "crm",
        "echo",
        "arcus",
        "epc_register",
        "visit_sheet",
    }
)
"""Source systems held out: for each dataset one of those that export it, so that both halves know every dataset.

The only system of certificates is held out; where a dataset has three, one or two are.
"""

REAL = {
    "registers/oxford_hmo_register_2018-03-09.csv": ("oxford", "hmo_licence"),
    "registers/oxford_temporary_exemptions_2018.csv": ("oxford", "licence_application"),
    "registers/sheffield_hmo_licences_2024-09-09.csv": ("sheffield", "hmo_licence"),
    "registers/sheffield_hmo_licences_2025-01-28.csv": ("sheffield", "hmo_licence"),
    "registers/sheffield_hmo_licences_2025-03-03.csv": ("sheffield", "hmo_licence"),
    "registers/sheffield_hmo_licences_2025-06-16.csv": ("sheffield", "hmo_licence"),
    "registers/swindon_hmo_addresses.csv": ("swindon", "hmo_licence"),
    "gazetteers/merthyr_tydfil_uprn.csv": ("merthyr_tydfil", "gazetteer"),
}
SYNTHETIC = (
    "haringey", "enfield", "ealing", "bexley", "hackney", "croydon", "greenwich", "camden", "hounslow",
    "waltham_forest", "havering", "hammersmith_and_fulham", "barnet", "hillingdon", "lambeth", "kensington_and_chelsea",
)  # fmt: skip
FILES_A_LAYOUT = 2
Truth = dict[str, frozenset[str | None]]


@dataclass(frozen=True)
class Case:
    """One file with the truth about its columns: acceptable answers by heading, None for a column no field wants."""

    name: str
    group: str
    borough: str
    dataset: str
    path: Path
    truth: Truth
    system: str | None = None
    held_out: bool = False
    mapping: Mapping | None = field(default=None, compare=False)


def real_cases(data: Path) -> Iterator[Case]:
    """The public registers and the gazetteer, with the committed mapping as truth."""
    for name, (borough, dataset) in REAL.items():
        path = data / name
        if path.exists():
            mapping = fitting(borough, dataset, path)
            yield Case(
                path.stem,
                "real",
                borough,
                dataset,
                path,
                truth_of(mapping),
                None,
                borough in HELD_OUT_BOROUGHS,
                mapping,
            )


def synthetic_cases(bucket: Path) -> Iterator[Case]:
    """Two files of each layout that the synthetic boroughs write, with the committed mapping as truth."""
    seen: dict[tuple[str, str], int] = {}
    for borough in SYNTHETIC:
        for dataset, extract in sorted(extracts(borough).items()):
            own = extract.layout.startswith("register_")
            held = borough in HELD_OUT_BOROUGHS if own else extract.layout in HELD_OUT_SYSTEMS
            if not own and borough in HELD_OUT_BOROUGHS:
                continue
            if seen.get((extract.layout, dataset), 0) >= FILES_A_LAYOUT:
                continue
            for path in sorted((bucket / "drops" / borough / dataset).glob("*.*")):
                mapping = fitting(borough, dataset, path)
                seen[extract.layout, dataset] = seen.get((extract.layout, dataset), 0) + 1
                system = None if own else extract.layout
                yield Case(
                    f"{extract.layout}.{dataset}.{borough}",
                    "synthetic",
                    borough,
                    dataset,
                    path,
                    truth_of(mapping),
                    system,
                    held,
                    mapping,
                )


def fitting(borough: str, dataset: str, path: Path) -> Mapping:
    """The committed mapping whose headings a file has."""
    from pipelines.core.bucket import Folder
    from pipelines.extracts import Extract, choose_layout

    extract = Extract(Folder(str(path.parent)), path.name, path.suffix.lower())
    return choose_layout(borough, dataset, extract)[0]


def truth_of(mapping: Mapping) -> Truth:
    """Field of each heading; of a column that feeds several, the first of the contract's."""
    truth: Truth = {column: frozenset({None}) for column in mapping.ignore}
    for target in reversed(registry.contract(mapping.dataset).fields):
        how = mapping.fields.get(target.name)
        for column in how.sources if how is not None else ():
            truth[column] = frozenset({target.name})
    return truth


# What stands under a heading of a real column list. All of it invented.
STREETS = (
    "Alder",
    "Birch",
    "Cedar",
    "Dawlish",
    "Elmfield",
    "Farrier",
    "Granary",
    "Hollow",
    "Ivory",
    "Juniper",
    "Kestrel",
    "Larch",
)
KINDS_OF_STREET = ("Road", "Street", "Avenue", "Close", "Terrace", "Gardens", "Grove")
FIRST = ("Anna", "Bilal", "Carol", "Daniel", "Esther", "Farid", "Grace", "Hugo", "Ines", "Jakub", "Kofi", "Lena")
LAST = (
    "Abbott",
    "Begum",
    "Carter",
    "Dhillon",
    "Evans",
    "Fernandes",
    "Green",
    "Hussain",
    "Ivanov",
    "Jones",
    "Kaur",
    "Lewis",
)
FIRMS = ("Kestrel Lettings Ltd", "Alder Homes Limited", "Granary Property Management", "Ivory Estates LLP")


class Values:
    """Draws one invented cell after the other; the same seed draws the same."""

    def __init__(self, seed: str, district: str = "N") -> None:
        self.draw = random.Random(seed)
        self.district = district

    def address(self) -> str:
        """A street address, sometimes of a flat."""
        flat = f"Flat {self.draw.randint(1, 6)}, " if self.draw.random() < 0.2 else ""
        return f"{flat}{self.draw.randint(1, 180)} {self.draw.choice(STREETS)} {self.draw.choice(KINDS_OF_STREET)}"

    def postcode(self) -> str:
        """A postcode of the district."""
        return (
            f"{self.district}{self.draw.randint(1, 9)} {self.draw.randint(1, 9)}"
            f"{self.draw.choice('ABDEFGH')}{self.draw.choice('ABDEFGH')}"
        )

    def full_address(self) -> str:
        """An address with town and postcode."""
        return f"{self.address()}, London, {self.postcode()}"

    def far_address(self) -> str:
        """An address outside the district."""
        area = self.draw.choice(("LS", "B", "CR", "HA", "E", "SW", "M", "RG"))
        return (
            f"{self.address()}, {area}{self.draw.randint(1, 20)} {self.draw.randint(1, 9)}"
            f"{self.draw.choice('ABDEFGH')}{self.draw.choice('ABDEFGH')}"
        )

    def person(self) -> str:
        """A person's name, with or without a title."""
        return f"{self.draw.choice(('Mr ', 'Mrs ', 'Ms ', ''))}{self.draw.choice(FIRST)} {self.draw.choice(LAST)}"

    def holder(self) -> str:
        """A licence holder: a person or a firm."""
        return self.draw.choice(FIRMS) if self.draw.random() < 0.25 else self.person()

    def name_and_address(self) -> str:
        """A person and an address in one cell."""
        return f"{self.person()}, {self.far_address()}"

    def small(self) -> str:
        """A small count."""
        return str(self.draw.randint(0, 4))

    def rooms(self) -> str:
        """A number of rooms."""
        return str(self.draw.randint(3, 10))

    def persons(self) -> str:
        """A number of persons."""
        return str(self.draw.randint(3, 9))

    def households(self) -> str:
        """A number of households."""
        return str(self.draw.randint(1, 3))

    def storeys(self) -> str:
        """A number of storeys."""
        return str(self.draw.choice((2, 3, 3, 4)))

    def years(self) -> str:
        """A licence's length in years."""
        return str(self.draw.choice((1, 5, 5)))

    def start(self) -> str:
        """A day on which a licence begins."""
        return f"{date(2019, 1, 1) + timedelta(days=self.draw.randint(0, 900)):%d/%m/%Y}"

    def end(self) -> str:
        """A day on which a licence ends."""
        return f"{date(2024, 1, 1) + timedelta(days=self.draw.randint(0, 900)):%d/%m/%Y}"

    def licence_type(self) -> str:
        """A type of licence."""
        return self.draw.choice(("Mandatory HMO", "Mandatory HMO", "Additional HMO", "Selective"))

    def text(self) -> str:
        """Free text about a house, or none."""
        return self.draw.choice(
            (
                "Two storey terraced house with a shared kitchen at the rear",
                "Converted house, five rooms let singly, garden",
                "",
            )
        )

    def house_type(self) -> str:
        """A type of house."""
        return self.draw.choice(("Semi-detached", "Terraced", "Detached", "Flat above shop"))

    def place(self) -> str:
        """A place's name."""
        return self.draw.choice(("Northend", "Southgate Hill", "Eastcote Vale"))

    def blank(self) -> str:
        """Nothing."""
        return ""

    def ref(self) -> str:
        """A licence reference."""
        return f"HMO/{self.draw.randint(10, 25)}/{self.draw.randint(10000, 99999)}"


@dataclass(frozen=True)
class ColumnList:
    """A register's real headings, what stands under each, and which field it feeds."""

    borough: str
    name: str
    columns: tuple[tuple[str, str, str | None], ...]
    also: dict[str, str | None] = field(default_factory=dict)


LISTS = (
    ColumnList("camden", "camden_old", (
        ("PropertyAddress", "full_address", "address"), ("NameOfLicenceHolder", "holder", "holder_name"),
        ("AddressOfLicenceHolder", "far_address", "holder_address"),
        ("MaximumNumberOfPersons", "persons", "max_persons"),
        ("CommencementDate", "start", "commencement_date"), ("EndDate", "end", "expiry_date"),
        ("DurationInYears", "years", None), ("StoreysOfHMO", "storeys", "storeys"), ("NumberOfRooms", "rooms", None),
        ("NumberOfLivingRooms", "small", None), ("NumberOfBedrooms", "rooms", "sleeping_rooms"),
        ("NumberOfKitchens", "small", None), ("NumberOfSelfContainedFlats", "small", None),
        ("NumberOfNonSelfContainedFlats", "small", None), ("NumberOfSharedSinks", "small", None),
        ("NumberOfSharedWHBs", "small", None), ("NumberOfSharedShowers", "small", None),
        ("NumberOfSharedWCs", "small", None), ("NumberOfSharedBaths", "small", None))),
    ColumnList("kensington_and_chelsea", "kensington_a", (
        ("NameAndaddress", "name_and_address", "holder_name"), ("Postcode", "postcode", "postcode"),
        ("Location", "address", "address"),
        ("DescriptionofHouse", "text", None), ("Type", "licence_type", "licence_type"),
        ("Duration", "years", None), ("NoofBasement", "small", None), ("BathroomandShowers", "small", None),
        ("Bedsitsandflats", "small", None), ("WcandShowers", "small", None),
        ("NumberOfOccupants", "persons", "max_persons")),
        {"NameAndaddress": "holder_address", "Bedsitsandflats": "sleeping_rooms"}),
    ColumnList("hackney", "hackney_2020", (
        ("Licence No.", "ref", "licence_ref"), ("Property Address", "full_address", "address"),
        ("Licence Holder Name", "holder", "holder_name"),
        ("Licence Holder Address (business only)", "far_address", "holder_address"),
        ("Property Type", "house_type", None),
        ("No. of Storeys", "storeys", "storeys"), ("No. of Storeys Front", "storeys", None),
        ("No. of Storeys Rear", "storeys", None), ("Accommodation Type", "house_type", None),
        ("No. of Kitchen", "small", None),
        ("No. of rooms providing sleeping accommodation", "rooms", "sleeping_rooms"),
        ("No. of Toilets and Wash basins", "small", None),
        ("No. of rooms providing living accommodation", "small", None),
        ("No. of Bathrooms/Shower rooms", "small", None), ("Self Contained Units", "small", None),
        ("Non-Self Contained Units", "small", None), ("Licence Type", "licence_type", "licence_type"),
        ("Licence Expiry Date", "end", "expiry_date"), ("Licence Start Date", "start", "commencement_date"),
        ("No. of Households", "households", "max_households"), ("No. of Occupants", "persons", None),
        ("Max. Occupants", "persons", "max_persons"), ("LICENCE CONDITIONS", "text", None))),
    ColumnList("durham", "durham_2024", (
        ("Address", "full_address", "address"), ("Reference", "ref", "licence_ref"),
        ("Licence start", "start", "commencement_date"),
        ("Licence expiry", "end", "expiry_date"), ("GSC start", "start", None), ("GSC end", "end", None),
        ("EICR start", "start", None), ("EICR end", "end", None), ("Households", "households", "max_households"),
        ("Permanent occupants", "persons", "max_persons"), ("Floors above ground", "storeys", None),
        ("Floors below ground", "small", None), ("Storeys", "storeys", "storeys"),
        ("Shared living room", "small", None),
        ("Shared bathroom", "small", None), ("Shared bedroom", "small", None), ("Shared WCs", "small", None),
        ("Shared kitchens", "small", None), ("Shared sinks", "small", None), ("Shared WHB", "small", None),
        ("Shared baths", "small", None), ("Shared showers", "small", None))),
    ColumnList("kirklees", "kirklees_2023", (
        ("HMO Property Address", "full_address", "address"),
        ("HMO Licence Holder(s) Full Name", "holder", "holder_name"),
        ("HMO Licence Holders Correspondence Address", "far_address", "holder_address"),
        ("HMO Managers Name", "person", "manager_name"), ("HMO Managers Address", "far_address", None),
        ("Short description of the licensed HMO or house", "text", None),
        ("Summary of the conditions of the licence", "text", None),
        ("Date of Licence Commencement", "start", "commencement_date"),
        ("Date of Licence Expiry", "end", "expiry_date"),
        ("Duration of Licence", "years", None), ("Licence Number", "ref", "licence_ref"),
        ("Number of Households", "households", "max_households"),
        ("Maximum Number of Occupants", "persons", "max_persons"),
        ("Number of Units/Bedrooms", "rooms", "sleeping_rooms"), ("Number of Self Contained Units", "small", None),
        ("Number of Non Self Contained Units", "small", None), ("Number of Storeys", "storeys", "storeys"),
        ("Number of Kitchens", "small", None), ("Number of Reception", "small", None),
        ("Number of Bathrooms", "small", None),
        ("Number of Separate WCs", "small", None))),
)  # fmt: skip
"""Column lists that were public; only the headings are taken over."""

ROWS = 300


def list_cases(folder: Path) -> Iterator[Case]:
    """A file for each real column list, with invented values."""
    for listed in LISTS:
        values = Values(listed.name)
        cells: Sequence[Callable[[], str]] = [getattr(values, kind) for _, kind, _ in listed.columns]
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\r\n")
        writer.writerow([heading for heading, _, _ in listed.columns])
        writer.writerows([[cell() for cell in cells] for _ in range(ROWS)])
        path = folder / f"{listed.name}.csv"
        path.write_text(text.getvalue(), encoding="utf-8", newline="")
        truth = {h: frozenset({f, listed.also.get(h, f)}) for h, _, f in listed.columns}
        yield Case(
            listed.name, "list", listed.borough, "hmo_licence", path, truth, None, listed.borough in HELD_OUT_BOROUGHS
        )
