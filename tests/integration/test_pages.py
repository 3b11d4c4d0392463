"""Every page on every database it is meant for: the same answers and the same lines of the log from both."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import ExitStack
from difflib import ndiff

import psycopg
import pytest
import sqlalchemy as sa

from tests.integration.pages_tour import Answer, Walk, walked
from tests.review.test_permissions import TABLE

DATABASE = "officers_pages"


@pytest.fixture(scope="module")
def walks(postgres: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Walk, Walk]]:
    """The same walk through an office on SQLite, and through one on PostgreSQL."""
    server = sa.make_url(postgres).set(drivername="postgresql").render_as_string()
    url = sa.make_url(postgres).set(database=DATABASE).render_as_string()
    with ExitStack() as stack:
        on_sqlite = stack.enter_context(walked(tmp_path_factory.mktemp("on-sqlite") / "home"))
        stack.close()
        with psycopg.connect(server, autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {DATABASE}")
            stack.callback(connection.execute, f"DROP DATABASE {DATABASE} WITH (FORCE)")
            folder = tmp_path_factory.mktemp("on-postgresql") / "home"
            with walked(folder, LODA_LEDGER_URL=url) as on_postgres:
                pass
            stack.close()
        yield on_sqlite, on_postgres


def apart(one: Answer, other: Answer) -> list[str]:
    """The words of two answers that are not in both."""
    if one == other:
        return []
    told = [[str(own.status), own.location, *own.text.split()] for own in (one, other)]
    return [word for word in ndiff(*told) if not word.startswith(" ")]


def test_every_answer_is_that_of_the_other_database(walks: tuple[Walk, Walk]) -> None:
    on_sqlite, on_postgres = walks
    assert list(on_postgres.answers) == list(on_sqlite.answers)
    other = {name: apart(answer, on_sqlite.answers[name]) for name, answer in on_postgres.answers.items()}
    assert {name: words for name, words in other.items() if words} == {}


def test_the_log_has_the_same_lines(walks: tuple[Walk, Walk]) -> None:
    on_sqlite, on_postgres = walks
    assert on_postgres.acts == on_sqlite.acts


def test_every_route_was_asked_for_and_answered(walks: tuple[Walk, Walk]) -> None:
    _, on_postgres = walks
    patterns = {key: re.compile(re.sub(r"{\w+}", "[^/]+", key[1])) for key in TABLE}
    unasked = {
        key
        for key, pattern in patterns.items()
        if not any(method == key[0] and pattern.fullmatch(path) for method, path in on_postgres.asked)
    }
    assert unasked == set()
    failed = {name: answer.status for name, answer in on_postgres.answers.items() if answer.status >= 500}
    assert failed == {}


def test_every_form_was_answered_as_it_should_be(walks: tuple[Walk, Walk]) -> None:
    on_sqlite, on_postgres = walks
    assert (on_postgres.unlike, on_sqlite.unlike) == ({}, {})
    by_program = {name: answer.status for name, answer in on_postgres.answers.items() if "as a program of" in name}
    assert set(by_program.values()) == {200, 201, 403, 409}
    late = [name for name, status in by_program.items() if status == 409]
    assert len(late) == 4, "what the analyst's program sends twice, and what the manager's sends after it"
