"""Names of AddressBase Premium's cells by record type, as Ordnance Survey's technical specification gives them."""

from __future__ import annotations

DATES = ("START_DATE", "END_DATE", "LAST_UPDATE_DATE", "ENTRY_DATE")
HEAD = ("RECORD_IDENTIFIER", "CHANGE_TYPE", "PRO_ORDER")
CHANGES = frozenset({"I", "U", "D"})
RECORDS = frozenset({"11", "15", "21", "23", "24", "28", "30", "31", "32"})
AROUND = frozenset({"10", "29", "99"})
"""Header, metadata and trailer."""

WIDTH_BEFORE_2016 = 19
"""Cells of a record 21 before it had latitude, longitude and country."""

_BLPU_END = ("POSTAL_ADDRESS", "POSTCODE_LOCATOR", "MULTI_OCC_COUNT")
_BLPU_START = (*HEAD, "UPRN", "LOGICAL_STATUS", "BLPU_STATE", "BLPU_STATE_DATE", "PARENT_UPRN")
_POINT = (
    "ORGANISATION_NAME",
    "DEPARTMENT_NAME",
    "SUB_BUILDING_NAME",
    "BUILDING_NAME",
    "BUILDING_NUMBER",
    "DEPENDENT_THOROUGHFARE",
    "THOROUGHFARE",
    "DOUBLE_DEPENDENT_LOCALITY",
    "DEPENDENT_LOCALITY",
    "POST_TOWN",
    "POSTCODE",
    "POSTCODE_TYPE",
)
_POINT_END = (
    "WELSH_DEPENDENT_THOROUGHFARE",
    "WELSH_THOROUGHFARE",
    "WELSH_DOUBLE_DEPENDENT_LOCALITY",
    "WELSH_DEPENDENT_LOCALITY",
    "WELSH_POST_TOWN",
    "PO_BOX_NUMBER",
    "PROCESS_DATE",
    *DATES,
)
_STREET = (*HEAD, "USRN", "STREET_DESCRIPTION", "LOCALITY_NAME", "TOWN_NAME", "ADMINISTRATIVE_AREA", "LANGUAGE")

FIELDS: dict[str, tuple[tuple[str, ...], ...]] = {
    "15": (_STREET, (*_STREET, *DATES)),
    "21": (
        (*_BLPU_START, "X_COORDINATE", "Y_COORDINATE", "RPC", "LOCAL_CUSTODIAN_CODE", *DATES, *_BLPU_END),
        (
            *_BLPU_START,
            "X_COORDINATE",
            "Y_COORDINATE",
            "LATITUDE",
            "LONGITUDE",
            "RPC",
            "LOCAL_CUSTODIAN_CODE",
            "COUNTRY",
            *DATES,
            *_BLPU_END,
        ),
    ),
    "23": ((*HEAD, "UPRN", "XREF_KEY", "CROSS_REFERENCE", "VERSION", "SOURCE", *DATES),),
    "24": (
        (
            *HEAD,
            "UPRN",
            "LPI_KEY",
            "LANGUAGE",
            "STATUS",
            *DATES,
            *(
                f"{which}_{part}"
                for which in ("SAO", "PAO")
                for part in ("START_NUMBER", "START_SUFFIX", "END_NUMBER", "END_SUFFIX", "TEXT")
            ),
            "USRN",
            "USRN_MATCH_INDICATOR",
            "AREA_NAME",
            "LEVEL",
            "OFFICIAL_FLAG",
        ),
    ),
    "28": (
        (*HEAD, "UPRN", "PARENT_ADDRESSABLE_UPRN", "UDPRN", *_POINT, *_POINT_END),
        (*HEAD, "UPRN", "UDPRN", *_POINT, "DELIVERY_POINT_SUFFIX", *_POINT_END),
    ),
    "32": ((*HEAD, "UPRN", "CLASS_KEY", "CLASSIFICATION_CODE", "CLASS_SCHEME", "SCHEME_VERSION", *DATES),),
}
"""Cells of each record type that is read: before epoch 39 of 2016, and since where that differs."""

_ADDRESS_PARTS = tuple(
    f"{which}_{part}"
    for which in ("SAO", "PAO")
    for part in ("START_NUMBER", "START_SUFFIX", "END_NUMBER", "END_SUFFIX", "TEXT")
)
KEPT: dict[str, tuple[str, ...]] = {
    "15": ("USRN", "STREET_DESCRIPTION", "LOCALITY_NAME", "TOWN_NAME", "LANGUAGE"),
    "21": (
        "UPRN",
        "LOGICAL_STATUS",
        "BLPU_STATE",
        "PARENT_UPRN",
        "X_COORDINATE",
        "Y_COORDINATE",
        "LOCAL_CUSTODIAN_CODE",
        *DATES,
        "POSTAL_ADDRESS",
        "POSTCODE_LOCATOR",
        "MULTI_OCC_COUNT",
    ),
    "23": ("UPRN", "CROSS_REFERENCE", "SOURCE", "END_DATE", "LAST_UPDATE_DATE"),
    "24": ("UPRN", "LANGUAGE", "STATUS", "END_DATE", "LAST_UPDATE_DATE", *_ADDRESS_PARTS, "USRN"),
    "28": (
        "UPRN",
        "UDPRN",
        "SUB_BUILDING_NAME",
        "BUILDING_NAME",
        "BUILDING_NUMBER",
        "DEPENDENT_THOROUGHFARE",
        "THOROUGHFARE",
        "DOUBLE_DEPENDENT_LOCALITY",
        "DEPENDENT_LOCALITY",
        "POST_TOWN",
        "POSTCODE",
        "PO_BOX_NUMBER",
        "END_DATE",
        "LAST_UPDATE_DATE",
    ),
    "32": ("UPRN", "CLASSIFICATION_CODE", "CLASS_SCHEME", "END_DATE", "LAST_UPDATE_DATE"),
}
"""What is kept of each: no names of organisations or departments, since nothing that is made of it needs them."""

COLUMNS = (
    "UPRN",
    "PARENT_UPRN",
    "LOGICAL_STATUS",
    "BLPU_STATE",
    "CLASSIFICATION_CODE",
    "ADDRESS",
    "GEOGRAPHIC_ADDRESS",
    "DELIVERY_POINT_ADDRESS",
    "SAO",
    "SAO_TEXT",
    "PAO_TEXT",
    "PAO_NUMBER",
    "STREET_DESCRIPTION",
    "LOCALITY_NAME",
    "TOWN_NAME",
    "POST_TOWN",
    "POSTCODE",
    "POSTCODE_LOCATOR",
    "X_COORDINATE",
    "Y_COORDINATE",
    "WARD_CODE",
    "LSOA_CODE",
    "LOCAL_CUSTODIAN_CODE",
    "USRN",
    "UDPRN",
    "LANGUAGE",
    "LPI_LOGICAL_STATUS",
    "POSTAL_ADDRESS",
    "MULTI_OCC_COUNT",
    *DATES,
)
"""Columns of the flat table. `GEOGRAPHIC_ADDRESS` is the council's on one line, `DELIVERY_POINT_ADDRESS` Royal
Mail's, both without postcode, and `ADDRESS` the former unless the file lacks its street; `SAO` and `PAO_NUMBER` hold
number, suffix and range; all else has Ordnance Survey's name."""
