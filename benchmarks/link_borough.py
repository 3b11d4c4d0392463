"""A gazetteer of an inner-London borough that exists nowhere, for the linkage benchmark alone.

Written apart from `pipelines.demo`, with other streets and other phrasing, so that nothing that was fitted on the
demonstration's borough has seen this one. The mix of stock is that of an inner borough: a fifth houses, a third
purpose-built blocks, a fifth conversions, and houses in multiple occupation, ranges, shops with flats above and the
shells of divided buildings. `make_borough` gives one row a property, with parts and with the building it belongs to.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass, field

import pandas as pd

WORDS = """
Abinger Ackroyd Adys Albion Aldbourne Alderney Alleyn Alma Amersham Amott Anerley Angell Ansdell Arbuthnot Ardbeg
Arnould Ashbourne Asylum Avondale Azof Balfour Barforth Barset Batson Beaufoy Beck Bellenden Benhill Bethwin
Blenheim Bolina Bonar Bournemouth Bradwell Brayard Brenchley Brisbane Broomhouse Brunel Buchan Burcher Caldecot
Calton Camberley Canonbie Carden Caroline Casino Catford Caulfield Chadwick Champion Chaucer Cheltenham Chepstow
Choumert Clayton Clifton Coburg Colegrove Coleman Comber Consort Copeland Copleston Cossall Costa Crampton Crawthew
Crofton Crystal Culmore Dalwood Danby Darrell Daniels Dagmar Denman Derwent Desenfans Dewar Dragon Drayton Dulwich
Dunstan Durand Edgar Edith Ellery Elmington Elsie Emerson Ethelred Evelina Everthorpe Fenham Fenwick Flaxman Florian
Forester Frankfurt Friern Furley Gairloch Galatea Gaynesford Geldart Gilkes Glengall Gloucester Goldie Goldwell
Goodrich Gordon Gosterwood Grace Grenard Grosvenor Grummant Hafton Halliwell Halsmere Hanover Harders Harfield
Harlescott Hartington Havil Heber Henshaw Hichisson Hinckley Hindmans Hollydale Holmdene Howbury Howden Huguenot
Hurlock Ilderton Inverton Ivanhoe Ivydale Jarvis Jasper Jocelyn Kelmore Kender Keston Killearn Kimberley Kincaid
Kinsale Kirkwood Lacon Lancefield Landcroft Landells Langdon Larcom Lausanne Leipsic Leyton Limesford Linden Linnell
Lordship Lucas Ludwick Lugard Lulworth Luxor Lyndhurst Lytcott Machell Malfort Manaton Marmont Marsden Martock
Maxted McDermott McNeil Melbourne Melford Merttins Milo Moncrieff Morland Mundania Muschamp Narbonne Nazareth Nigel
Northcross Nunhead Nutfield Oakhurst Oglander Ondine Ormside Overhill Oxenford Pages Parkstone Paulet Pellatt
Penarth Pennethorne Peckarman Petworth Philip Piermont Placquett Playfield Pomeroy Ponsonby Portland Priory Pytchley
Queens Radnor Rainbow Ravenstone Reedham Relf Rodwell Rollins Rosenthorpe Rossiter Ruby Rye Ryedale Salisbury
Sandison Sartor Scutari Selden Senate Sharratt Shenley Silvester Solomons Southampton Spurling Sternhall Stories
Strakers Studholme Surrey Swinburne Talfourd Tappesfield Tarbert Telegraph Therapia Thorncombe Thurlow Tintagel
Torridon Troy Tresco Trossachs Tyrrell Underhill Upland Uplands Vale Valmar Varcoe Venetian Verney Vestry Vicars
Vivian Waghorn Waite Waveney Wells Westwood Whateley Whorlton Wilson Windermere Winterbrook Wivenhoe Woodwarde
Wroxton Wyndham Yarborough Zenoria
"""
STEMS = tuple(WORDS.split())
TYPES = {
    "Road": 34, "Street": 17, "Avenue": 9, "Close": 8, "Grove": 6, "Lane": 4, "Gardens": 5, "Place": 4, "Crescent": 3,
    "Terrace": 3, "Square": 2, "Mews": 3, "Way": 2, "Hill": 1, "Rise": 1, "Walk": 2, "Court": 2, "Park": 1, "Row": 1,
    "Yard": 1,
}  # fmt: skip
COMMON = (
    """
