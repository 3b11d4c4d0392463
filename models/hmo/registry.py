"""The ledger's models: which there are, which is champion, and how a person promotes one or goes back."""

from __future__ import annotations

from contextlib import nullcontext

import sqlalchemy as sa
from sqlalchemy.orm import Session

from models.hmo import model_file
from models.hmo.inputs import LONDON
from pipelines.core import clock
from pipelines.core.errors import ConfigurationError, LodaError, NotFound
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import ModelChange, ModelVersion
from pipelines.core.lock import exclusive
from pipelines.core.types import StageResult
from pipelines.governance import audit

CHAMPION, CHALLENGER, RETIRED = "champion", "challenger", "retired"
FIRST = "first model: no champion to compare with"


class ChampionChanged(LodaError):
    """The champion is another than whoever decides had before them."""


def champion(session: Session | None = None) -> ModelVersion | None:
    """The model that scores, or None if there is none; in the caller's transaction where a `session` is given."""
    query = sa.select(ModelVersion).where(ModelVersion.status == CHAMPION)
    with nullcontext(session) if session is not None else transaction() as within:
        return within.scalars(query.order_by(ModelVersion.promoted_at.desc())).first()


def newest(status: str) -> ModelVersion | None:
    """The model of a status that came to it or was trained last, or None if there is none."""
    with transaction() as session:
        query = sa.select(ModelVersion).where(ModelVersion.status == status)
        return session.scalars(query.order_by(ModelVersion.promoted_at.desc(), ModelVersion.trained_at.desc())).first()


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
            session.add(
                ModelChange(act="first", model_id=made.id, before=None, who=FIRST, reason=FIRST, at=clock.now())
            )
        session.merge(made)
        return made.status


def changes() -> list[ModelChange]:
    """Every change of champion, oldest first."""
    with transaction() as session:
        return list(session.scalars(sa.select(ModelChange).order_by(ModelChange.number)))


def goes_back_to() -> str | None:
    """The model that a rollback would make champion again; None where there is none before the champion."""
    standing = _standing(changes())
    return standing[-2] if len(standing) > 1 else None


def promote(
    model_id: str, who: str, reason: str, *, instead_of: str | None = None, wait: float | None = None
) -> StageResult:
    """Make a model the champion, in the name of a person who says why; the one before it retires.

    `instead_of` is the champion that the person had before them, empty text where there was none; None does not ask.

    Raises:
        Busy: another run held the models for longer than `wait` seconds.
        ChampionChanged: the champion is another than `instead_of`.
        ConfigurationError: nobody is named, or no reason is given.
        NotFound: there is no such model, or its file is gone.
        UntrustedModel: its file is not the one that was trained.
    """
    _answered_for("A model is promoted", who, reason)
    with exclusive("models", wait):
        _still(instead_of)
        found = version(model_id)
        if found is None:
            raise NotFound(f"There is no model '{model_id}'; 'loda model list' names those there are.")
        if found.status == CHAMPION:
            return StageResult("promote", LONDON, "unchanged", f"{model_id} is the champion already.")
        model_file.load(found)
        with transaction() as session:
            _crown(session, "promote", model_id, who.strip(), reason.strip())
    return StageResult("promote", LONDON, "made", f"{model_id} is the champion now, promoted by {who.strip()}.")


def rollback(who: str, reason: str, *, instead_of: str | None = None, wait: float | None = None) -> StageResult:
    """Make the champion before the current one champion again; the current one retires.

    A second rollback goes back one further, never forth to the model that was just left: each takes
    one promotion back that has not been taken back yet. `instead_of` and `wait` are those of `promote`.

    Raises:
        Busy: another run held the models for longer than `wait` seconds.
        ChampionChanged: the champion is another than `instead_of`.
        ConfigurationError: nobody is named, or no reason is given.
        NotFound: there is no champion before this one, or its file is gone.
        UntrustedModel: its file is not the one that was trained.
    """
    _answered_for("A model is rolled back", who, reason)
    with exclusive("models", wait):
        _still(instead_of)
        standing = _standing(changes())
        if len(standing) < 2:
            raise NotFound(
                "There is no champion before this one to go back to: 'loda model list' names the models, "
                "'loda model promote' makes one of them the champion."
            )
        left, model_id = standing[-1], standing[-2]
        found = version(model_id)
        if found is None:
            raise NotFound(f"The champion before {left} was {model_id}, which the ledger does not hold any more.")
        model_file.load(found)
        with transaction() as session:
            _crown(session, "rollback", model_id, who.strip(), reason.strip())
    sentence = f"{model_id} is the champion again and {left} is retired, rolled back by {who.strip()}."
    return StageResult("rollback", LONDON, "made", sentence)


def _still(instead_of: str | None) -> None:
    if instead_of is None:
        return
    now = champion()
    if (now.id if now else "") != instead_of:
        told = f"{now.id} was made the champion by {now.promoted_by}" if now else "there is no champion any more"
        raise ChampionChanged(f"Meanwhile {told}. Nothing was changed: look at the models anew and decide again.")


def _answered_for(act: str, who: str, reason: str) -> None:
    if not who.strip() or not reason.strip():
        raise ConfigurationError(f"{act} by a named person with a reason: give both.")


def _standing(told: list[ModelChange]) -> list[str]:
    """Champions whose promotion has not been taken back, oldest first; the last is the champion."""
    standing: list[str] = []
    for change in told:
        if change.act == "rollback":
            standing.pop()
        else:
            standing.append(change.model_id)
    return standing


def _crown(session: Session, act: str, model_id: str, who: str, reason: str) -> None:
    """Retire the champion, make this model the champion, and put the change on record, in one transaction."""
    before = session.scalars(sa.select(ModelVersion.id).where(ModelVersion.status == CHAMPION)).first()
    session.execute(sa.update(ModelVersion).where(ModelVersion.status == CHAMPION).values(status=RETIRED))
    chosen = session.get_one(ModelVersion, model_id)
    now = clock.now()
    chosen.status, chosen.promoted_by, chosen.promoted_at, chosen.promotion_reason = CHAMPION, who, now, reason
    session.add(ModelChange(act=act, model_id=model_id, before=before, who=who, reason=reason, at=now))
    details = {"reason": reason, "before": before}
    audit.record(session, who=who, what=f"{act} model", about=model_id, details=details)
