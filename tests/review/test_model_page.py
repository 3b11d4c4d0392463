"""The model's pages: documents by the ledger alone, and a champion that only the right person, knowing what stands,
changes."""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from models.hmo import features, judge, model_file, registry
from models.hmo.estimator import Detector
from pipelines.core.errors import ConfigurationError
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import AuditEvent, LastGood, ModelChange, ModelVersion, StageState
from pipelines.core.lock import exclusive
from pipelines.core.settings import settings
from review import documents, policies
from review.markdown import document
from review.queries.models import in_words
from tests.review.conftest import Browser

WHY = "Finds more in every borough."
RUBBISH = ["9" * 400, "hmo-nothing", "<script>alert(1)</script>", "..%2f..%2fledger.db", "a.card.md", "%00", "' OR 1=1"]
METRICS: dict[str, Any] = {
    "labels": {"hmos": 1225, "visits_that_found_none": 226},
    "lists_forward": {
        "places": 150,
        "hmos_to_find": 7,
        "rankers": {
            name: {"found": found, "found_worst": found, "found_best": found, "lift": found}
            for name, found in (("model", 4.0), ("random", 1.0))
        },
    },
    "calibration": {"on": "visits", "brier": 0.15, "bins": [{"rows": 50, "predicted": 0.2, "found": 0.3}]},
}


