"""Faults of the synthetic extracts: declared once, at their declared rates, the same for a record on every night."""

from __future__ import annotations

import re

import numpy as np
import pandas as pd
import pytest

from pipelines.demo.export import Exported, export_dataset
from pipelines.demo.export.addresses import MISTAKES, Places, official
from pipelines.demo.export.assignments import Extract, extracts
from pipelines.demo.export.cells import Overrides
from pipelines.demo.export.draws import keys, uniform
from pipelines.demo.export.faults import faults
from pipelines.demo.export.render import _dates
from pipelines.demo.export.text import joined, mistyped, take_words
from tests.unit.demo_export_records import UNTIL, records


@pytest.fixture(scope="module")
def world() -> dict[str, pd.DataFrame]:
    return records(5000)


def made(world: dict[str, pd.DataFrame], extract: Extract, only: slice = slice(None)) -> Exported:
    frame = world[extract.dataset].iloc[only]
    return export_dataset(frame, Places(world["gazetteer"]), extract, UNTIL, 1)


def with_untidiness(borough: str, dataset: str, untidiness: float) -> Extract:
    return extracts(borough)[dataset].model_copy(update={"untidiness": untidiness})


def test_every_fault_names_its_source_and_every_mistake_is_declared() -> None:
    declared = faults()
    assert set(MISTAKES) == set(declared.address)
    for group in (declared.address, declared.cells, declared.rows):
        assert all(rate.source and 0 < rate.rate < 0.5 for rate in group.values())


def test_rates_are_the_declared_ones(world: dict[str, pd.DataFrame]) -> None:
    extract = with_untidiness("hounslow", "council_tax", 1.0)
    done = made(world, extract)
    rows = len(world["council_tax"])
    shares = done.faults.groupby("fault").size() / rows
    declared = faults()
    for fault in ("duplicated_row", "postcode_missing", "postcode_other_unit", "street_abbreviated"):
        assert shares[fault] == pytest.approx(declared.rate(fault), rel=0.5), fault
    flats = world["gazetteer"].set_index("uprn")["unit"].reindex(world["council_tax"]["true_uprn"]).notna().mean()
    assert shares["unit_word_dropped"] == pytest.approx(declared.rate("unit_word_dropped") * flats, rel=0.3)
    assert shares["date_impossible"] == pytest.approx(2 * declared.rate("date_impossible"), rel=0.7)
    assert done.rows - rows == (done.faults["fault"] == "duplicated_row").sum()


def test_what_must_quarantine_a_row_stays_well_below_five_per_cent(world: dict[str, pd.DataFrame]) -> None:
    fatal = {"required_blank", "unknown_code", "date_impossible", "date_far_future", "ragged_row", "undecodable_byte"}
    for borough in ("croydon", "enfield"):
        for dataset in ("council_tax", "service_request", "epc", "inspection", "gazetteer"):
            if extracts(borough)[dataset].format != "xlsx":
                done = made(world, extracts(borough)[dataset])
                assert done.faults["fault"].isin(fatal).sum() < 0.02 * done.rows + 3, (borough, dataset)


def test_a_tidy_borough_has_no_faults(world: dict[str, pd.DataFrame]) -> None:
    done = made(world, with_untidiness("camden", "council_tax", 0.0))
    assert done.faults.empty
    assert done.rows == len(world["council_tax"])


def test_a_record_carries_the_same_faults_whatever_stands_beside_it(world: dict[str, pd.DataFrame]) -> None:
    extract = with_untidiness("islington", "service_request", 3.0)
    whole = made(world, extract).content.decode("utf-8", errors="replace").splitlines()[1:]
    part = made(world, extract, slice(700, 1100)).content.decode("utf-8", errors="replace").splitlines()[1:]
    assert len(part) >= 400
    assert "\n".join(part) in "\n".join(whole)


def test_uprns_are_left_out_as_the_borough_does(world: dict[str, pd.DataFrame]) -> None:
    nearly_all, part = (
        made(world, extracts("camden")["council_tax"].model_copy(update={"uprn": mode})).content.decode(
            "utf-8-sig", "replace"
        )
        for mode in ("all", "part")
    )
    shares = [len(re.findall(r",10\d{10},", text)) / len(world["council_tax"]) for text in (nearly_all, part)]
    assert shares[0] > 0.97
    assert 0.55 < shares[1] < 0.65


def test_impossible_days_are_written_in_the_borough_s_own_format(world: dict[str, pd.DataFrame]) -> None:
    slashes = made(world, with_untidiness("hounslow", "council_tax", 3.0)).content.decode("cp1252", errors="replace")
    words = made(world, with_untidiness("enfield", "council_tax", 3.0)).content.decode("cp1252", errors="replace")
    assert re.search(r"31/04/20\d\d", slashes)
    assert re.search(r"01/\d\d/3017", slashes)
    assert re.search(r"31-Apr-20\d\d", words)


def test_addresses_are_the_gazetteer_s_until_somebody_types_them(world: dict[str, pd.DataFrame]) -> None:
    frame = world["waste"].head(50).reset_index(drop=True)
    addresses = official(frame, Places(world["gazetteer"]))
    pieces = [addresses[p] for p in ("unit", "building_name")]
    street = joined(" ", addresses["building_number"], addresses["street"])
    assert list(joined(", ", *pieces, street, addresses["town"])) == list(frame["address"])
    unknown = frame.assign(true_uprn="999")
    assert list(official(unknown, Places(world["gazetteer"]))["street"]) == list(frame["address"])


def test_a_slip_of_the_fingers_changes_one_place() -> None:
    streets = np.array(["Whitehouse Road"] * 300 + ["X", ""], dtype=object)
    slipped = mistyped(streets, keys([pd.Series(range(302)).astype(str)], "slips"))
    assert list(slipped[-2:]) == ["X", ""]
    lengths = {len(text) for text in slipped[:300]}
    assert lengths == {14, 15, 16}
    assert sum(text == "Whitehouse Road" for text in slipped[:300]) < 40


def test_draws_hang_on_the_key_and_the_purpose_alone() -> None:
    names = pd.Series([f"r{i}" for i in range(5000)])
    drawn = uniform(keys([names], "a"), "fault")
    assert np.array_equal(drawn[100:200], uniform(keys([names[100:200]], "a"), "fault"))
    assert not np.array_equal(drawn, uniform(keys([names], "b"), "fault"))
    assert abs(drawn.mean() - 0.5) < 0.02
    assert abs(np.corrcoef(drawn, uniform(keys([names], "a"), "other"))[0, 1]) < 0.05


def test_text_is_joined_without_gaps() -> None:
    first, second = np.array(["Flat 1", "", ""], dtype=object), np.array(["14 Road", "14 Road", ""], dtype=object)
    assert list(joined(", ", first, second, "London")) == ["Flat 1, 14 Road, London", "14 Road, London", "London"]
    assert list(take_words(first, 1)) == ["1", "", ""]


def test_a_wrong_date_that_another_fault_has_blanked_stays_blank() -> None:
    days = np.array(["2024-05-06", "NaT"], dtype="datetime64[D]")
    every = np.array([True, True])
    overrides = Overrides()
    overrides.far_future["received_date"] = every
    assert list(_dates(days, "received_date", "%d/%m/%Y", overrides)) == ["01/05/3017", ""]
