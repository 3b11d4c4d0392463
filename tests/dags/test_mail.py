"""Mails over a real SMTP connection on loopback: who gets what, once a cause, and what happens when nobody listens."""

from __future__ import annotations

import email
import email.policy
import socket
from collections.abc import Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from pipelines.core.errors import ConfigurationError
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import Drop, LastGood, ModelVersion, Notice, PublishedList, StageState
from pipelines.core.settings import settings
from pipelines.observe import alerts, deadline
from schemas import registry
from tests.homes import own_home

ENGINEERS = "night@platform.example"
NOW = "2026-03-10T07:00:00+00:00"


class Box:
    """Keeps what it is given."""

    def __init__(self) -> None:
        self.mails: list[tuple[list[str], str, str]] = []

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:  # noqa: N802
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        body = mail.get_body(("html", "plain"))
        assert body is not None
        self.mails.append((envelope.rcpt_tos, str(mail["Subject"]), body.get_content()))
        return "250 OK"


@pytest.fixture
def box() -> Iterator[tuple[Box, int]]:
    kept = Box()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    server = Controller(kept, hostname="127.0.0.1", port=port)
    server.start()
    try:
        yield kept, port
    finally:
        server.stop()


@pytest.fixture
def mailing(tmp_path: Path, box: tuple[Box, int], monkeypatch: pytest.MonkeyPatch) -> Iterator[Box]:
    monkeypatch.chdir(tmp_path)
    environment = {
        "LODA_MAIL_SERVER": "127.0.0.1",
        "LODA_MAIL_PORT": str(box[1]),
        "LODA_MAIL_SECURITY": "none",
        "LODA_MAIL_FROM": "loda@platform.example",
        "LODA_MAIL_ENGINEERS": ENGINEERS,
    }
    monkeypatch.setenv("LODA_NOW", NOW)
    with own_home(tmp_path / "home", **environment) as home:
        (home / "contacts.yaml").write_text("camden: [data@camden.example]\nbarnet: records@barnet.example\n")
        yield box[0]
        monkeypatch.undo()


def failing(borough: str, sentence: str, task: str = "intake.harmonise") -> dict[str, Any]:
    from airflow.sdk.exceptions import AirflowFailException

    return {
        "ti": SimpleNamespace(dag_id="loda_ingest", task_id=task),
        "task": SimpleNamespace(op_kwargs={"borough": borough}),
        "exception": AirflowFailException(sentence),
    }


def fault_of(borough: str, number: int = 1) -> str:
    return f"harmonise of {borough} failed with ValueError at cast.py:12; drop {number} is tried again."


def test_33_tasks_that_fail_for_one_cause_are_one_mail_to_the_engineers(mailing: Box) -> None:
    import loda_mail

    london = [slug for slug, borough in registry.boroughs().items() if borough.london]
    assert len(london) == 33
    for number, slug in enumerate(london):
        loda_mail.mail_failure(failing(slug, fault_of(slug, number)))
    ((to, subject, text),) = mailing.mails
    assert to == [ENGINEERS]
    assert london[0] in subject
    assert "cast.py:12" in text


