"""Schemas of the lake's tables that stages make for one another."""

from __future__ import annotations

import pyarrow as pa

LINK = pa.schema(
    [
        ("borough", pa.string()),
        ("dataset", pa.string()),
        ("record_id", pa.int64()),
        ("uprn", pa.string()),
        ("decision", pa.string()),
        ("reason", pa.string()),
        ("level", pa.string()),
        ("stage", pa.string()),
        ("probability", pa.float64()),
        ("gap", pa.float64()),
        ("runner_up", pa.string()),
    ]
)
"""`link`: one row a source record with an address. `decision` is linked, parent, review or none.

A record of several flats ("Flats 1-6, 12 High Street") has a row for each that the gazetteer has, reason unit_range,
and beside them its row of the building where the gazetteer lacks one of them.
"""

ADDRESS_LINK = pa.schema(
    [
        ("borough", pa.string()),
        ("address", pa.int64()),
        ("uprn", pa.string()),
        ("decision", pa.string()),
        ("reason", pa.string()),
        ("level", pa.string()),
        ("stage", pa.string()),
        ("probability", pa.float64()),
        ("gap", pa.float64()),
        ("runner_up", pa.string()),
        ("area", pa.string()),
        ("made_from", pa.string()),
    ]
)
"""`address_link`: what the link stage said last of each distinct address, so that it need not be asked again.

`address` is a hash of the address as it was read; `made_from` is one of the gazetteer, the code and the model; `area`
is what all addresses together said of the area, if anything did.
"""

LINK_REPORT = pa.schema(
    [
        ("borough", pa.string()),
        ("dataset", pa.string()),
        ("group", pa.string()),
        ("value", pa.string()),
        ("records", pa.int64()),
        ("linked", pa.int64()),
        ("parent", pa.int64()),
        ("review", pa.int64()),
        ("none", pa.int64()),
    ]
)
"""`link_report`: how many records of a dataset were linked, in all and by stage, reason and groups of records.

Counts as they are, small ones too: whoever shows them to people suppresses those.
"""

PROPERTY = pa.schema(
    [
        ("borough", pa.string()),
        ("uprn", pa.string()),
        ("parent_uprn", pa.string()),
        ("address", pa.string()),
        ("postcode", pa.string()),
        ("canonical", pa.string()),
        ("building_key", pa.string()),
        ("street_key", pa.string()),
        ("units_in_building", pa.int64()),
        ("blpu_class", pa.string()),
        ("ward_code", pa.string()),
        ("ward_name", pa.string()),
        ("lsoa_code", pa.string()),
        ("easting", pa.float64()),
        ("northing", pa.float64()),
        ("storeys", pa.int64()),
    ]
)
"""`property`: the spine, one row a UPRN of the gazetteer with its parsed address."""

LANDLORD = pa.schema(
    [
        ("borough", pa.string()),
        ("dataset", pa.string()),
        ("record_id", pa.int64()),
        ("role", pa.string()),
        ("landlord_id", pa.string()),
        ("reason", pa.string()),
        ("seen", pa.string()),
    ]
)
"""`landlord`: which landlord, one entity across boroughs, stands behind a licence or a liability.

`seen` is a keyed hash of the name and address that a licence was compared by; while it is the same the record is not
compared again. Empty for council tax, whose names are hashes already.
"""

LANDLORD_EDGE = pa.schema(
    [
        ("borough", pa.string()),
        ("dataset", pa.string()),
        ("record_id", pa.int64()),
        ("role", pa.string()),
        ("other_borough", pa.string()),
        ("other_dataset", pa.string()),
        ("other_record_id", pa.int64()),
        ("other_role", pa.string()),
        ("probability", pa.float64()),
        ("decision", pa.string()),
        ("reason", pa.string()),
        ("explanation", pa.string()),
    ]
)
"""`landlord_edge`: why two records have one landlord (`linked`) or may have (`review`), without any name or address."""

SCORE = pa.schema(
    [
        ("borough", pa.string()),
        ("uprn", pa.string()),
        ("as_of", pa.date32()),
        ("model_id", pa.string()),
        ("probability", pa.float64()),
        ("reasons", pa.list_(pa.string())),
        ("facts", pa.list_(pa.string())),
    ]
)
"""`score`: probability that a property is an HMO, with reasons in an officer's words, strongest first.

`facts` are true of it and raise nothing; a list falls back on them where an entry that was drawn at random has too few
reasons to be like the others.
"""

LICENSING = pa.schema(
    [
        ("borough", pa.string()),
        ("uprn", pa.string()),
        ("as_of", pa.date32()),
        ("building_uprn", pa.string()),
        ("needed", pa.string()),
        ("needed_why", pa.string()),
        ("status", pa.string()),
        ("status_why", pa.string()),
        ("missing", pa.string()),
        ("excluded_why", pa.string()),
    ]
)
"""`licensing`: which licence the law asks for on a day, whether it is held, and what evidence is missing.

`building_uprn` is the property that a licence would be on: the building of a room, else the property itself.
`needed` is mandatory, additional, selective, none or cannot_tell; `status` is held, over_occupied, pending,
temporary_exemption, wrong_type, expired or none. `excluded_why` is filled where the property is no HMO in law.
"""
