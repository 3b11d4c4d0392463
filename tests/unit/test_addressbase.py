"""AddressBase Premium: records of many types as one row a property, in both forms of the layout."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from pipelines.core.bucket import Folder
from pipelines.core.errors import RefusedDrop
from pipelines.core.ledger.models import Drop
from pipelines.core.settings import settings
from pipelines.extracts import IntakeFiles, choose_layout
from pipelines.extracts.addressbase import is_addressbase
from pipelines.extracts.recognise import recognise
from pipelines.harmonise import harmonise_extract
from schemas import registry
from schemas.mapping import Shape
from tests.conftest import needs_real_data, real_data
from tests.unit.layouts import extract_of, read
from tests.unit.test_recognise import zipped

HEADER = '10,"GeoPlace",9999,2026-01-01,1,2026-01-01,09:00:00,"2.0","F"'
DATES = "2008-03-26,,2016-02-10,2008-03-27"


def street(usrn: int, name: str, locality: str = "", language: str = "ENG") -> str:
    return f'15,"I",1,{usrn},"{name}","{locality}","LONDON","SOUTHWARK","{language}",{DATES}'


def blpu(uprn: int, parent: str = "", status: int = 1, postcode: str = "SE15 4QL", end: str = "") -> str:
    dates = f"2008-03-26,{end},2016-02-10,2008-03-27"
    place = "532928.15,176203.52,51.5,-0.1"
    return f'21,"I",1,{uprn},{status},2,2008-03-26,{parent},{place},1,5840,"E",{dates},"D","{postcode}",0'


def lpi(
    uprn: int,
    usrn: int = 1,
    *,
    sao: str = ',"",,"",""',
    pao: str = '12,"",,"",""',
    status: int = 1,
    language: str = "ENG",
    updated: str = "2016-02-10",
) -> str:
    dates = f"2008-03-26,,{updated},2008-03-27"
    return f'24,"I",1,{uprn},"5840L1","{language}",{status},{dates},{sao},{pao},{usrn},"1","","","Y"'


def point(uprn: int, text: str = '"FLAT 2","",12,"","EXAMPLE ROAD","","PECKHAM","LONDON","SE15 4QL"') -> str:
    return f'28,"I",1,{uprn},50000001,"A TRADER","",{text},"S","1A","","","","","","",2014-04-22,{DATES}'


def classed(uprn: int, code: str, scheme: str = "AddressBase Premium Classification Scheme") -> str:
    return f'32,"I",1,{uprn},"5840C1","{code}","{scheme}",1.0,{DATES}'


def crossed(uprn: int, code: str, source: str) -> str:
    return f'23,"I",1,{uprn},"5840X1","{code}",,"{source}",{DATES}'


def table(*records: str) -> list[dict[str, str]]:
    content = "\r\n".join([HEADER, street(1, "EXAMPLE ROAD", "PECKHAM"), *records, "99,0,9,1,2026-01-01,09:00:00"])
    got = read(extract_of(content.encode() + b"\r\n", ".csv"), Shape(format="addressbase"))
    assert got.torn == []
    return [{"_row": number, **dict(zip(got.headings, cells, strict=True))}
            for number, cells in zip(got.numbers, got.rows, strict=True)]  # fmt: skip


def test_one_row_a_property_under_the_line_of_its_record():
    rows = table(blpu(100), lpi(100), classed(100, "RD06"), blpu(200, parent="100"), lpi(200))
    assert [(r["_row"], r["UPRN"], r["PARENT_UPRN"]) for r in rows] == [(3, "100", ""), (6, "200", "100")]
    first = rows[0]
    assert first["ADDRESS"] == first["GEOGRAPHIC_ADDRESS"] == "12 EXAMPLE ROAD, PECKHAM, LONDON"
    assert (first["CLASSIFICATION_CODE"], first["POSTCODE_LOCATOR"]) == ("RD06", "SE15 4QL")
    assert (first["X_COORDINATE"], first["Y_COORDINATE"]) == ("532928.15", "176203.52")
    assert (first["START_DATE"], first["END_DATE"], first["ENTRY_DATE"]) == ("2008-03-26", "", "2008-03-27")


@pytest.mark.parametrize(
    ("sao", "pao", "address", "parts"),
    [
        (',"",,"",""', '12,"A",,"",""', "12A EXAMPLE ROAD", ("", "", "12A")),
        (',"",,"",""', '58,"",64,"B",""', "58-64B EXAMPLE ROAD", ("", "", "58-64B")),
        (',"",,"","FLAT 2"', '12,"",,"",""', "FLAT 2, 12 EXAMPLE ROAD", ("FLAT 2", "", "12")),
        ('5,"",,"",""', ',"",,"","EXAMPLE COURT"', "5 EXAMPLE COURT, EXAMPLE ROAD", ("5", "EXAMPLE COURT", "")),
        ('5,"A",,"",""', '12,"",,"","EXAMPLE COURT"', "5A EXAMPLE COURT, 12 EXAMPLE ROAD",
         ("5A", "EXAMPLE COURT", "12")),
        ('5,"",,"",""', '12,"",,"",""', "5, 12 EXAMPLE ROAD", ("5", "", "12")),
        (',"",,"",""', ',"",,"","THE OLD DAIRY, MEWS"', "THE OLD DAIRY, MEWS, EXAMPLE ROAD",
         ("", "THE OLD DAIRY, MEWS", "")),
    ],
)  # fmt: skip
def test_addresses_of_the_council(sao: str, pao: str, address: str, parts: tuple[str, str, str]):
    (found,) = table(blpu(1), lpi(1, sao=sao, pao=pao))
    assert found["ADDRESS"] == f"{address}, PECKHAM, LONDON"
    assert (found["SAO"], found["PAO_TEXT"], found["PAO_NUMBER"]) == parts


def test_approved_before_alternative_and_english_before_welsh():
    (found,) = table(
        blpu(1),
        lpi(1, pao='1,"",,"",""', status=8),
        lpi(1, pao='2,"",,"",""', status=3),
        lpi(1, pao='3,"",,"",""', status=1, language="CYM"),
        lpi(1, pao='4,"",,"",""', status=1, updated="2010-01-01"),
        lpi(1, pao='5,"",,"",""', status=1, updated="2020-01-01"),
    )
    assert (found["PAO_NUMBER"], found["LANGUAGE"], found["LPI_LOGICAL_STATUS"]) == ("5", "ENG", "1")
    (historical,) = table(blpu(1, status=8), lpi(1, status=8))
    assert historical["PAO_NUMBER"] == "12"


def test_street_in_the_language_of_its_address():
    (found,) = table(street(2, "HEOL Y COED", language="CYM"), street(2, "WOOD ROAD"), blpu(1),
                     lpi(1, 2, language="CYM"))  # fmt: skip
    assert found["STREET_DESCRIPTION"] == "HEOL Y COED"
    (only,) = table(street(3, "HEOL Y COED", language="CYM"), blpu(1), lpi(1, 3))
    assert only["STREET_DESCRIPTION"] == "HEOL Y COED"


def test_royal_mails_address_stands_beside_and_helps_out_where_a_street_is_missing():
    (found,) = table(blpu(1), lpi(1), point(1))
    assert found["DELIVERY_POINT_ADDRESS"] == "FLAT 2, 12 EXAMPLE ROAD, PECKHAM, LONDON"
    assert (found["UDPRN"], found["POSTCODE"], found["POST_TOWN"]) == ("50000001", "SE15 4QL", "LONDON")
    assert found["ADDRESS"] == "12 EXAMPLE ROAD, PECKHAM, LONDON"
    assert not any("A TRADER" in str(value) for value in found.values()), "organisations are not read"
    (streetless,) = table(blpu(1), lpi(1, usrn=77), point(1))
    assert streetless["ADDRESS"] == "FLAT 2, 12 EXAMPLE ROAD, PECKHAM, LONDON"


def test_class_of_the_national_scheme_and_codes_of_ward_and_lsoa():
    (found,) = table(
        blpu(1),
        lpi(1),
        classed(1, "12345", "VOA Special Category"),
        classed(1, "RH01"),
        crossed(1, "E05011095", "7666OW"),
        crossed(1, "E01003927", "7666OL"),
        crossed(1, "6013941000", "7666VC"),
    )
    assert (found["CLASSIFICATION_CODE"], found["WARD_CODE"], found["LSOA_CODE"]) == ("RH01", "E05011095", "E01003927")
    assert "6013941000" not in found.values(), "council tax references are not read"


def test_layout_of_before_2016():
    records = [
        HEADER.replace("2.0", "1.0"),
        '15,"I",2,1,"EXAMPLE ROAD","","LONDON","SOUTHWARK","ENG"',
        '21,"I",1,100,1,2,2008-03-26,99,532928.15,176203.52,1,5840,2008-03-26,,2012-04-03,2008-03-27,"S","SE15 4QL",0',
        lpi(100),
        '28,"I",1,100,99,50000001,"","","FLAT 2","",12,"","EXAMPLE ROAD","","","LONDON","SE15 4QL","S","","","","","",'
        f'"",2014-04-22,{DATES}',
    ]
    got = read(extract_of("\r\n".join(records).encode(), ".csv"), Shape(format="addressbase"))
    found = dict(zip(got.headings, got.rows[0], strict=True))
    assert (found["UPRN"], found["PARENT_UPRN"], found["START_DATE"]) == ("100", "99", "2008-03-26")
    assert found["DELIVERY_POINT_ADDRESS"] == "FLAT 2, 12 EXAMPLE ROAD, LONDON"


def test_records_may_lie_anywhere_and_in_pieces(monkeypatch: pytest.MonkeyPatch):
    together = table(blpu(1), lpi(1), point(1), blpu(2), lpi(2), classed(2, "RD"))
    monkeypatch.setattr("pipelines.extracts.addressbase.BLOCK_BYTES", 1200)
    apart = table(lpi(2), classed(2, "RD"), point(1), blpu(1), lpi(1), blpu(2))
    strip = [{name: value for name, value in found.items() if name != "_row"} for found in (*together, *apart)]
    assert strip[:2] == strip[2:]
    assert [found["_row"] for found in apart] == [6, 8]


def test_torn_and_orphaned_records_are_told():
    content = "\r\n".join([HEADER, street(1, "A"), blpu(1), lpi(1), '24,"I",1,1,"torn"', lpi(9), point(8), blpu(2)])
    got = read(extract_of(content.encode(), ".csv"), Shape(format="addressbase"))
    assert (got.numbers, got.torn) == ([3, 8], [5])
    assert got.skipped == {"record_without_property": [6, 7]}
    assert got.rows[1][got.headings.index("ADDRESS")] == "", "a property without an address is a row all the same"


def test_file_of_changes_is_refused():
    content = "\r\n".join([HEADER.replace('"F"', '"C"'), blpu(1), lpi(1)]).encode()
    with pytest.raises(RefusedDrop, match="changes only") as refused:
        read(extract_of(content, ".csv"), Shape(format="addressbase"))
    assert refused.value.issue_type == "changes_only"


def test_other_files_are_not_taken_for_it():
    assert is_addressbase(f"{HEADER}\r\n{street(1, 'A')}\r\n")
    assert is_addressbase(f"{blpu(1)}\r\n{lpi(1)}\r\n"), "a piece of a supply has no header"
    for text in ("", "10,20,30\r\n", "UPRN,Address\r\n1,2\r\n", "21,x,3\r\n", "15 Example Road,London,SE15\r\n"):
        assert not is_addressbase(text)
    assert read(extract_of(b"UPRN,Address\r\n1,2\r\n", ".csv"), Shape(format="addressbase")).headings == []


def test_it_is_recognised_in_an_archive():
    content = "\r\n".join([HEADER, street(1, "EXAMPLE ROAD"), blpu(1), lpi(1)]).encode()
    found = recognise(extract_of(zipped(("SX9090.csv", content)), ".zip"))
    assert found.shape.format == "addressbase"
    assert (found.rows, found.headings[0]) == (1, "UPRN")
    assert "AddressBase" in found.notes[0]


@pytest.fixture
def borough(home: Path) -> str:
    """A borough of which only the source system is known."""
    folder = settings().mappings_dir / "merthyr_tydfil"
    folder.mkdir(parents=True)
    (folder / "gazetteer.addressbase.yaml").write_text("extends: addressbase\n")
    return "merthyr_tydfil"


def harmonised(content: bytes, kind: str, borough: str, tmp_path: Path) -> tuple[tuple[int, int, int], list[dict]]:
    extract = extract_of(content, kind)
    mapping, names = choose_layout(borough, "gazetteer", extract)
    assert mapping.system == "addressbase"
    drop = Drop(id="x", borough=borough, dataset="gazetteer", path="drops/x/y/z.zip", extract_date=date(2026, 1, 1))
    files = IntakeFiles("x", Folder(str(tmp_path / "intake")))
    counted = harmonise_extract(extract, drop, mapping, registry.contract("gazetteer"), names, files)
    return (counted.rows_in, counted.accepted, counted.quarantined), files.read("rows").to_pylist()


def test_borough_that_extends_addressbase_maps_itself(borough: str, tmp_path: Path):
    records = [HEADER, street(1, "EXAMPLE ROAD"), blpu(100), lpi(100, sao=',"",,"","FLAT 2"'), classed(100, "RG02"),
               blpu(200), lpi(200), classed(200, "OR03"), blpu(300)]  # fmt: skip
    counts, rows = harmonised("\r\n".join(records).encode(), ".csv", borough, tmp_path)
    assert counts == (3, 2, 1), "a property without an address cannot be used"
    assert [(r["uprn"], r["address"], r["unit"], r["building_number"], r["blpu_class"]) for r in rows] == [
        ("100", "FLAT 2, 12 EXAMPLE ROAD, LONDON", "FLAT 2", "12", "RG"),
        ("200", "12 EXAMPLE ROAD, LONDON", None, "12", "O"),
    ]
    assert str(rows[0]["known_since"]) == "2008-03-27"


@needs_real_data
def test_real_supply(borough: str, tmp_path: Path):
    path = real_data() / "gazetteers/addressbase_premium_sx9090_first3600.zip"
    counts, rows = harmonised(path.read_bytes(), ".zip", borough, tmp_path)
    # The file is cut off at 3,600 lines, before the address of its last property.
    assert counts == (33, 32, 1)
    by_uprn = {r["uprn"]: r for r in rows}
    assert len(by_uprn) == 32
    assert all(r["postcode"] and r["easting"] and r["start_date"] for r in rows)
    flats = [r for r in rows if r["blpu_class"] == "RD06"]
    assert len(flats) == 14
    assert all(r["parent_uprn"] and r["unit"] for r in flats if r["uprn"] != "10023119505")