def test_another_cause_is_another_mail_and_so_is_the_next_night(mailing: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    import loda_mail

    loda_mail.mail_failure(failing("camden", fault_of("camden")))
    loda_mail.mail_failure(failing("camden", fault_of("camden").replace("cast.py:12", "dates.py:40")))
    loda_mail.mail_failure(failing("camden", "Failed: camden.", "conclude_ingest"))
    assert len(mailing.mails) == 2
    monkeypatch.setenv("LODA_NOW", "2026-03-11T07:00:00+00:00")
    loda_mail.mail_failure(failing("camden", fault_of("camden")))
    assert len(mailing.mails) == 3


def test_the_text_of_an_exception_that_is_not_ours_is_not_mailed(mailing: Box) -> None:
    import loda_mail

    loda_mail.mail_failure({**failing("camden", ""), "exception": ValueError("Ms Secret Name")})
    assert "Secret" not in str(mailing.mails)
    assert "ValueError" in mailing.mails[0][2]


def drop(borough: str, number: int, status: str, **more: Any) -> Drop:
    at = datetime(2026, 3, 10, 2, tzinfo=UTC)
    given: dict[str, Any] = {
        "id": f"{borough}-{number}",
        "borough": borough,
        "dataset": "council_tax",
        "path": f"drops/{borough}/council_tax/Ms Secret Name.csv",
        "sha256": "0" * 64,
        "size_bytes": 10,
        "received_at": at,
        "extract_date": date(2026, 3, 9),
        "status": status,
        "finished_at": at,
        "receipt_delivered": True,
        **more,
    }
    return Drop(**given)


def test_a_borough_is_mailed_what_was_rejected_and_why_and_nobody_else_is(mailing: Box) -> None:
    import loda_mail

    finding = {
        "level": "must fix",
        "rows": 3,
        "column": "Band",
        "sentence": "{{ 7 * 7 }} is no <band>.",
        "what_to_do": "Write A to H.",
        "example": "Ms Secret Name",
    }
    with transaction() as session:
        session.add(
            drop("camden", 1, "held", reason="layout_changed", sentence="Its headings have changed.", rows_in=9)
        )
        counts = {"rows_in": 10, "accepted": 7, "quarantined": 3, "receipt": {"findings": [finding]}}
        session.add(drop("camden", 2, "accepted", **counts))
        session.add(drop("hackney", 1, "held", sentence="Nobody reads this: no contact."))
        session.add(drop("barnet", 1, "accepted", rows_in=5, accepted=5))
        kept = {"borough": "barnet", "dataset": "waste", "kind": "late", "due": date(2026, 3, 1)}
        session.add(
            Notice(**kept, sentence="Waste: late since 6 March 2026.", made_at=datetime(2026, 3, 10, tzinfo=UTC))
        )
    result = alerts.tell_boroughs(loda_mail.send)
    assert result.counts == {"mails": 2.0, "boroughs": 2.0}
    by_borough = {to[0]: text for to, _, text in mailing.mails}
    assert set(by_borough) == {"data@camden.example", "records@barnet.example"}
    camden = by_borough["data@camden.example"]
    assert "Its headings have changed." in camden
    assert "10 rows in, 7 accepted, 3 not used" in camden
    assert "{{ 7 * 7 }} is no &lt;band&gt;. Write A to H." in camden, "nothing in a text is carried out"
    assert "Secret" not in str(mailing.mails)
    assert "Waste: late since 6 March 2026." in by_borough["records@barnet.example"]
    assert "camden" not in by_borough["records@barnet.example"].lower()
    assert alerts.tell_boroughs(loda_mail.send).outcome == "unchanged"
    assert len(mailing.mails) == 2


def test_a_mail_that_was_not_taken_is_told_and_sent_the_next_time(
    mailing: Box, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    import loda_mail

    right = settings().mail_port
    monkeypatch.setenv("LODA_MAIL_PORT", "1")
    settings.cache_clear()
    loda_mail.mail_failure(failing("camden", fault_of("camden")))
    assert "nobody was mailed that harmonise failed" in caplog.text
    assert "LODA_MAIL_SERVER" in caplog.text
    monkeypatch.setenv("LODA_MAIL_PORT", str(right))
    settings.cache_clear()
    loda_mail.mail_failure(failing("camden", fault_of("camden")))
    assert len(mailing.mails) == 1


def test_without_a_server_nobody_is_mailed(home: Path) -> None:
    def send(_mail: alerts.Mail) -> None:
        raise AssertionError

    assert not alerts.tell_engineers("gate", "camden", "A fault.", send)
    assert alerts.tell_boroughs(send).outcome == "skipped"


@pytest.mark.parametrize(
    ("text", "told"), [("nowhere: a@b.example", "nowhere"), ("camden: [nobody]", "camden"), ("x", "camden:")]
)
def test_contacts_that_cannot_be_used_are_told(mailing: Box, text: str, told: str) -> None:
    settings().contacts_file.write_text(text)
    with pytest.raises(ConfigurationError, match=told):
        alerts.contacts()


def standing(borough: str, *stages: str, published: bool = True, linked: int = 3) -> None:
    """A borough whose extract came at two and whose stages were done at three, or at the hour of `linked`."""

    def hour(number: int) -> datetime:
        return datetime(2026, 3, 10, number, tzinfo=UTC)

    with transaction() as session:
        last = {"source": "s", "drop_id": "d", "extract_date": date(2026, 3, 9), "rows": 1, "lake_version": 1}
        session.add(LastGood(borough=borough, dataset="gazetteer", published_at=hour(2), **last))
        for stage in stages:
            at = hour(linked if stage == "link" else 3)
            session.add(StageState(stage=stage, borough=borough, input_hash="", made_at=at, summary={}))
        listed = {"as_of": date(2026, 3, 9), "version": 1, "model_id": "m", "input_hash": "", "capacity": 5, "rows": 5}
        out = {
            "issued_at": hour(4),
            "tie_seed": 1,
            "expected_hits": 1.0,
            "published_at": hour(5) if published else None,
        }
        session.add(PublishedList(id=f"{borough}-v1", borough=borough, **listed, **out))


DONE = ("link", "features", "score", "licensing", "rank")


def test_lists_that_are_not_out_by_the_deadline_are_one_mail(mailing: Box, monkeypatch: pytest.MonkeyPatch) -> None:
    import loda_mail

    assert deadline.not_out() == [], "before there is a model there are no lists"
    with transaction() as session:
        at = {"as_of": date(2026, 1, 1), "trained_at": datetime(2026, 1, 1, tzinfo=UTC)}
        session.add(ModelVersion(id="m", status="champion", path="", sha256="", **at))
    standing("barnet", *DONE)
    standing("brent", *DONE, published=False)
    standing("camden", *DONE, linked=1)
    standing("hackney", "link", "features")
    assert [(late.borough, late.sentence.split(": ")[1][:24]) for late in deadline.not_out()] == [
        ("brent", "its list is issued and n"),
        ("camden", "its newest extract is no"),
        ("hackney", "score is not done since "),
    ]
    monkeypatch.setenv("LODA_NOW", "2026-03-10T05:59:00+00:00")
    assert deadline.tell_late(loda_mail.send).outcome == "skipped"
    monkeypatch.setenv("LODA_NOW", NOW)
    for _ in range(2):
        assert deadline.tell_late(loda_mail.send).counts == {"late": 3.0}
    ((to, subject, text),) = mailing.mails
    assert to == [ENGINEERS]
    assert "3 lists" in subject
    assert "barnet" not in text


def test_the_deadline_is_londons_in_summer_too(home: Path) -> None:
    assert deadline.minutes_late(datetime(2026, 7, 1, 5, 30, tzinfo=UTC)) == 30
    assert deadline.minutes_late(datetime(2026, 1, 1, 5, 30, tzinfo=UTC)) == 0


@pytest.mark.parametrize(
    ("promised", "looked_at"),
    [("", "5 6 * * *"), ("07:30", "35 7 * * *"), ("08:58", "3 9 * * *"), ("23:59", "4 0 * * *")],
)
def test_the_check_runs_five_minutes_after_the_hour_that_is_set(
    promised: str, looked_at: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import loda_deadline

    monkeypatch.setenv("LODA_LISTS_DUE", promised)
    assert loda_deadline.due() == looked_at
