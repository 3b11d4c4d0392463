"""Tables of small areas that the demo writes and audits read."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from pipelines.core import areas
from pipelines.core.settings import settings
from pipelines.demo import reference


def test_the_demo_writes_tables_that_audits_read(home: Path):
    paths = reference.write(settings().reference_dir, ["camden", "bexley"], 6000, 1)
    assert {path.name for path in paths} == {
        f"{kind}-{slug}.csv" for kind in ("deprivation", "ethnicity") for slug in ("camden", "bexley")
    }
    shares, fifths = areas.ethnic_shares(), areas.deprivation_fifths()
    assert set(shares.index) == set(fifths.index)
    assert shares.sum(axis=1).to_numpy() == pytest.approx(1, abs=0.001)
    assert shares.mean()["share_white"] == pytest.approx(reference.LONDON_SHARES["white"], abs=0.1)
    before = [path.read_bytes() for path in paths]
    reference.write(settings().reference_dir, ["camden", "bexley"], 6000, 1)
    assert [path.read_bytes() for path in paths] == before, "the same seed, the same bytes"


def test_without_files_there_is_nothing(home: Path):
    assert areas.ethnic_shares().empty
    assert areas.deprivation_fifths().empty
    assert list(areas.ethnic_shares().columns) == [f"share_{group}" for group in areas.ETHNIC_GROUPS]


def test_more_deprived_areas_are_somewhat_less_white_in_the_demo(home: Path):
    reference.write(settings().reference_dir, ["camden"], 100_000, 1)
    white, fifth = areas.ethnic_shares()["share_white"], areas.deprivation_fifths()
    most, least = (
        white[fifth[fifth == name].index].mean() for name in (areas.DEPRIVATION_FIFTHS[0], areas.DEPRIVATION_FIFTHS[4])
    )
    assert np.isfinite([most, least]).all()
    assert most < least
