"""Keys: a token tells nothing without its key, a lost or another key is noticed, and another can be taken into use."""

from __future__ import annotations

import hashlib
import stat

import pyarrow as pa
import pytest

from pipelines.core.errors import ConfigurationError
from pipelines.core.ledger.engine import transaction
from pipelines.core.ledger.models import AuditEvent, Drop, LastGood
from pipelines.core.settings import settings
from pipelines.governance import access, audit, key_rotation, keys, lake_deletion, pseudonym
from schemas import registry
from tests.unit.test_governance_agreements import taxed

NAMES = pa.array(["Kate Example", "B. Example", None, "kate  EXAMPLE"])


def use(monkeypatch: pytest.MonkeyPatch, key: str) -> None:
    monkeypatch.setenv("LODA_PSEUDONYM_KEY", key)
    settings.cache_clear()


def test_a_token_is_no_hash_that_anybody_could_work_out(home):
    first, second, none, again = pseudonym.tokens(NAMES).to_pylist()
    assert first == again != second
    assert none is None
    plain = {getattr(hashlib, kind)(b"KATE EXAMPLE").hexdigest()[:32] for kind in ("md5", "sha1", "sha256")}
    assert first not in plain


def test_tokens_differ_under_different_keys():
    name = pa.array(["KATE EXAMPLE"])
    assert pseudonym.keyed(b"a" * 32, name) == pseudonym.keyed(b"a" * 32, name)
    assert pseudonym.keyed(b"a" * 32, name) != pseudonym.keyed(b"b" * 32, name)


def test_a_key_file_is_for_its_owner_only(home):
    pseudonym.key()
    mode = stat.S_IMODE(keys.key_file("pseudonym").stat().st_mode)
    assert mode & 0o077 == 0


def test_a_lost_key_is_noticed_and_not_made_anew(home):
    pseudonym.tokens(NAMES)
    keys.key_file("pseudonym").unlink()
    with pytest.raises(ConfigurationError, match="pseudonym key is gone"):
        pseudonym.tokens(NAMES)
    assert not keys.key_file("pseudonym").exists()


def test_another_key_stops_with_a_sentence(home, monkeypatch):
    pseudonym.tokens(NAMES)
    use(monkeypatch, "another key of at least 32 letters")
    with pytest.raises(ConfigurationError, match="LODA_PSEUDONYM_KEY is not the one") as caught:
        pseudonym.tokens(NAMES)
    assert "another key of" not in str(caught.value)


def test_a_short_key_is_refused(home, monkeypatch):
    use(monkeypatch, "short")
    with pytest.raises(ConfigurationError, match="at least 32"):
        pseudonym.tokens(NAMES)


def test_a_rehearsal_makes_no_key_and_no_mark(home):
    with pseudonym.without_making_a_key():
        pseudonym.tokens(NAMES)
    assert not keys.key_file("pseudonym").exists()
    assert keys.marked("pseudonym") is None


def last_good(borough: str, *, with_bytes: bool = True) -> None:
    """The ledger's side of council tax rows in the lake."""
    from datetime import UTC, date, datetime

    now = datetime(2026, 6, 1, tzinfo=UTC)
    with transaction() as session:
        session.add(
            Drop(
                id=f"{borough}-drop",
                borough=borough,
                dataset="council_tax",
                path=f"drops/{borough}/council_tax/a.csv",
                sha256=borough,
                size_bytes=1,
                received_at=now,
                extract_date=date(2026, 6, 1),
                status="accepted",
                hashes={"rules": registry.rules_hash(borough, "council_tax")}
                | ({} if with_bytes else {"raw_deleted": "2026-06-02"}),
                finished_at=now,
                receipt={},
                receipt_delivered=True,
            )
        )
        session.add(
            LastGood(
                borough=borough,
                dataset="council_tax",
                source="main",
                drop_id=f"{borough}-drop",
                extract_date=date(2026, 6, 1),
                rows=1,
                lake_version=0,
                published_at=now,
            )
        )


def names(borough: str) -> list[str | None]:
    rows = access.read_dataset("council_tax", boroughs=[borough], purpose="hmo_detection")
    return rows["liable_name"].to_pylist()


def test_rotation_deletes_every_old_token_and_has_extracts_read_again(home):
    old = pseudonym.tokens(pa.array(["Kate Example"]))[0].as_py()
    for borough in ("camden", "bexley"):
        taxed(borough, old)
        last_good(borough, with_bytes=borough == "camden")
    before = keys.key_file("pseudonym").read_bytes()
    made = key_rotation.rotate("B Example", "yearly")
    assert (made.rows, made.read_again, made.without_bytes) == (2, 1, (("bexley", "council_tax", "main"),))
    assert keys.key_file("pseudonym").read_bytes() != before
    assert pseudonym.tokens(pa.array(["Kate Example"]))[0].as_py() != old
    assert names("camden") == names("bexley") == [None]
    assert lake_deletion.old_files("harmonised/council_tax", {}) == []
    everything = b"".join(p.read_bytes() for p in (home / "lake").rglob("*") if p.is_file())
    assert old.encode() not in everything
    with transaction() as session:
        assert session.get(Drop, "camden-drop").hashes["rules"] != registry.rules_hash("camden", "council_tax")
        assert session.get(LastGood, ("camden", "council_tax", "main")).lake_version > 0
        (event,) = audit.lines(session, what="rotate key")
        assert before.decode() not in str(event.details)
        assert (event.who, event.details["rows_blanked"]) == ("B Example", 2)


def test_a_lost_key_is_mended_by_rotation(home):
    pseudonym.key()
    keys.key_file("pseudonym").unlink()
    key_rotation.rotate("B Example", "the key was lost")
    assert pseudonym.tokens(NAMES)[0].as_py()


def test_a_key_of_the_environment_is_changed_there_first(home, monkeypatch):
    use(monkeypatch, "the first key of at least 32 letters")
    pseudonym.tokens(NAMES)
    with pytest.raises(ConfigurationError, match="still holds the key that is in use"):
        key_rotation.rotate("B Example", "yearly")
    use(monkeypatch, "the second key of at least 32 letters")
    key_rotation.rotate("B Example", "yearly")
    assert pseudonym.tokens(NAMES)[0].as_py()
    use(monkeypatch, "the first key of at least 32 letters")
    keys._checked.clear()
    with pytest.raises(ConfigurationError, match="not the one"):
        pseudonym.tokens(NAMES)


def test_a_rotation_killed_half_way_is_simply_called_again(home, monkeypatch):
    taxed("camden", "token")
    pseudonym.key()
    with monkeypatch.context() as killed:
        killed.setattr(key_rotation, "_record", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
        with pytest.raises(KeyboardInterrupt):
            key_rotation.rotate("B Example", "yearly")
    with pytest.raises(ConfigurationError, match="not the one"):
        pseudonym.tokens(NAMES)
    waiting = keys.key_file("pseudonym").read_bytes()
    key_rotation.rotate("B Example", "yearly")
    assert keys.key_file("pseudonym").read_bytes() == waiting
    assert pseudonym.tokens(NAMES)[0].as_py()


@pytest.mark.parametrize(("who", "reason"), [(" ", "yearly"), ("B Example", "")])
def test_a_rotation_needs_a_name_and_a_reason(home, who, reason):
    with pytest.raises(ConfigurationError, match="give both"):
        key_rotation.rotate(who, reason)
    with transaction() as session:
        assert session.query(AuditEvent).count() == 0
