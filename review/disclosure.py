"""Whether landlords may be named to officers today, whatever the agreement said when an entry was written."""

from __future__ import annotations

from typing import Any

from pipelines.governance import access

REGISTER, FIELD = "hmo_licence", "holder_name"


def may_name_landlords(borough: str) -> bool:
    """Whether analysts may see who the borough's register names as a holder. It asks the agreements, not the ledger."""
    return access.refusal(borough, REGISTER, "hmo_detection", field=FIELD, role="analyst") is None


def without_names(dossier: dict[str, Any]) -> dict[str, Any]:
    """A dossier without who is named in it."""
    shown = dict(dossier)
    if shown.get("landlord"):
        shown["landlord"] = shown["landlord"] | {"name": None}
    shown["licences"] = [licence | {"holder": None} for licence in shown.get("licences", [])]
    return shown