High Street|Church Road|Station Road|Park Road|Victoria Road|Albert Road|Queens Road|Kings Road|Church Lane|Mill Lane
Manor Road|Green Lane|The Grove|The Green|The Broadway|London Road|St John's Road|St Mary's Road|St Peter's Street
Grange Road|First Avenue|Second Avenue|Third Avenue|King Edward Road|Upper Park Road|Lower Park Road|Park Road North
Old Kent Mews|Eastcheap|Broadwalk|Flat Iron Yard|Seven Trees|Chapel House Street|Ground Lane|Basement Yard
Prince of Wales Road
""".replace("\n", "|")
    .strip("|")
    .split("|")
)
DISTRICTS = (
    "Harrow Fields", "Nunsgate", "Eastmoor", "Camber Vale", "Old Wharf", "Kingsland Cross", "Southfold", "Brockmarsh",
    "Telham Green", "Marlow Bridge",
)  # fmt: skip
BLOCK_ENDS = (
    "House",
    "Court",
    "House",
    "Court",
    "Mansions",
    "Lodge",
    "Point",
    "Tower",
    "Heights",
    "Apartments",
    "Building",
)
TRADES = (
    "News & Wine", "Fish Bar", "Dry Cleaners", "Pharmacy", "Barbers", "Cafe", "Kebab House", "Bakery", "Nails", "Tyres",
    "Food Centre", "Estate Agents", "Launderette", "Off Licence", "Butchers", "Dental Surgery", "Opticians",
    "Solicitors",
)  # fmt: skip
FLOORS = ("BASEMENT", "GROUND FLOOR", "FIRST FLOOR", "SECOND FLOOR", "THIRD FLOOR", "TOP FLOOR")
PLOTS = {  # share of the rows that are wanted, and rows that a plot of the kind has on average (shell included)
    "house": (0.205, 1), "named_house": (0.011, 1), "infill": (0.012, 2), "block": (0.322, 30), "numbers": (0.108, 4.4),
    "letters": (0.066, 4.1), "floors": (0.048, 3.6), "suffix": (0.041, 3.5), "maisonettes": (0.011, 2.7),
    "hmo": (0.058, 6.3),
    "range_whole": (0.009, 1), "range_flats": (0.04, 4.3), "shop": (0.018, 1), "shop_flats": (0.045, 2.9),
    "annexe": (0.006, 2), "rear": (0.004, 2), "sheltered": (0.02, 28),
}  # fmt: skip
INWARD = "ABDEFGHJLNPQRSTUWXYZ"
COLUMNS = [
    "uprn", "parent_uprn", "building", "unit", "building_name", "building_number", "street", "locality", "town",
    "postcode", "kind", "shell", "usrn",
]  # fmt: skip


@dataclass
class Street:
    """A street with its plots' numbers and the postcodes of its two sides."""

    usrn: int
    name: str
    locality: str
    sector: str
    plots: int
    commercial: bool
    postcodes: list[str] = field(default_factory=list)


