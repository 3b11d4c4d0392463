"""Words of British addresses: spellings of one thing, street types, floors, towns that say nothing here.

Everything is brought to the *short* spelling, because the short one is the ambiguous one:
"ST" stays "ST" whether it was Street or Saint, and two spellings never part again.
"""

from __future__ import annotations

SHORT: dict[str, tuple[str, ...]] = {
    # Types of street.
    "RD": ("ROAD", "RAOD", "RORD"),
    "ST": ("STREET", "STR", "STRET", "SAINT"),
    "AVE": ("AVENUE", "AV", "AVEN"),
    "LN": ("LANE", "LA"),
    "CL": ("CLOSE", "CLO", "CLS"),
    "CRES": ("CRESCENT", "CRESENT", "CR", "CRESC"),
    "DR": ("DRIVE", "DRV"),
    "GDNS": ("GARDENS", "GDN", "GNS", "GRDNS"),
    "GR": ("GROVE", "GRV", "GRO"),
    "PL": ("PLACE", "PLC"),
    "SQ": ("SQUARE", "SQR"),
    "TER": ("TERRACE", "TERR", "TCE", "TRCE"),
    "WLK": ("WALK", "WK"),
    "PK": ("PARK", "PRK"),
    "PDE": ("PARADE", "PARA"),
    "GRN": ("GREEN",),
    "HL": ("HILL",),
    "MWS": ("MEWS", "MEW"),
    "EMB": ("EMBANKMENT",),
    "BDWY": ("BROADWAY", "BWAY"),
    "PSGE": ("PASSAGE", "PASS"),
    "CIR": ("CIRCUS",),
    "APP": ("APPROACH", "APPR"),
    "BLVD": ("BOULEVARD", "BOULEVARDE", "BVD"),
    "HI": ("HIGH",),
    "MT": ("MOUNT",),
    "GT": ("GREAT",),
    "STN": ("STATION",),
    "CH": ("CHURCH",),
    # Types of building.
    "CT": ("COURT", "CRT", "CRTS", "COURTS"),
    "HSE": ("HOUSE", "HO", "HOU"),
    "MANS": ("MANSIONS", "MANSION"),
    "BLDG": ("BUILDING", "BUILDINGS", "BLDGS", "BLD"),
    "LDG": ("LODGE",),
    "TWR": ("TOWER", "TOWERS"),
    "PT": ("POINT",),
    "HTS": ("HEIGHTS",),
    "APTS": ("APARTMENTS",),
    "COTT": ("COTTAGE",),
    "COTTS": ("COTTAGES",),
    "EST": ("ESTATE",),
    "CTR": ("CENTRE", "CENTER"),
    "BLK": ("BLOCK",),
    # Parts of a building.
    "FLAT": ("FLT", "FLA", "FALT", "FALAT", "APARTMENT", "APT", "APPT", "APARTMNT", "FFLAT"),
    "FLATS": ("FLTS",),
    "ROOM": ("RM", "BEDSIT", "BEDSITTER", "BEDROOM", "BEDRM", "BSIT"),
    "ROOMS": ("RMS", "BEDSITS"),
    "MAISONETTE": ("MAIS", "MAISON", "MAISONNETTE", "MAISONETE", "MSNT"),
    "STUDIO": ("STU",),
    "ANNEXE": ("ANNEX", "GRANNEXE"),
    "UNIT": ("UNT",),
    "FLOOR": ("FLR", "FLOO"),
    "FLOORS": ("FLRS",),
    "BASEMENT": ("BSMT", "BASMT", "BMT", "BSMNT", "BASMENT"),
    "GROUND": ("GRD", "GRND", "GND", "GROUD"),
    "LOWER": ("LWR",),
    "UPPER": ("UPR",),
    "FIRST": ("1ST", "FRST"),
    "SECOND": ("2ND", "SECND"),
    "THIRD": ("3RD",),
    "FOURTH": ("4TH",),
    "FIFTH": ("5TH",),
    "SIXTH": ("6TH",),
    "SEVENTH": ("7TH",),
    "EIGHTH": ("8TH",),
    "NINTH": ("9TH",),
    "TENTH": ("10TH",),
    # Several words from one.
    "FIRST FLOOR FLAT": ("FFF", "1FF"),
    "GROUND FLOOR FLAT": ("GFF",),
    "SECOND FLOOR FLAT": ("SFF", "2FF"),
    "TOP FLOOR FLAT": ("TFF",),
    "LOWER GROUND FLOOR": ("LGF", "LG/F", "L/G/F"),
    "LOWER GROUND FLOOR FLAT": ("LGFF",),
    "UPPER GROUND FLOOR": ("UGF",),
    "GROUND FLOOR": ("G/F", "GF", "G/FLOOR"),
    "FIRST FLOOR": ("F/F", "1/F", "FF"),
    "SECOND FLOOR": ("S/F", "2/F"),
    "TOP FLOOR": ("T/F",),
    "GROUND FLOOR REAR": ("GFR",),
    "FIRST FLOOR REAR": ("FFR",),
    "GROUND FLOOR FRONT": ("GFFR",),
    "BASEMENT FLAT": ("BFF", "B/F"),
    "REAR OF": ("R/O",),
    # Words that tell nothing apart.
    "": ("THE", "NO", "NOS", "NR", "NUMBER", "C/O", "UNKNOWN", "NULL", "NONE", "NAN"),
}

