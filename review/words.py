"""Words that officers use, for what the ledger holds in codes."""

from __future__ import annotations

from zoneinfo import ZoneInfo

from pipelines.casework.words import FOUND_WORDS, Kind

LONDON_TIME = ZoneInfo("Europe/London")

LEAD = "A lead to check, not a finding."
LEAD_LONG = (
    "This is a lead to check, not a finding. No letter, notice or penalty may rest on it: "
    "only what a visit or the register shows may."
)

BANDS = {
    "top": "Visit first",
    "high": "Visit this round",
    "next": "Next in line",
    "reserve": "Reserve",
}
"""Bands by the place on the list, never by an entry's own figure: some places were drawn at random, and nobody who
visits may tell which."""

SCHEMES = {
    "mandatory": "Mandatory licence",
    "additional": "Additional licence",
    "selective": "Selective licence",
    "cannot_tell": "Cannot tell yet",
    "none": "No licence needed",
}


def band(rank: int, capacity: int) -> str:
    """The band of a place on a list: the first half of the visits, the visits, as many again, the rest."""
    if rank * 2 <= capacity:
        return "top"
    if rank <= capacity:
        return "high"
    return "next" if rank <= 2 * capacity else "reserve"


def band_range(name: str, capacity: int) -> tuple[int, int | None]:
    """First and last rank of a band; the last is None where it has no end."""
    half = capacity // 2
    return {
        "top": (1, half),
        "high": (half + 1, capacity),
        "next": (capacity + 1, 2 * capacity),
        "reserve": (2 * capacity + 1, None),
    }[name]


NOTICES = {
    "saved": "Saved.",
    "outcome": "The outcome is saved. It is a label from the next night on.",
    "plan": "The plan is saved.",
    "override": "Saved. It holds from the next list on.",
    "ended": "Ended.",
    "session-ended": "The session has ended.",
    "decision": "Your decision is saved. The next night applies it.",
    "released": "The drop is released. The next night takes it in.",
    "refused": "The drop is refused.",
    "dropped": "The file is dropped. The next night takes it in; its receipt will stand here.",
    "there": "This very file lies there already, so nothing was done.",
    "mapping": "The layout is confirmed. The next night reads the file by it.",
    "withdrawn": "The decision is taken back. The next night links without it.",
    "promoted": "The model is the champion from now on. The next night scores with it.",
    "rolled-back": "The champion before is the champion again. The next night scores with it.",
    "signed-out": "You are signed out.",
}
"""What is said when a form went through, by the code in the address."""

STATUSES = {
    "to_visit": "To visit",
    "planned": "Planned",
    "no_access": "No access yet",
    "done": "Visited",
}
"""How far the work at a home is."""

REFUSED_FILTERS = {
    "band": "priority",
    "scheme": "licence",
    "status": "status",
    "new_since": "date of 'new since'",
    "sort": "order",
    "page": "page number",
}

FOUND = {str(code): text for code, text in FOUND_WORDS.items()}

OVERRIDES = {str(Kind.EXCLUDE): "Excluded", str(Kind.FIRST): "Visit first", str(Kind.LAST): "Visit last"}

DUE = {
    "in_time": "In time",
    "due_soon": "Due soon",
    "due": "Due, and waited for",
    "late": "Late",
    "missing": "None accepted yet",
}
"""How an expected extract stands."""

LINK_STATES = {"holds": "Holds", "waits": "Waits for its property", "superseded": "Holds no longer"}