def make_borough(addresses: int = 130_000, seed: int = 83) -> pd.DataFrame:
    """A gazetteer of about `addresses` rows (exactly that many), columns `COLUMNS`, without order in its UPRNs."""
    draw = random.Random(seed)
    rows: list[tuple] = []
    ids = iter(draw.sample(range(10_090_000_000, 10_099_999_999), addresses + 2_000))
    names = _block_names(draw)
    used: set[str] = set()
    for street in _streets(draw, max(20, addresses * 1_400 // 130_000), addresses):
        rows.extend(_along(draw, street, ids, names, used))
        if len(rows) >= addresses:
            break
    frame = pd.DataFrame(rows[:addresses], columns=COLUMNS)
    return frame.astype({name: "string" for name in COLUMNS if name != "shell"})


def _streets(draw: random.Random, count: int, addresses: int) -> Iterator[Street]:
    """Streets over ten districts; the common names in three or four of them, some stems with several types."""
    named: list[tuple[str, int]] = []
    for name in COMMON:
        named += [(name, district) for district in draw.sample(range(len(DISTRICTS)), draw.choice((2, 3, 3, 4)))]
    seen = set(named)
    while len(named) < count * 1.25:
        name = f"{draw.choice(STEMS)} {draw.choices(list(TYPES), TYPES.values())[0]}"
        place = (name, draw.randrange(len(DISTRICTS)))
        if place not in seen:
            seen.add(place)
            named.append(place)
    draw.shuffle(named)
    sectors = [[f"SE{30 + number} {digit}" for digit in range(1, 10)] for number in range(len(DISTRICTS))]
    for number, (name, district) in enumerate(named):
        big = name in COMMON or draw.random() < 0.1
        plots = draw.randint(60, 120) if big else draw.randint(10, 58)
        with_locality = district % 3 == 0 or (name in COMMON and draw.random() < 0.6)
        yield Street(
            20_500_000 + number,
            name.upper(),
            DISTRICTS[district].upper() if with_locality else "",
            draw.choice(sectors[district]),
            max(4, plots * 100 // 160),
            big and ("High" in name or "Broadway" in name or draw.random() < 0.25),
        )


def _block_names(draw: random.Random) -> Iterator[str]:
    """Names of blocks, many of them words that streets have too, some of them whole street names."""
    while True:
        if draw.random() < 0.04:
            yield f"{draw.choice(STEMS)} {draw.choice(('Gardens', 'Place', 'Square', 'Terrace'))}".upper()
        else:
            first = draw.choice(STEMS) if draw.random() < 0.9 else f"{draw.choice(STEMS)} {draw.choice(STEMS)}"
            yield f"{first} {draw.choice(BLOCK_ENDS)}".upper()


def _along(
    draw: random.Random, street: Street, ids: Iterator[int], names: Iterator[str], used: set[str]
) -> Iterator[tuple]:
    """The rows of a street: plots with rising numbers, a new postcode every fifteen or so rows and for each block."""
    weights = {kind: share / size for kind, (share, size) in PLOTS.items()}
    if street.commercial:
        weights |= {"shop": weights["shop"] * 10, "shop_flats": weights["shop_flats"] * 10}
    else:
        weights |= {"shop": weights["shop"] * 0.45, "shop_flats": weights["shop_flats"] * 0.45}
    kinds, chances = list(weights), list(weights.values())
    sides = [[draw.choice((1, 1, 1, 3, 7)), "", 0], [2, "", 0]]
    taken: set[tuple[str, str, str]] = set()
    for _ in range(street.plots):
        side = sides[draw.random() < 0.5]
        kind = draw.choices(kinds, chances)[0]
        number = side[0]
        plot = _plot(draw, kind, number, next(names))
        side[0] = (
            max(
                int(label.rpartition("-")[2].rstrip("ABCDE"))
                for _, _, label, _ in [*plot, ("", "", str(number), 0)]
                if label
            )
            + 2
        )
        if kind in ("block", "sheltered") and len(plot) > 9:
            postcode = _postcode(draw, street.sector, used)
        else:
            if side[2] <= 0:
                side[1], side[2] = _postcode(draw, street.sector, used), draw.randint(9, 30)
            side[2] -= len(plot)
            postcode = side[1]
        parent = building = ""
        for unit, name, label, shell in plot:
            if (unit, name, label) in taken:
                continue
            taken.add((unit, name, label))
            uprn = str(next(ids))
            parent_of = parent if parent and not shell else ""
            if shell:
                parent = uprn
            building = uprn if kind == "infill" or not building else building
            yield (
                uprn, parent_of, building, unit, name, label, street.name, street.locality, "LONDON", postcode, kind,
                shell and kind != "hmo" and not kind.startswith(("annexe", "rear", "infill", "shop")), str(street.usrn),
            )  # fmt: skip


def _postcode(draw: random.Random, sector: str, used: set[str]) -> str:
    while True:
        code = f"{sector}{draw.choice(INWARD)}{draw.choice(INWARD)}"
        if code not in used:
            used.add(code)
            return code


def _plot(draw: random.Random, kind: str, number: int, name: str) -> list[tuple[str, str, str, bool]]:
    """Rows of a plot as unit, building name, building number and whether it is the parent of the rest."""
    label = str(number)
    if kind in ("block", "sheltered"):
        return _block(draw, kind, label, name)
    if kind == "house":
        return [("", "", label, False)]
    if kind == "named_house":
        return [("", f"{name.rsplit(' ', 1)[0]} {draw.choice(('COTTAGE', 'VILLA', 'HOUSE', 'LODGE'))}",
                 label if draw.random() < 0.5 else "", False)]  # fmt: skip
    if kind == "infill":
        return [("", "", label, False), ("", "", f"{label}A", False)]
    if kind.startswith("range"):
        label = f"{number}-{number + draw.choice((2, 2, 4))}"
        if kind == "range_whole":
            return [("", name if draw.random() < 0.3 else "", label, False)]
        kind = draw.choice(("numbers", "numbers", "letters", "floors"))
        name = name if draw.random() < 0.3 else ""
        return [(unit, name, where, shell) for unit, _, where, shell in _divided(draw, kind, label)]
    if kind == "hmo":
        word = draw.choices(("ROOM", "BEDSIT", "STUDIO"), (8, 1, 1))[0]
        return [("", "", label, True)] + [(f"{word} {n}", "", label, False) for n in range(1, draw.randint(4, 9))]
    if kind.startswith("shop"):
        return _shop(draw, kind, label, name)
    if kind == "annexe":
        return [("", "", label, True), (draw.choice(("ANNEXE", "THE ANNEXE", "GARDEN ANNEXE")), "", label, False)]
    if kind == "rear":
        return [("", "", label, True), (draw.choice(("REAR OF", "FLAT REAR OF", "STUDIO REAR OF")), "", label, False)]
    return _divided(draw, kind, label)


def _block(draw: random.Random, kind: str, label: str, name: str) -> list[tuple[str, str, str, bool]]:
    size = (
        draw.choice((6, 8, 9, 12, 12, 16, 18, 20, 24, 30, 36, 48, 72, 110)) if kind == "block" else draw.randint(18, 36)
    )
    word = draw.choices(("FLAT", "APARTMENT", "UNIT"), (88, 10, 2))[0]
    label = label if draw.random() < 0.45 else ""
    style = draw.random()
    if style < 0.06 and size <= 24:  # floors and doors: FLAT 1.02 or 3B
        units = [f"{word} {1 + n // 4}0{1 + n % 4}" for n in range(size)]
    elif style < 0.12 and size <= 24:
        units = [f"{word} {1 + n // 4}{'ABCD'[n % 4]}" for n in range(size)]
    elif style < 0.18:  # a plain number with the block's name: 12 ALBION COURT
        units = [str(n) for n in range(1, size + 1)]
    else:
        units = [f"{word} {n}" for n in range(1, size + 1)]
    if draw.random() < 0.05:
        units.append("PENTHOUSE")
    return [("", name, label, True)] + [(unit, name, label, False) for unit in units]


def _divided(draw: random.Random, kind: str, label: str) -> list[tuple[str, str, str, bool]]:
    shell = [("", "", label, True)] if draw.random() < 0.86 or kind == "maisonettes" else []
    if kind == "numbers":
        units = [f"FLAT {n}" for n in range(1, draw.choice((2, 3, 3, 4, 4, 5, 6)) + 1)]
    elif kind == "letters":
        units = [f"FLAT {letter}" for letter in "ABCDEF"[: draw.choice((2, 3, 3, 4, 5))]]
    elif kind == "maisonettes":
        units = draw.choice((["UPPER MAISONETTE", "LOWER MAISONETTE"], ["MAISONETTE 1", "MAISONETTE 2"]))
    elif kind == "suffix":
        letters = "ABCDE"[: draw.choice((2, 3, 3, 4))]
        return shell + [("", "", f"{label}{letter}", False) for letter in letters]
    else:
        first = draw.choice((0, 1, 1))
        floors = FLOORS[first : first + draw.choice((2, 3, 3))]
        if draw.random() < 0.25 and len(floors) > 2:
            floors = (*floors[:-1], "TOP FLOOR")
        wording = draw.choices(("{} FLAT", "FLAT {}"), (8, 2))[0]
        units = [wording.format(floor) for floor in floors]
        if draw.random() < 0.12:
            units = [f"FLAT {'ABCDE'[n]} {floor}" for n, floor in enumerate(floors)]
        elif draw.random() < 0.1:
            units = [f"{floor} FLAT {side}" for floor in floors[1:] for side in ("FRONT", "REAR")]
    return shell + [(unit, "", label, False) for unit in units]


def _shop(draw: random.Random, kind: str, label: str, name: str) -> list[tuple[str, str, str, bool]]:
    trade = f"{name.split()[0]} {draw.choice(TRADES)}".upper() if draw.random() < 0.6 else ""
    if kind == "shop":
        return [("" if trade or draw.random() < 0.5 else "SHOP", trade, label, False)]
    shop = [("GROUND FLOOR SHOP" if draw.random() < 0.2 else "", trade, label, draw.random() < 0.7)]
    style = draw.random()
    if style < 0.3:
        return [*shop, (draw.choice(("FLAT ABOVE", "FLAT OVER", "FLAT")), "", label, False)]
    if style < 0.5:
        return [*shop, ("", "", f"{label}A", False)]
    if style < 0.7:
        return shop + [(f"{floor} FLAT", "", label, False) for floor in FLOORS[2 : draw.choice((3, 4, 5))]]
    return shop + [(f"FLAT {n}", "", label, False) for n in range(1, draw.choice((2, 3, 4)) + 1)]
