"""The privacy class of every column, before anything of it is shown."""

from __future__ import annotations

from collections.abc import Mapping

from pipelines.onboard.decision import Assignment
from pipelines.onboard.pieces import Piece
from schemas.contract import Contract


def classify(made: Assignment, pieces: Mapping[int, Piece], contract: Contract) -> None:
    """The privacy class of every column, by its field, else by its heading, else by what its values look like."""
    for decision in made.decisions:
        profile = made.profiles[decision.column]
        piece = pieces.get(decision.column)
        if decision.field is not None:
            decision.privacy = contract.by_name[decision.field].privacy
            continue
        if (
            profile.share("email", "phone") > 0.5
            or (profile.person > 0.6 and (profile.unique_share > 0.3 or profile.distinct > 30))
            or profile.share("titled_name") > 0.1
            or (piece is not None and (piece.kind == "name" or piece.role not in {None, "property"}))
        ):
            decision.privacy = "direct"
        elif decision.privacy == "none" and profile.free_text:
            decision.privacy = "special"
        elif decision.privacy == "none" and (
            profile.address > 0.5
            or profile.share("postcode") > 0.5
            or profile.share("uprn_12") > 0.5
            or piece is not None
        ):
            decision.privacy = "indirect"