SPELLINGS: dict[str, str] = {long: short for short, spellings in SHORT.items() for long in spellings} | {
    "NTH": "NORTH",
    "STH": "SOUTH",
}
"""From each spelling to the one that is compared."""

LONG: dict[str, str] = {
    short: spellings[0]
    for short, spellings in SHORT.items()
    if short not in ("", "ST") and " " not in short and len(spellings[0]) > len(short)
}
"""From each short form to the whole word: slips of the pen are counted on words as they are written."""

STRONG_STREETS = "RD|ST|AVE|LN|CL|CRES|DR|GDNS|SQ|TER|MWS|PDE|PSGE|APP|BLVD"
"""Words that end a street's name wherever they stand last."""

STREETS = (
    f"{STRONG_STREETS}|GR|PL|WLK|PK|GRN|HL|EMB|BDWY|CIR|WAY|ROW|YARD|RISE|VALE|VIEW|COMMON|PATH|GATE|WHARF|QUAY|"
    f"CROFT|CHASE|MEADOWS|ALLEY|BANK|MALL|BRIDGE|CAUSEWAY|END|COTTS|VILLAS"
)
"""Words that may end a street's name, or belong to a locality."""

BUILDINGS = "CT|HSE|MANS|BLDG|LDG|TWR|PT|HTS|APTS|COTT|BLK"
"""Words that end a building's name; a few streets end in them too."""

NAMED = f"{BUILDINGS}|PL|PLAZA|HALL|WHARF|QUAY|GATE|VIEW|CHAMBERS|STUDIOS|WORKS"
"""Words that end a building's name where a street stands behind it."""

KINDS = "FLAT|STUDIO|MAISONETTE|UNIT|ANNEXE|PENTHOUSE"
"""Kinds of part that carry a number or letter of their own."""

ASIDE = "BESIDE|SEVERAL"
"""Kinds that are no part of a property: a place beside it (land, the pavement), several properties at once."""

OUTHOUSES = ("COACH HSE", "STABLES", "STABLE")
"""Names that are a building of their own behind the house whose number they stand before."""

TO_TEN = ("ONE", "TWO", "THREE", "FOUR", "FIVE", "SIX", "SEVEN", "EIGHT", "NINE", "TEN")
TO_TWENTY = (
    *TO_TEN,
    *("ELEVEN", "TWELVE", "THIRTEEN", "FOURTEEN", "FIFTEEN", "SIXTEEN", "SEVENTEEN", "EIGHTEEN", "NINETEEN"),
)
TENS = ("TWENTY", "THIRTY", "FORTY", "FIFTY", "SIXTY", "SEVENTY", "EIGHTY", "NINETY")
"""Numbers in words."""

FLOORS: dict[str, str] = {
    "BASEMENT": "B",
    "LOWER GROUND": "LG",
    "UPPER GROUND": "UG",
    "GROUND": "G",
    "FIRST": "1",
    "SECOND": "2",
    "THIRD": "3",
    "FOURTH": "4",
    "FIFTH": "5",
    "SIXTH": "6",
    "SEVENTH": "7",
    "EIGHTH": "8",
    "NINTH": "9",
    "TENTH": "10",
    "TOP": "TOP",
    "UPPER": "UPPER",
    "LOWER": "LOWER",
    "MIDDLE": "MIDDLE",
    "MEZZANINE": "MEZZ",
    "ATTIC": "ATTIC",
    "LOFT": "ATTIC",
    "GARDEN": "GARDEN",
    "REAR": "REAR",
    "FRONT": "FRONT",
}
"""From words to the code of a floor, longest first where one holds another."""

MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
"""A spreadsheet turns the range 5-12 into 05-Dec, and 12-5 into 12-May."""

PLACES: tuple[str, ...] = (
    "LONDON",
    "GREATER LONDON",
    "UNITED KINGDOM",
    "ENGLAND",
    "UK",
    "MIDDLESEX",
    "MIDDX",
    "SURREY",
    "ESSEX",
    "KENT",
    "HERTFORDSHIRE",
    "HERTS",
    "LONDON BOROUGH OF",
    "CITY OF LONDON",
    "CITY OF WESTMINSTER",
    "BARKING",
    "DAGENHAM",
    "BARNET",
    "BECKENHAM",
    "BEXLEY",
    "BEXLEYHEATH",
    "BRENTFORD",
    "BROMLEY",
    "CARSHALTON",
    "CHESSINGTON",
    "CHISLEHURST",
    "CROYDON",
    "EDGWARE",
    "ENFIELD",
    "ERITH",
    "FELTHAM",
    "FULHAM",
    "GREENFORD",
    "HAMMERSMITH",
    "HAMPTON",
    "HARROW",
    "HAYES",
    "HORNCHURCH",
    "HOUNSLOW",
    "ILFORD",
    "ISLEWORTH",
    "KENSINGTON",
    "KINGSTON",
    "KINGSTON UPON THAMES",
    "MITCHAM",
    "MORDEN",
    "NEW MALDEN",
    "NORTHOLT",
    "NORTHWOOD",
    "ORPINGTON",
    "PINNER",
    "PURLEY",
    "RAINHAM",
    "RICHMOND",
    "RICHMOND UPON THAMES",
    "ROMFORD",
    "RUISLIP",
    "SIDCUP",
    "SOUTHALL",
    "STANMORE",
    "SURBITON",
    "SUTTON",
    "TEDDINGTON",
    "THORNTON HEATH",
    "TWICKENHAM",
    "UPMINSTER",
    "UXBRIDGE",
    "WALLINGTON",
    "WELLING",
    "WEMBLEY",
    "WEST DRAYTON",
    "WEST WICKHAM",
    "WOODFORD GREEN",
    "WORCESTER PARK",
    "ACTON",
    "BALHAM",
    "BATTERSEA",
    "BETHNAL GREEN",
    "BOW",
    "BRIXTON",
    "CAMBERWELL",
    "CHISWICK",
    "CLAPHAM",
    "CROUCH END",
    "DEPTFORD",
    "EAST HAM",
    "FINCHLEY",
    "GOLDERS GREEN",
    "HENDON",
    "HORNSEY",
    "LEYTON",
    "LEYTONSTONE",
    "MUSWELL HILL",
    "PECKHAM",
    "PLAISTOW",
    "PUTNEY",
    "STOKE NEWINGTON",
    "STRATFORD",
    "STREATHAM",
    "SYDENHAM",
    "TOOTING",
    "TOTTENHAM",
    "WALTHAMSTOW",
    "WIMBLEDON",
    "WOOD GREEN",
    "WOOLWICH",
    # With a direction in front, which would be taken for the end of the street's name.
    "NORTH FINCHLEY",
    "EAST FINCHLEY",
    "WEST NORWOOD",
    "SOUTH NORWOOD",
    "WEST HAMPSTEAD",
    "SOUTH HAMPSTEAD",
    "EAST DULWICH",
    "WEST DULWICH",
    "WEST KENSINGTON",
    "NORTH KENSINGTON",
    "SOUTH KENSINGTON",
    "WEST EALING",
    "WEST HAM",
    "EAST ACTON",
    "NORTH ACTON",
    "WEST ACTON",
    "SOUTH ACTON",
    "WEST HENDON",
    "NORTH HARROW",
    "SOUTH HARROW",
    "WEST HARROW",
    "WEST BROMPTON",
    "EAST SHEEN",
    "SOUTH WIMBLEDON",
    "SOUTH TOTTENHAM",
    "NORTH WOOLWICH",
    "NORTH CHEAM",
    "SOUTH WOODFORD",
    "SOUTH RUISLIP",
    "SOUTH CROYDON",
    "EAST CROYDON",
    "WEST CROYDON",
    "NORTH WEMBLEY",
    "EAST BARNET",
    "SOUTH HACKNEY",
)
"""Towns, counties and London localities that say nothing within one borough; the boroughs' own names join them."""
