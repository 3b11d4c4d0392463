"""What agreements say today, for people and programs: each agreement, and each borough's datasets."""

from __future__ import annotations

from typing import Any

from pipelines.core import clock
from pipelines.core.ledger import engine as ledger
from pipelines.governance import retention, standing
from schemas import registry
from schemas.agreement import PURPOSES, ROLES, Agreement


def of_all() -> dict[str, Any]:
    """Every agreement, and what of the data that are kept may not be used, or not wholly, with the reason."""
    agreements = registry.agreements()
    kept = [(slug, dataset) for slug in registry.boroughs() for dataset in _kept(slug)]
    return {
        "on": clock.today().isoformat(),
        "agreements": [_agreement(agreement) for agreement in agreements],
        "faults": [f for a in agreements for f in a.faults(registry.boroughs(), registry.contracts())],
        "not_covered": [row for row in (_row(*pair) for pair in kept) if row["refusal"] or row["without"]],
    }


def of_borough(slug: str) -> dict[str, Any]:
    """What holds for each dataset of a borough.

    Raises:
        NotFound: there is no such borough.
    """
    registry.borough(slug)
    rows = [_row(slug, dataset) for dataset in registry.contracts()]
    return {"on": clock.today().isoformat(), "borough": slug, "datasets": rows}


def _kept(slug: str) -> list[str]:
    return standing.datasets_of(slug) if ledger.is_there() else []


def _row(slug: str, dataset: str) -> dict[str, Any]:
    contract = registry.contract(dataset)
    found = registry.cover(slug, dataset, None, clock.today())
    return {
        "borough": slug,
        "dataset": dataset,
        "kept": dataset in _kept(slug),
        "agreements": [agreement.id for agreement in found.agreements],
        "purposes": sorted({p for a in found.agreements for p in a.purposes}),
        "until": max((a.valid_until.isoformat() for a in found.agreements), default=None),
        "without": [] if found.fields is None or found.refusal else sorted(set(contract.by_name) - found.fields),
        "may_see": {role: grain for role in ROLES if (grain := _grain(found.agreements, role, dataset)) is not None},
        "retention_days": retention.retention_days(slug, dataset),
        "refusal": found.refusal,
    }


def _grain(agreements: tuple[Agreement, ...], role: Any, dataset: str) -> str | None:
    from schemas.agreement import GRAINS

    seen = [grain for a in agreements if (grain := a.grain(role, dataset)) is not None]
    return min(seen, key=GRAINS.index, default=None)


def _agreement(agreement: Agreement) -> dict[str, Any]:
    day = clock.today()
    state = "in force"
    if day < agreement.valid_from:
        state = "not begun"
    elif day > agreement.valid_until:
        state = "ended"
    elif any(
        not taken.boroughs and not taken.datasets and taken.withdrawn_on <= day for taken in agreement.withdrawals
    ):
        state = "withdrawn"
    return {**agreement.model_dump(mode="json"), "state": state}


def as_lines(found: dict[str, Any]) -> list[str]:
    """For people."""
    return _borough_lines(found) if "borough" in found else _all_lines(found)


def _all_lines(found: dict[str, Any]) -> list[str]:
    lines = []
    for agreement in found["agreements"]:
        lines += [
            f"{agreement['id']}: {agreement['state']}, {agreement['valid_from']} to {agreement['valid_until']}",
            f"  {agreement['title']}",
            f"  for        {'; '.join(PURPOSES.get(p, p) for p in agreement['purposes'])}",
            f"  basis      {agreement['lawful_basis']}",
            f"  boroughs   {', '.join(agreement['boroughs'])}",
            f"  datasets   {', '.join(agreement['datasets'])}",
            f"  kept       {agreement['retention_days']} days",
            f"  may see    {', '.join(f'{ROLES[r]} by {g}' for r, g in agreement['may_see'].items()) or 'nobody'}",
        ]
        lines += [f"  papers     {agreement['reference']}"] if agreement["reference"] else []
        lines += [
            f"  {dataset}: {'only ' + ', '.join(s['only']) if s['only'] else 'without ' + ', '.join(s['without'])}"
            for dataset, s in agreement["fields"].items()
        ]
        lines += [
            f"  withdrawn  on {w['withdrawn_on']} by {w['by']}: {', '.join(w['datasets']) or 'all datasets'} "
            f"of {', '.join(w['boroughs']) or 'all its boroughs'} ({w['why']})"
            for w in agreement["withdrawals"]
        ]
    lines += [f"MEND  {fault}" for fault in found["faults"]]
    if found["not_covered"]:
        lines += ["", "Kept, and not used or not wholly used:"]
        lines += [f"  {row['dataset']} of {row['borough']}: {_why(row)}" for row in found["not_covered"]]
    return lines


def _borough_lines(found: dict[str, Any]) -> list[str]:
    """Datasets for which the same holds are told together."""
    alike: dict[tuple[str, str], list[str]] = {}
    for row in found["datasets"]:
        without = f", without {', '.join(row['without'])}" if row["without"] else ""
        covered = f"{', '.join(row['agreements'])} until {row['until']}{without}; kept {row['retention_days']} days"
        seen = ", ".join(f"{ROLES[role]} by {grain}" for role, grain in row["may_see"].items())
        name = row["dataset"] + ("" if row["kept"] else " (no rows)")
        alike.setdefault((row["refusal"] or covered, seen), []).append(name)
    lines = [f"{registry.borough(found['borough']).name} on {found['on']}:"]
    for (covered, seen), names in alike.items():
        lines += ["", f"  {', '.join(names)}", f"    {covered}"] + ([f"    {seen}"] if seen else [])
    return lines


def _why(row: dict[str, Any]) -> str:
    return row["refusal"] or f"without {', '.join(row['without'])}"
