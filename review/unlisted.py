"""A home that stood on no list, looked up for a page or a program; that it was seen is put on record."""

from __future__ import annotations

from models.hmo.unlisted import unlisted
from pipelines.casework import places, rules
from pipelines.core import clock
from pipelines.core.errors import NotFound
from pipelines.core.ledger.engine import transaction
from pipelines.governance import audit, standing
from pipelines.governance.reads import showing, told_with
from pipelines.link.vocabulary import SENTENCES
from review.identity.person import Person
from review.queries import homes
from review.queries.homes import Unlisted
from schemas import registry

WHY = {str(reason): sentence for reason, sentence in SENTENCES.items()}
NOT_HERE = "There is no such property in the gazetteer of this borough. Look for its address."


class OnAList(Exception):
    """The home stands or stood on a list."""


def require_list(borough: str) -> None:
    """Stop where no list of the borough may be shown, and so none of its homes.

    Raises:
        NotFound: an agreement is missing or has ended; the sentence says which.
    """
    refusal = standing.list_refusal(borough)
    if refusal is not None:
        raise NotFound(f"The homes of {registry.borough(borough).name} may not be shown. {refusal}")


def find(who: Person, borough: str, uprn: str, what: str = "view property") -> Unlisted:
    """The home; that it was seen (`what`) is put on record with what was read of it.

    Raises:
        NotFound: it is none of the borough's, or may not be shown.
        OnAList: it has a page as an entry of a list.
    """
    require_list(borough)
    if rules.why_no_uprn(uprn) is not None:
        raise NotFound(NOT_HERE)
    with showing("home on no list", borough):
        place = places.in_gazetteer(borough, uprn)
        if place is None:
            raise NotFound(NOT_HERE)
        known = unlisted(borough, uprn, clock.today(), WHY)
        with transaction() as session:
            found = homes.unlisted(session, place, known)
            details = {"boroughs": [borough], "list": None, "records": len(found.timeline) if found else 0}
            details |= told_with(session)
            audit.record(session, who=who.who, what=what, about=f"{borough}/{uprn}", details=details)
    if found is None:
        raise OnAList
    return found
