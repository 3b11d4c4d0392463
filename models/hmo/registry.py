"""The ledger's models: which there are, which is champion, and how a person promotes one."""

from __future__ import annotations

import sqlalchemy as sa

from models.hmo import model_file
from models.hmo.inputs import LONDON
from pipelines.core import clock
from pipelines.core.errors import ConfigurationError, NotFound
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import ModelVersion
from pipelines.core.lock import exclusive
from pipelines.core.types import StageResult
from pipelines.governance import audit

CHAMPION, CHALLENGER, RETIRED = "champion", "challenger", "retired"
FIRST = "first model: no champion to compare with"


def champion() -> ModelVersion | None:
    """The model that scores, or None if there is none."""
    with transaction() as session:
        query = sa.select(ModelVersion).where(ModelVersion.status == CHAMPION)
        return session.scalars(query.order_by(ModelVersion.promoted_at.desc())).first()


def version(model_id: str) -> ModelVersion | None:
    """One model of the ledger."""
    with transaction() as session:
        return session.get(ModelVersion, model_id)


def record(made: ModelVersion) -> str:
    """Put a trained model into the ledger; the first one ever becomes champion. Returns its status.

    A model that is made again because its file was gone stays what it was.
    """
    with transaction() as session:
        before = session.get(ModelVersion, made.id)
        if before is not None:
            made.status, made.promoted_by = before.status, before.promoted_by
            made.promoted_at, made.promotion_reason = before.promoted_at, before.promotion_reason
        elif session.scalar(sa.select(sa.func.count()).select_from(ModelVersion)):
            made.status = CHALLENGER
        else:
            made.status, made.promoted_by = CHAMPION, FIRST
            made.promoted_at, made.promotion_reason = clock.now(), FIRST
        session.merge(made)
        return made.status


def promote(model_id: str, who: str, reason: str) -> StageResult:
    """Make a model the champion, in the name of a person who says why; the one before it retires.

    Raises:
        ConfigurationError: nobody is named, or no reason is given.
        NotFound: there is no such model, or its file is gone.
        UntrustedModel: its file is not the one that was trained.
    """
    if not who.strip() or not reason.strip():
        raise ConfigurationError("A model is promoted by a named person with a reason: give both.")
    with exclusive("models"):
        found = version(model_id)
        if found is None:
            raise NotFound(f"There is no model '{model_id}'; 'loda model list' names those there are.")
        if found.status == CHAMPION:
            return StageResult("promote", LONDON, "unchanged", f"{model_id} is the champion already.")
        model_file.load(found)
        with transaction() as session:
            champions = sa.update(ModelVersion).where(ModelVersion.status == CHAMPION)
            session.execute(champions.values(status=RETIRED))
            chosen = session.get_one(ModelVersion, model_id)
            chosen.status, chosen.promoted_by = CHAMPION, who.strip()
            chosen.promoted_at, chosen.promotion_reason = clock.now(), reason.strip()
            audit.record(
                session, who=who.strip(), what="promote model", about=model_id, details={"reason": reason.strip()}
            )
    return StageResult("promote", LONDON, "made", f"{model_id} is the champion now, promoted by {who.strip()}.")
