"""Applications for licences, and temporary exemption notices."""

from __future__ import annotations

import numpy as np
import pandas as pd

from pipelines.demo.world.designations import ADDITIONAL, LICENCE_TYPES, MANDATORY, SELECTIVE
from pipelines.demo.world.landlords import names
from pipelines.demo.world.licences import Licences
from pipelines.demo.world.lives import Lives
from pipelines.demo.world.profile import Profile
from pipelines.demo.world.rows import coded, frame, located, whole
from pipelines.demo.world.spec import END, NEVER, START, Ints, WorldSpec, dates, generator, lag
from pipelines.demo.world.stock import Stock
from pipelines.demo.world.text import references, running

KINDS = ("new", "renewal", "variation", "temporary_exemption")
STATUSES = ("received", "granted", "refused", "withdrawn")
THREE_MONTHS = 91
_GRANTED, _REFUSED, _WITHDRAWN = 1, 2, 3


def licence_application(
    profile: Profile, stock: Stock, lives: Lives, licences: Licences, spec: WorldSpec
) -> pd.DataFrame:
    """The dataset: one application behind each licence, some that failed, and temporary exemptions."""
    rng = generator(spec.seed, profile.slug, "applications")
    every = pd.concat([_granted(licences), _failed(rng, licences), _exemptions(rng, lives)], ignore_index=True)
    every = every.sort_values("received", kind="stable", ignore_index=True)
    size = len(every)
    received = every["received"].to_numpy()
    known = received + lag(rng, size, 4, 0.04, 60)
    variant = rng.choice(5, size, p=[0.5, 0.2, 0.2, 0.05, 0.05])
    blank = rng.random(size) < 0.08
    number = running(received)
    decided_all = every["decided"].to_numpy()
    recent = (received > spec.since_day) | (decided_all > spec.since_day)
    kept = np.flatnonzero((known <= spec.until_day) & recent)
    some = every.iloc[kept]
    who, kind, licence = (some[name].to_numpy() for name in ("dwelling", "kind", "licence"))
    decided = some["decided"].to_numpy() <= spec.until_day
    shared = licence != SELECTIVE
    granted = decided & (some["status"].to_numpy() == _GRANTED)
    suffix = np.where(kind == 3, "/HMOTXN", "/HMOAPP").astype(object)
    columns = located(stock, who) | {
        "application_ref": references("", received[kept], number[kept], 5, "/") + suffix,
        "application_kind": coded(KINDS, kind),
        "licence_type": coded((None, *LICENCE_TYPES[1:]), licence),
        "application_status": coded(STATUSES, np.where(decided, some["status"].to_numpy(), 0)),
        "applicant_name": names(lives.landlords, lives.owner[who], variant[kept]),
        "occupants": whole(np.where(shared, lives.sharers[who], lives.persons[who]), ~blank[kept]),
        "households": whole(np.where(shared, lives.groups[who], 1), ~blank[kept]),
        "received_date": dates(received[kept]),
        "decision_date": dates(np.where(decided, some["decided"].to_numpy(), NEVER)),
        "effective_from": dates(np.where((kind != 3) | granted, some["from"].to_numpy(), NEVER)),
        "effective_until": dates(np.where((kind == 3) & granted, some["from"].to_numpy() + THREE_MONTHS, NEVER)),
        "known_since": dates(known[kept]),
    }
    return frame("licence_application", columns)


def _table(
    dwelling: Ints, kind: Ints | int, licence: Ints, received: Ints, decided: Ints, status: Ints | int
) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "dwelling": dwelling,
            "kind": kind,
            "licence": licence,
            "received": received,
            "decided": decided,
            "status": status,
            "from": np.where(np.asarray(kind) == 3, decided, received),
        }
    )


def _granted(licences: Licences) -> pd.DataFrame:
    return _table(
        licences.dwelling, licences.renewal.astype(np.int64), licences.kind, licences.received, licences.start, _GRANTED
    )


def _failed(rng: np.random.Generator, licences: Licences) -> pd.DataFrame:
    """Earlier attempts that were refused or withdrawn."""
    size = len(licences.dwelling)
    some = np.flatnonzero(rng.random(size) < 0.06)
    received = licences.received[some] - rng.integers(60, 400, len(some))
    decided = received + rng.integers(30, 160, len(some))
    status = np.where(rng.random(len(some)) < 0.4, _REFUSED, _WITHDRAWN)
    return _table(licences.dwelling[some], 0, licences.kind[some], received, decided, status)


def _exemptions(rng: np.random.Generator, lives: Lives) -> pd.DataFrame:
    """Temporary exemption notices: landlords who are about to stop (Housing Act 2004 s.62)."""
    ends = np.flatnonzero((lives.hmo_to > START) & (lives.hmo_to < END) & (rng.random(len(lives.hmo_to)) < 0.14))
    received = lives.hmo_to[ends] - rng.integers(10, 90, len(ends))
    decided = received + rng.integers(3, 30, len(ends))
    status = np.where(rng.random(len(ends)) < 0.85, _GRANTED, _REFUSED)
    licence = np.where(lives.mandatory[ends], MANDATORY, ADDITIONAL)
    return _table(ends, 3, licence, received, decided, status)
