"""The JSON API: what its document says holds, keys open one borough only, and no request brings it down."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from pipelines.core import clock
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import AuditEvent, Drop, ListEntry
from pipelines.core.ledger.officers import ApiToken, Outcome
from review.identity import tokens
from review.identity.person import Person, Role
from tests.review.listed import AS_OF, issue, uprn_of

ROOT = "/api/v1/boroughs"
BY = Person("m", "M Example", {"camden": frozenset({Role.MANAGER})}, "key")
ANN = {"officer": "A Example", "visited_on": AS_OF.isoformat(), "found": "not_hmo"}


def key_of(borough: str, role: Role = Role.ANALYST) -> dict[str, str]:
    """The header of a key for a borough."""
    return {"Authorization": f"Bearer {tokens.give(borough, 'tests', str(role), 30, BY)}"}


@pytest.fixture
def api(app: FastAPI, review_home: Any) -> Callable[..., TestClient]:
    """Makes programs that hold a key: `api("camden", Role.MANAGER)`; without a borough they hold none."""
    issue()
    issue("bexley", homes=5)

    def make(borough: str = "", role: Role = Role.ANALYST) -> TestClient:
        return TestClient(
            app,
            base_url="http://127.0.0.1:8000",
            headers=key_of(borough, role) if borough else {},
            client=("127.0.0.1", 1),
        )

    return make


def test_a_list_comes_whole_in_pages_and_tells_no_entry_drawn_at_random(api: Callable[..., TestClient]) -> None:
    client = api("camden")
    pages = [client.get(f"{ROOT}/camden/list", params={"page": n, "size": 12}).json() for n in (1, 2, 3)]
    entries = [entry for page in pages for entry in page["entries"]]
    assert [entry["place"] for entry in entries] == list(range(1, 31))
    assert pages[0]["homes"] == 30
    assert {frozenset(entry) for entry in entries} == {frozenset(entries[0])}
    assert not {"probability", "control_slot", "control_inclusion"} & set(entries[4])
    assert pages[0]["note"] == "A lead to check, not a finding."


def test_an_outcome_is_recorded_and_read_again(api: Callable[..., TestClient]) -> None:
    client = api("camden")
    made = client.post(f"{ROOT}/camden/outcomes", json={"uprn": uprn_of(3), "note": "=1+1", **ANN})
    assert made.status_code == 201, made.text
    assert client.get(f"{ROOT}/camden/outcomes").json()["outcomes"] == [made.json()]
    assert client.get(f"{ROOT}/camden/outcomes", params={"after": made.json()["number"]}).json() == {"outcomes": []}
    home = client.get(f"{ROOT}/camden/properties/{uprn_of(3)}").json()
    assert home["outcomes"] == [made.json()]
    assert home["entry"]["status"] == "done"
    with transaction() as session:
        kept = session.scalars(sa.select(Outcome)).one()
        assert (kept.recorded_through, kept.borough) == ("api", "camden")
        told = session.scalars(sa.select(AuditEvent).where(AuditEvent.what == "record outcome")).one()
    assert told.who.startswith("tests (token ")


@pytest.mark.parametrize(
    ("changed", "status"),
    [
        ({"uprn": uprn_of(999)}, 409),
        ({"uprn": "1" * 400}, 422),
        ({"visited_on": "2999-01-01"}, 409),
        ({"visited_on": "31/12/2026"}, 422),
        ({"found": "castle"}, 422),
        ({"officer": ""}, 422),
        ({"officer": "\x00"}, 409),
        ({"list_id": "bexley-2026-09-30-v1"}, 409),
        ({"list_id": f"camden-{AS_OF}-v1", "visited_on": "2026-09-29"}, 409),
        ({"surprise": 1}, 422),
    ],
)
def test_a_wrong_outcome_is_refused_in_a_sentence_and_nothing_is_kept(
    api: Callable[..., TestClient], changed: dict[str, Any], status: int
) -> None:
    answer = api("camden").post(f"{ROOT}/camden/outcomes", json={"uprn": uprn_of(3), **ANN, **changed})
    assert answer.status_code == status, answer.text
    assert answer.json()["error"].endswith((".", "?", "is."))
    with transaction() as session:
        assert session.scalar(sa.select(sa.func.count()).select_from(Outcome)) == 0


def test_a_key_opens_its_own_borough_and_what_its_role_may(api: Callable[..., TestClient]) -> None:
    assert api().get(f"{ROOT}/camden/list").status_code == 401
    client = api("camden")
    for path in ("list", f"properties/{uprn_of(1)}", "outcomes", "receipts"):
        assert client.get(f"{ROOT}/bexley/{path}").status_code == 404, path
        assert client.get(f"{ROOT}/nowhere/{path}").status_code == 404, path
    assert client.get(f"{ROOT}/camden/receipts").status_code == 403
    officer = api("camden", Role.DATA_OFFICER)
    assert officer.get(f"{ROOT}/camden/receipts").json() == {"receipts": []}
    assert officer.get(f"{ROOT}/camden/list").status_code == 403
    assert officer.get("/lists/camden").status_code in (303, 200)  # a key is no session: the page leads to sign-in
    assert str(officer.get("/lists/camden").url).endswith("/sign-in?next=/lists/camden")


def test_a_key_that_is_damaged_ended_or_past_its_day_opens_nothing(api: Callable[..., TestClient]) -> None:
    client = api("camden")
    good = client.headers["Authorization"]
    name, secret = good.removeprefix("Bearer loda_").split("_", 1)
    for bad in ("", "Bearer", "Basic x", good[:-1], f"Bearer loda_{'0' * 10}_{secret}", f"Bearer {secret}", "Bearer é"):
        headers = {"Authorization": bad.encode()}
        assert client.get(f"{ROOT}/camden/list", headers=headers).status_code == 401, bad
    assert client.get(f"{ROOT}/camden/list").status_code == 200
    with transaction() as session:
        session.get_one(ApiToken, name).expires_at = clock.now() - timedelta(seconds=1)
    assert client.get(f"{ROOT}/camden/list").status_code == 401
    client = api("camden")
    tokens.end("camden", client.headers["Authorization"].split("_")[1], BY)
    assert client.get(f"{ROOT}/camden/list").status_code == 401


TABLE = {
    ("GET", "/list"): "AM",
    ("GET", "/properties/{uprn}"): "AM",
    ("GET", "/homes/{uprn}"): "AM",
    ("GET", "/outcomes"): "AM",
    ("POST", "/outcomes"): "AM",
    ("GET", "/receipts"): "D",
    ("GET", "/receipts/{drop}"): "D",
}
"""Which keys open a route, by the letter of their role: analyst, manager, data officer."""


def test_every_route_is_opened_by_the_keys_of_its_table_and_by_no_other(
    app: FastAPI, api: Callable[..., TestClient]
) -> None:
    of_api = [one for one in app.routes if isinstance(one, APIRoute) and one.path.startswith("/api/")]
    found = {(method, one.path) for one in of_api for method in one.methods or ()}
    wanted = {(method, f"{ROOT}/{{borough}}{path}") for method, path in TABLE}
    assert found == wanted | {("GET", "/api/v1/openapi.json")}
    clients = {letter: api("camden", role) for letter, role in zip("AMD", tokens.ROLES, strict=True)}
    for (method, path), letters in TABLE.items():
        url = f"{ROOT}/camden{path}".format(uprn=uprn_of(1), drop="camden-1")
        for letter, client in clients.items():
            status = client.request(method, url).status_code
            assert (status == 403) is (letter not in letters), (method, path, letter, status)
            assert client.request(method, url.replace("camden", "bexley")).status_code == 404
        assert api().request(method, url).status_code == 401


def test_a_receipt_is_its_own_borough_s(api: Callable[..., TestClient]) -> None:
    with transaction() as session:
        values: dict[str, Any] = {
            "dataset": "waste",
            "hashes": {},
            "extract_date": AS_OF,
            "path": "drops/x",
            "sha256": "0" * 64,
            "size_bytes": 1,
            "status": "accepted",
        }
        for borough in ("camden", "bexley"):
            own = {"id": f"{borough}-1", "borough": borough, "receipt": {"drop": f"{borough}-1"}}
            session.add(Drop(received_at=clock.now(), **own, **values))
    client = api("camden", Role.DATA_OFFICER)
    assert client.get(f"{ROOT}/camden/receipts/camden-1").json() == {"drop": "camden-1"}
    assert client.get(f"{ROOT}/camden/receipts").json() == {"receipts": [{"drop": "camden-1"}]}
    assert client.get(f"{ROOT}/camden/receipts/bexley-1").status_code == 404


def test_reading_is_on_record(api: Callable[..., TestClient]) -> None:
    client = api("camden")
    client.get(f"{ROOT}/camden/list")
    client.get(f"{ROOT}/camden/properties/{uprn_of(2)}")
    with transaction() as session:
        acts = [event.what for event in session.scalars(sa.select(AuditEvent).order_by(AuditEvent.number))]
        assert session.scalar(sa.select(sa.func.count()).select_from(ListEntry)) == 35
    assert acts[-2:] == ["read list by API", "read property by API"]


def test_no_request_that_the_document_allows_or_forbids_brings_it_down(
    app: FastAPI, api: Callable[..., TestClient]
) -> None:
    import schemathesis
    from hypothesis import HealthCheck, given, settings
    from hypothesis import strategies as st

    headers = {**api("camden", Role.MANAGER).headers, "Host": "127.0.0.1:8000"}
    schema = schemathesis.openapi.from_asgi("/api/v1/openapi.json", app, headers={"Host": "127.0.0.1:8000"})
    operations = [found.ok() for found in schema.get_all_operations()]
    assert len(operations) == 7
    seen: dict[str, set[int]] = {}

    def run(operation: Any) -> None:
        @given(data=st.data())
        @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True)
        def one(data: st.DataObject) -> None:
            mode = data.draw(st.sampled_from(list(schemathesis.GenerationMode)))
            case = data.draw(operation.as_strategy(generation_mode=mode))
            if data.draw(st.sampled_from([True, True, True, False])):
                case.path_parameters = {**(case.path_parameters or {}), "borough": "camden"}
            answer = case.call(headers=headers)
            seen.setdefault(f"{case.method} {operation.path}", set()).add(answer.status_code)
            assert answer.status_code < 500, (case.method, case.path, answer.status_code)

        one()

    for operation in operations:
        run(operation)
    assert len(seen) == 7
    assert {200, 404, 422} <= set.union(*seen.values())
    assert {409, 422} <= seen[f"POST {ROOT}/{{borough}}/outcomes"]