@pytest.fixture
def models(review_home: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Four models of the ledger with files of their own; `a` came first. Opening checks the hash alone."""
    whole = model_file.load

    def checked(version: ModelVersion) -> object:
        path = review_home / version.path
        if path.exists() and hashlib.sha256(path.read_bytes()).hexdigest() == version.sha256:
            return Detector((), features.NAMES[:3], 1.0, 0.0)
        return whole(version)

    monkeypatch.setattr(model_file, "load", checked)
    Path(settings().models_url).mkdir()
    for number, name in enumerate("abcd"):
        (Path(settings().models_url) / f"{name}.skops").write_bytes(name.encode())
        registry.record(
            ModelVersion(
                id=name,
                as_of=date(2026, 1, 1),
                trained_at=datetime(2026, 1, 1, tzinfo=UTC) + timedelta(days=number),
                path=f"models/{name}.skops",
                sha256=hashlib.sha256(name.encode()).hexdigest(),
                hashes={},
                metrics=METRICS,
            )
        )
    return list("abcd")


def champion() -> str:
    found = registry.champion()
    assert found is not None
    return found.id


def changes() -> list[tuple[str, str, str, str]]:
    with transaction() as session:
        found = session.scalars(sa.select(ModelChange).order_by(ModelChange.number)).all()
    return [(own.act, own.model_id, own.who, own.reason) for own in found[1:]]


def audited(what: str) -> list[tuple[str, str, dict[str, Any]]]:
    with transaction() as session:
        found = session.scalars(sa.select(AuditEvent).where(AuditEvent.what == what)).all()
    return [(own.who, own.about, own.details) for own in found]


# --- looking ---


def test_before_there_is_a_model_the_page_says_what_makes_one(people: Callable[..., Browser]) -> None:
    text = people("analyst", "camden").get("/model").text
    assert "No model is in use yet." in text
    assert '<form method="post" action="/model' not in text


def test_everybody_reads_and_engineers_of_the_platform_alone_have_forms(
    people: Callable[..., Browser], models: list[str]
) -> None:
    registry.promote("b", "B Example", WHY)
    for role, where in (("analyst", ("camden",)), ("governance", ()), ("engineer", ("camden",))):
        text = people(role, *where).get("/model").text
        assert "In use:" in text
        assert "1,225" in text
        assert "4 of 7 HMOs in 150 visits, 4.0 times chance" in text
        assert 'action="/model/' not in text, role
    text = people("engineer").get("/model").text
    assert 'action="/model/promote"' in text
    assert 'action="/model/rollback"' in text
    assert 'name="to" value="a"' in text
    assert re.findall(r'type="radio" value="(\w)"', text) == ["d", "c"], "challengers, the newest first"


def test_documents_are_pages_and_files(people: Callable[..., Browser], models: list[str]) -> None:
    card = "# Model card: a\n\n## Data\n\n<script>alert(1)</script>\n\n| homes | n |\n| --- | ---: |\n| x | 5 |\n"
    (Path(settings().models_url) / "a.card.md").write_text(card)
    browser = people("governance", "camden")
    text = browser.get("/model/documents/a/card").text
    assert "<script>alert" not in text
    assert "&lt;script&gt;alert" in text
    assert re.search(r'<h1 class="govuk-heading-l">Model card: a</h1>', text)
    assert 'href="#part-1"' in text
    got = browser.get("/model/files/a/card.md")
    assert (got.text, got.headers["content-disposition"]) == (card, 'attachment; filename="a.card.md"')
    gone = browser.get("/model/documents/a/atrs")
    assert gone.status_code == 404
    assert "writes it anew" in gone.text


@pytest.mark.parametrize("rubbish", RUBBISH)
def test_nothing_is_found_by_rubbish(people: Callable[..., Browser], models: list[str], rubbish: str) -> None:
    (Path(settings().models_url) / "a.card.md").write_text("# card")
    browser = people("engineer")
    for path in (
        f"/model/documents/{rubbish}/card", f"/model/documents/a/{rubbish}", f"/model/files/{rubbish}/card.md",
        f"/model/files/a/{rubbish}", f"/model/compare/{rubbish}", "/model/files/a/skops", "/model/files/a/compare.json",
    ):  # fmt: skip
        answer = browser.get(path)
        assert answer.status_code == 404, path
        assert "<script>alert" not in answer.text
    answer = browser.post_form("/model/promote", model=rubbish, champion="a", reason=WHY)
    assert answer.status_code == 404
    assert champion() == "a"


def test_markdown_keeps_to_the_policy_of_the_pages() -> None:
    made = document(
        "# T\n\n## A & B\n\n| a | b |\n| --- | ---: |\n| 1 | 2 |\n\n![x](https://a.example/y.png) [z](javascript:x)\n"
    )
    assert "style=" not in made.html
    assert "<img" not in made.html
    assert 'href="javascript' not in made.html
    assert 'govuk-table__cell--numeric">2</td>' in made.html
    assert 'aria-label="A &amp; B"><table' in made.html
    assert '<th class="govuk-table__header" scope="col">a</th>' in made.html
    assert made.contents == [("part-1", "A & B")]


def test_what_moved_is_told_in_words(people: Callable[..., Browser], models: list[str]) -> None:
    moved = "camden: habitable_rooms is missing for 62% of homes, 8% when the model was trained."
    with transaction() as session:
        for borough, alerts in (("camden", [moved]), ("hackney", []), ("bexley", ["bexley: epc moved."])):
            kept = {"compared": 87, "alerts": alerts}
            summary = {"model_id": "a", "as_of": "2026-01-01", "drift": kept}
            session.add(
                StageState(stage="score", borough=borough, input_hash="h", made_at=datetime.now(UTC), summary=summary)
            )
    text = people("analyst", "camden", "hackney").get("/model").text
    assert "Camden: “habitable rooms” is missing for 62% of homes" in text
    assert "Hackney: nothing beyond chance (87 figures compared)" in text
    assert "Bexley" not in text
    assert in_words("camden: score is above 0.3") == "Camden: the probability is above 0.3"


# --- promoting ---


def test_a_challenger_is_promoted_in_the_name_of_who_is_signed_in(
    people: Callable[..., Browser], models: list[str]
) -> None:
    browser = people("engineer", name="Eva Engineer")
    answer = browser.post_form("/model/promote", model="b", champion="a", reason=f"  {WHY} ")
    assert (answer.status_code, answer.headers["location"]) == (303, "/model?done=promoted")
    assert champion() == "b"
    who = "Eva Engineer (test:engineer)"
    assert changes() == [("promote", "b", who, WHY)]
    assert audited("promote model") == [(who, "b", {"reason": WHY, "before": "a"})]
    assert "The model is the champion from now on." in browser.get("/model?done=promoted").text


@pytest.mark.parametrize("reason", ["", "   ", "x" * 501])
def test_without_a_reason_nothing_happens(people: Callable[..., Browser], models: list[str], reason: str) -> None:
    answer = people("engineer").post_form("/model/promote", model="b", champion="a", reason=reason)
    assert answer.status_code == 422
    assert "<title" in answer.text
    assert re.search(r"<title[^>]*>\s*Error:", answer.text)
    assert 'href="#reason"' in answer.text
    assert re.search(r'value="b"[^>]*checked', answer.text), "what was chosen is kept"
    answer = people("engineer").post_form("/model/promote", champion="a", reason=WHY)
    assert answer.status_code == 422
    assert 'href="#model"' in answer.text
    assert WHY in answer.text
    assert (champion(), audited("promote model")) == ("a", [])


def test_on_a_page_with_another_champion_the_second_is_told(people: Callable[..., Browser], models: list[str]) -> None:
    browser = people("engineer")
    registry.promote("c", "C Example", "earlier")
    answer = browser.post_form("/model/promote", model="b", champion="a", reason=WHY)
    assert answer.status_code == 409
    assert "Meanwhile c was made the champion by C Example." in answer.text
    assert WHY in answer.text, "nothing that was typed is lost"
    assert 'name="champion" value="c"' in answer.text, "and the page is of what stands now"
    assert champion() == "c"
    assert browser.post_form("/model/promote", model="b", champion="c", reason=WHY).status_code == 303


def test_the_champion_is_asked_for_again_under_the_lock(
    people: Callable[..., Browser], models: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Somebody is quicker between the look and the act."""
    look = registry.champion

    def quicker() -> ModelVersion | None:
        found = look()
        monkeypatch.setattr(registry, "champion", look)
        registry.promote("d", "D Example", "quicker")
        return found

    monkeypatch.setattr(registry, "champion", quicker)
    answer = people("engineer").post_form("/model/promote", model="b", champion="a", reason=WHY)
    assert answer.status_code == 409
    assert "Meanwhile d was made the champion by D Example." in answer.text
    assert champion() == "d"


def test_only_what_can_score_and_waits_is_promoted(people: Callable[..., Browser], models: list[str]) -> None:
    browser = people("engineer")
    registry.promote("b", "B Example", WHY)
    for model, told in (("b", "b is the champion already."), ("a", "a is retired.")):
        answer = browser.post_form("/model/promote", model=model, champion="b", reason=WHY)
        assert answer.status_code == 409
        assert told in answer.text
    (Path(settings().models_url) / "c.skops").write_bytes(b"another")
    (Path(settings().models_url) / "d.skops").unlink()
    for model, told in (("c", "is not the one that was trained"), ("d", "is gone from")):
        answer = browser.post_form("/model/promote", model=model, champion="b", reason=WHY)
        assert answer.status_code == 409
        assert told in answer.text
    assert champion() == "b"


def test_a_model_that_asks_for_figures_that_are_gone_is_not_promoted(
    people: Callable[..., Browser], models: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(model_file, "load", lambda _: Detector((), ("phase_of_the_moon",), 1.0, 0.0))
    answer = people("engineer").post_form("/model/promote", model="b", champion="a", reason=WHY)
    assert answer.status_code == 409
    assert "asks for phase_of_the_moon, which is not made any more" in answer.text
    assert champion() == "a"


def test_a_training_that_holds_the_models_is_told(
    people: Callable[..., Browser], models: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(policies, "PATIENCE", 0.05)
    with exclusive("models"):
        answer = people("engineer").post_form("/model/promote", model="b", champion="a", reason=WHY)
    assert answer.status_code == 409
    assert "being trained or changed at this moment" in answer.text


@pytest.mark.parametrize("path", ["/model/promote", "/model/rollback"])
def test_nobody_else_changes_the_champion(people: Callable[..., Browser], models: list[str], path: str) -> None:
    registry.promote("b", "B Example", WHY)
    fields = {"model": "c", "champion": "b", "reason": WHY, "why": WHY, "to": "a"}
    for role, where in (
        ("analyst", ()),
        ("manager", ()),
        ("data_officer", ()),
        ("governance", ()),
        ("engineer", ("camden",)),
    ):
        assert people(role, *where).post_form(path, **fields).status_code == 403, role
    browser, other = people("engineer"), people("engineer")
    for mark in ("", other.csrf, browser.csrf[:-1]):
        assert browser.post(path, data={**fields, "csrf": mark}).status_code == 403
    assert browser.get(path).status_code == 405
    assert champion() == "b"


# --- going back ---


def test_going_back_one_champion(people: Callable[..., Browser], models: list[str]) -> None:
    browser = people("engineer", name="Eva Engineer")
    answer = browser.post_form("/model/rollback", champion="a", to="", why=WHY)
    assert answer.status_code == 409
    assert "There is no champion before this one" in answer.text
    registry.promote("b", "B Example", WHY)
    assert browser.post_form("/model/rollback", champion="b", to="a", why=" ").status_code == 422
    stale = browser.post_form("/model/rollback", champion="a", to="a", why=WHY)
    assert stale.status_code == 409
    assert WHY in stale.text
    other = browser.post_form("/model/rollback", champion="b", to="c", why=WHY)
    assert other.status_code == 409
    assert "A rollback leads to a by now." in other.text
    assert champion() == "b"
    answer = browser.post_form("/model/rollback", champion="b", to="a", why=WHY)
    assert (answer.status_code, answer.headers["location"]) == (303, "/model?done=rolled-back")
    assert champion() == "a"
    assert audited("rollback model") == [("Eva Engineer (test:engineer)", "a", {"reason": WHY, "before": "b"})]


# --- comparing ---


@pytest.fixture
def comparing(models: list[str], monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str, date]]:
    """Comparisons run at once and are made up; what was asked for is noted."""
    asked: list[tuple[str, str, date]] = []

    def made_up(challenger: str, as_of: date) -> dict[str, Any]:
        row = {
            "capacity": 50, "hmos_to_find": 4, "champion": {"found": 1.0, "worst": 1, "best": 1}, "verdict": "better",
            "challenger": {"found": 3.0, "worst": 3, "best": 3}, "listed_by_both": 31, "listed_today": 50,
        }  # fmt: skip
        return {
            "champion": "a", "challenger": challenger, "as_of": as_of.isoformat(), "judged_from": "2026-01-01",
            "since": {role: METRICS["lists_forward"] | {} for role in ("champion", "challenger")},
            "calibration_since": {"champion": {}, "challenger": {"brier": 0.2}}, "only_champion": 1,
            "only_challenger": 3, "overlap": {"both": 62, "of": 100}, "recommendation": "Too little is known yet.",
            "boroughs": [row | {"borough": "camden"}, row | {"borough": "bexley"}],
        }  # fmt: skip

    def start(challenger: ModelVersion, champion: ModelVersion, as_of: date) -> None:
        asked.append((challenger.id, champion.id, as_of))
        documents.compare(challenger.id, champion.id, as_of)

    monkeypatch.setattr(judge, "compare", made_up)
    monkeypatch.setattr(documents, "start_comparing", start)
    good(date(2026, 9, 30))
    return asked


def good(day: date) -> None:
    with transaction() as session:
        session.merge(
            LastGood(
                borough="camden", dataset="waste", source="s", drop_id="d", extract_date=day, rows=1, lake_version=1,
                published_at=datetime(2026, 10, 1, tzinfo=UTC),
            )
        )  # fmt: skip


def test_an_engineer_compares_and_others_read_of_their_boroughs(
    people: Callable[..., Browser], comparing: list[tuple[str, str, date]]
) -> None:
    analyst, engineer = people("analyst", "camden"), people("engineer")
    assert "Nobody has compared these two yet." in analyst.get("/model/compare/b").text
    assert comparing == []
    assert "Models are being compared at this moment" in engineer.get("/model/compare/b").text
    assert comparing == [("b", "a", date(2026, 9, 30))]
    assert audited("compare models") == [
        ("engineer of the tests (test:engineer)", "b", {"champion": "a", "as_of": "2026-09-30"})
    ]
    text = engineer.get("/model/compare/b").text
    assert "Too little is known yet." in text
    assert "Bexley" in text
    text = analyst.get("/model/compare/b").text
    assert "Camden" in text
    assert "Bexley" not in text
    assert len(comparing) == 1, "made once of the same data"
    good(date(2026, 10, 31))
    analyst.get("/model/compare/b")
    assert len(comparing) == 1
    engineer.get("/model/compare/b")
    assert comparing[1:] == [("b", "a", date(2026, 10, 31))]


def test_a_comparison_with_another_champion_is_not_shown(
    people: Callable[..., Browser], comparing: list[tuple[str, str, date]]
) -> None:
    people("engineer").get("/model/compare/b")
    registry.promote("c", "C Example", WHY)
    assert "Nobody has compared" in people("analyst", "camden").get("/model/compare/b").text
    answer = people("analyst", "camden").get("/model/compare/c")
    assert answer.status_code == 409
    assert "c is the champion itself" in answer.text


def test_a_comparison_that_fails_says_why(
    people: Callable[..., Browser], comparing: list[tuple[str, str, date]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(challenger: str, as_of: date) -> dict[str, Any]:
        raise ConfigurationError("No borough has data.")

    monkeypatch.setattr(judge, "compare", fails)
    engineer = people("engineer")
    engineer.get("/model/compare/b")
    text = engineer.get("/model/compare/b").text
    assert "No borough has data." in text
    assert "Try again" in text
    assert len(comparing) == 1
    engineer.get("/model/compare/b?again=yes")
    assert len(comparing) == 2


def test_a_comparison_that_breaks_is_told_without_what_it_held(
    people: Callable[..., Browser],
    comparing: list[tuple[str, str, date]],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def breaks(challenger: str, as_of: date) -> dict[str, Any]:
        raise ValueError("1 Secret Street")

    monkeypatch.setattr(judge, "compare", breaks)
    people("engineer").get("/model/compare/b")
    assert "Something failed that nobody foresaw" in people("engineer").get("/model/compare/b").text
    assert "ValueError" in caplog.text
    assert "Secret" not in caplog.text


def test_one_comparison_at_a_time(people: Callable[..., Browser], comparing: list[tuple[str, str, date]]) -> None:
    with exclusive(documents.LOCK):
        assert "Models are being compared at this moment" in people("analyst", "camden").get("/model/compare/b").text
        assert "Models are being compared at this moment" in people("engineer").get("/model/compare/b").text
        documents.compare("b", "a", date(2026, 9, 30))
    assert comparing == []
    assert not (Path(settings().models_url) / "b.compare.json").exists()


def test_what_is_kept_is_plain(comparing: list[tuple[str, str, date]]) -> None:
    documents.compare("b", "a", date(2026, 9, 30))
    kept = json.loads((Path(settings().models_url) / "b.compare.json").read_text())
    assert datetime.fromisoformat(kept["made_at"]).tzinfo is not None
