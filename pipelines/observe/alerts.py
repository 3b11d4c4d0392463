"""What is mailed, to whom, and only once: causes to engineers, what was rejected and why to the borough it came from.

A mail is plain text. It quotes sentences that were written for receipts and notices, which hold no personal data, and
never an exception's text that is not ours. What was mailed stands in the ledger, so that neither a second try of a task
nor 33 boroughs with one fault make a storm.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
import yaml
from sqlalchemy.exc import IntegrityError

from pipelines.core import clock
from pipelines.core.beside import NOTICES_PAGE
from pipelines.core.errors import ConfigurationError, LodaError
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import FINAL, Drop, DropStatus, StageState
from pipelines.core.settings import settings
from pipelines.core.types import StageResult
from pipelines.publish.notices import notices_of
from schemas import registry

LONDON = "london"
TOLD_DAYS = 7
"""What is older than this when mail is switched on is not mailed any more: its receipt has been there all along."""

SHOWN = 25
"""Drops and notices that one mail names; the page beside the drops has all."""

FINDINGS = 5
"""Faults of one drop that a mail names."""

ADDRESS = re.compile(r"^[^@\s,<>\"]+@[^@\s,<>\"]+$")


@dataclass(frozen=True)
class Mail:
    """One mail as plain text."""

    to: tuple[str, ...]
    subject: str
    text: str


Send = Callable[[Mail], None]


class MailNotSent(LodaError):
    """The mail server did not take a mail. It is tried again; the ledger does not count it as told."""

    exit_code = 75


def is_on() -> bool:
    """Whether a mail server is set.

    Raises:
        ConfigurationError: a server is set without the address that mails come from.
    """
    if not settings().mail_server:
        return False
    if not ADDRESS.match(settings().mail_from):
        raise ConfigurationError("LODA_MAIL_SERVER is set, but LODA_MAIL_FROM is not an address; mails need a sender.")
    return True


def engineers() -> tuple[str, ...]:
    """Addresses of the platform's engineers.

    Raises:
        ConfigurationError: one of them is no address.
    """
    return _addresses(settings().mail_engineers.split(","), "LODA_MAIL_ENGINEERS")


def contacts() -> dict[str, tuple[str, ...]]:
    """Addresses of each borough that has any, from `LODA_CONTACTS_FILE`: `camden: [data@camden.example]`.

    Raises:
        ConfigurationError: the file cannot be read so, or names a borough that is not known.
    """
    path = settings().contacts_file
    if not path.exists():
        return {}
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (yaml.YAMLError, UnicodeDecodeError):
        raise ConfigurationError(f"{path.name} is not YAML; write a line 'camden: [data@camden.example]'.") from None
    if not isinstance(found, dict):
        raise ConfigurationError(f"{path.name} names no boroughs; write a line 'camden: [data@camden.example]'.")
    strange = sorted(str(slug) for slug in found if slug not in registry.boroughs())
    if strange:
        raise ConfigurationError(f"{path.name}: there is no borough '{strange[0]}'; 'loda status' shows their names.")
    lists = {slug: [own] if isinstance(own, str) else list(own or []) for slug, own in found.items()}
    return {slug: _addresses(own, f"{path.name}, {slug}") for slug, own in lists.items() if own}


def _addresses(given: Sequence[object], where: str) -> tuple[str, ...]:
    found = tuple(str(address).strip() for address in given if str(address).strip())
    if not all(ADDRESS.match(address) for address in found):
        raise ConfigurationError(f"{where}: not all of it is mail addresses; write name@place, one after the other.")
    return found


def cause_of(stage: str, borough: str, sentence: str) -> str:
    """What a failure has in common with the same one elsewhere: its sentence without borough, drop and numbers."""
    plain = sentence
    if borough in registry.boroughs():
        for name in sorted({borough, registry.borough(borough).name}, key=len, reverse=True):
            plain = re.sub(rf"(?<![A-Za-z]){re.escape(name)}(?![A-Za-z])", "<borough>", plain, flags=re.IGNORECASE)
    plain = re.sub(r"[0-9a-f]{12,}", "<hash>", plain)
    plain = re.sub(r"(?<![.\w:])\d[\d,.]*", "<number>", plain)
    return f"{stage}: {plain}"


def tell_engineers(stage: str, borough: str, sentence: str, send: Send, *, run: str = "") -> bool:
    """Mail a failure to the engineers, unless its cause has been mailed today; returns whether it was.

    `sentence` is one of ours. `run` says where the log is, in words.

    Raises:
        ConfigurationError: the settings of mail are faulty.
        MailNotSent: the server did not take it.
    """
    if not is_on() or not engineers():
        return False
    cause = cause_of(stage, borough, sentence)
    whom = "for London as a whole" if borough == LONDON else f"for {borough}, which stays at its last good state"
    text = (
        f"{stage} failed {whom}.\n\n{sentence}\n\n{run}\n\n"
        "Other boroughs that fail for the same cause today are not mailed again. 'loda status' shows who stands on "
        "what; the mail of the deadline names every borough whose list is not out.\n"
    )
    mail = Mail(engineers(), f"LODA: {stage} failed {'for London' if borough == LONDON else f'for {borough}'}", text)
    return once(f"{clock.today()} {cause}", LONDON, mail, send)


def tell_boroughs(send: Send) -> StageResult:
    """Mail each borough that has a contact what was rejected of its drops and why, and its new notices: one mail each.

    What a mail says is in the receipts and notices beside the borough's drops already. Counts: `mails`, `boroughs`
    with a contact.

    Raises:
        ConfigurationError: the settings of mail or the contacts are faulty.
        MailNotSent: the server did not take one; those before it count as told.
    """
    if not is_on():
        return StageResult("tell_boroughs", LONDON, "skipped", "No mail server is set, so nobody is mailed.")
    known = contacts()
    sent = sum(_tell_borough(borough, addresses, send) for borough, addresses in sorted(known.items()))
    counts = {"mails": float(sent), "boroughs": float(len(known))}
    sentence = f"{sent} of {len(known)} boroughs with a contact were mailed"
    return StageResult("tell_boroughs", LONDON, "made" if sent else "unchanged", sentence, counts)


def _tell_borough(borough: str, addresses: tuple[str, ...], send: Send) -> bool:
    news = {key: text for key, text in _news(borough).items() if not _is_told(key, borough)}
    if not news:
        return False
    name = registry.borough(borough).name
    shown = list(news.values())[:SHOWN]
    more = [f"And {len(news) - SHOWN} more, on the page beside your drops."] if len(news) > SHOWN else []
    text = "\n\n".join(
        [
            f"What became of the extracts of {name}, and what is waited for.",
            *shown,
            *more,
            f"Each receipt, row by row, lies beside the file that you dropped; how every dataset stands is in "
            f"drops/{borough}/{NOTICES_PAGE}. Your last good extracts stay in use meanwhile.",
        ]
    )
    _send(Mail(addresses, f"LODA: {len(news)} messages on the extracts of {name}", text + "\n"), send)
    for key in news:
        _mark(key, borough)
    return True


def _news(borough: str) -> dict[str, str]:
    """What a borough has to be told, by what it is about, the gravest first."""
    since = clock.now() - timedelta(days=TOLD_DAYS)
    with transaction() as session:
        drops = session.scalars(
            sa.select(Drop)
            .where(
                Drop.borough == borough,
                Drop.finished_at >= since,
                Drop.receipt_delivered.is_(True),
                Drop.status.in_([status.value for status in FINAL - {DropStatus.DUPLICATE}]),
                sa.or_(Drop.quarantined > 0, Drop.status.in_([DropStatus.HELD.value, DropStatus.REFUSED.value])),
            )
            .order_by(Drop.finished_at)
        ).all()
    bad = [drop for drop in drops if drop.status in (DropStatus.HELD.value, DropStatus.REFUSED.value)]
    trimmed = [drop for drop in drops if drop not in bad]
    told = {f"drop {drop.id} {drop.status}": _of_drop(drop) for drop in [*bad, *trimmed]}
    notices = [notice for notice in notices_of(borough) if notice.on >= since.date()]
    return told | {f"notice {n.dataset} {n.kind} {n.due}": n.sentence for n in notices}


def _of_drop(drop: Drop) -> str:
    """A drop in a paragraph, from its receipt. No file name: a person may stand in it."""
    receipt: Mapping[str, object] = drop.receipt or {}
    counts = f"{drop.rows_in:,} rows in, {drop.accepted:,} accepted, {drop.quarantined:,} not used"
    head = f"{drop.dataset}, extract of {drop.extract_date:%d %B %Y} (drop {drop.id}): {drop.status}. {counts}."
    parts = [head, drop.sentence or "", str(receipt.get("what_to_do") or "")]
    found = receipt.get("findings")
    grave = [one for one in found if one["level"] == "must fix"] if isinstance(found, list) else []
    parts += [_finding(one) for one in grave[:FINDINGS]]
    return "\n".join(part for part in parts if part)


def _finding(found: Mapping[str, object]) -> str:
    """One fault of a receipt without its example: a mail travels further than a receipt."""
    what = "the whole file" if found.get("whole_file") else f"{found['rows']:,} rows"
    column = f" in '{found['column']}'" if found.get("column") else ""
    return f"- {what}{column}: {found['sentence']} {found['what_to_do']}"


def _key(about: str) -> str:
    return f"alert-{hashlib.sha256(about.encode()).hexdigest()[:48]}"


def _is_told(about: str, borough: str) -> bool:
    with transaction() as session:
        return session.get(StageState, (_key(about), borough)) is not None


def _mark(about: str, borough: str) -> bool:
    """Put down that something is told; False where another process did so before."""
    try:
        with transaction() as session:
            kept = StageState(stage=_key(about), borough=borough, input_hash="", made_at=clock.now(), summary={})
            session.add(kept)
    except IntegrityError:
        return False
    return True


def once(about: str, borough: str, mail: Mail, send: Send) -> bool:
    """Send a mail unless it was sent; of tasks that fail at the same moment the first to put it down sends it."""
    if not _mark(about, borough):
        return False
    try:
        _send(mail, send)
    except LodaError:
        with transaction() as session:
            session.execute(sa.delete(StageState).where(StageState.stage == _key(about), StageState.borough == borough))
        raise
    return True


def _send(mail: Mail, send: Send) -> None:
    try:
        send(mail)
    except Exception as error:
        where = f"{settings().mail_server}:{settings().mail_port}"
        raise MailNotSent(
            f"The mail server at {where} did not take a mail ({type(error).__name__}); check LODA_MAIL_SERVER, "
            "LODA_MAIL_PORT, LODA_MAIL_SECURITY and the account."
        ) from error
