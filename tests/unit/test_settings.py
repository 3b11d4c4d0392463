"""Settings: all of them are in `.env.example`, what is not set follows from `LODA_HOME`, and a wrong value is told."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import SecretStr, ValidationError

from pipelines.core.errors import ConfigurationError
from pipelines.core.settings import Settings, settings
from review.settings import ReviewSettings, review_settings

EXAMPLE = Path(__file__).resolve().parents[2] / ".env.example"
LINE = re.compile(r"^# (LODA_[A-Z_]+)=(.*)$", re.MULTILINE)
FOLLOW_FROM_HOME = {"bucket_url", "lake_url", "ledger_url", "published_url", "models_url"}
OF_THE_MACHINE = "workers"
OF_THE_PAGES = "LODA_REVIEW_"
KINDS: dict[str, type[Settings] | type[ReviewSettings]] = {"LODA_": Settings, OF_THE_PAGES: ReviewSettings}
EVERY = [(prefix, name) for prefix, kind in KINDS.items() for name in sorted(kind.model_fields)]


@pytest.fixture(autouse=True)
def bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory without `.env`, and an environment without settings of ours."""
    for name in [name for name in os.environ if name.upper().startswith("LODA_")]:
        monkeypatch.delenv(name)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def example(prefix: str) -> dict[str, str]:
    """Settings of the example under a prefix by field name, as text."""
    found = LINE.findall(EXAMPLE.read_text(encoding="utf-8"))
    found = [(name, value) for name, value in found if name.startswith(OF_THE_PAGES) is (prefix == OF_THE_PAGES)]
    names = [name.removeprefix(prefix).lower() for name, _ in found]
    assert len(set(names)) == len(names), "a setting stands twice"
    return dict(zip(names, (value for _, value in found), strict=True))


@pytest.mark.parametrize("prefix", KINDS)
def test_example_has_every_setting_and_no_other(prefix: str) -> None:
    assert list(example(prefix)) == list(KINDS[prefix].model_fields)


def test_example_changes_nothing_until_a_line_is_taken_out_of_its_comment() -> None:
    lines = EXAMPLE.read_text(encoding="utf-8").splitlines()
    assert [line for line in lines if line and not line.startswith("# ")] == []


@pytest.mark.parametrize(("prefix", "name"), EVERY)
def test_example_describes_a_setting_right_above_its_line(prefix: str, name: str) -> None:
    description = KINDS[prefix].model_fields[name].description
    assert description
    block = next(part for part in EXAMPLE.read_text().split("\n\n") if f"# {prefix}{name.upper()}=" in part)
    assert block.startswith(f"# {description}")


@pytest.mark.parametrize("prefix", KINDS)
def test_example_shows_the_defaults(bare: Path, prefix: str) -> None:
    kind = KINDS[prefix]
    given = "\n".join(f"{prefix}{name.upper()}={value}" for name, value in example(prefix).items() if value)
    plain = kind()
    (bare / ".env").write_text(given)
    assert kind().model_dump(exclude={OF_THE_MACHINE}) == plain.model_dump(exclude={OF_THE_MACHINE})


def test_nothing_set_means_below_var_in_the_working_directory(bare: Path) -> None:
    found = Settings()
    assert found.home == bare / "var"
    assert found.bucket_url == str(bare / "var" / "bucket")
    assert found.lake_url == str(bare / "var" / "lake")
    assert found.published_url == str(bare / "var" / "published")
    assert found.ledger_url == f"sqlite:///{bare / 'var' / 'ledger.db'}"
    assert found.workers == os.cpu_count()
    assert found.mappings_dir == found.home / "mappings"
    assert found.pseudonym_key is None


def test_what_is_not_set_follows_home(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LODA_HOME", "elsewhere")
    found = Settings()
    assert found.home == bare / "elsewhere"
    assert all(str(bare / "elsewhere") in getattr(found, name) for name in FOLLOW_FROM_HOME)


def test_a_home_below_the_persons_own_folder(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(bare / "person"))
    monkeypatch.setenv("LODA_HOME", "~/loda")
    assert Settings().home == bare / "person" / "loda"


@pytest.mark.parametrize("name", sorted(FOLLOW_FROM_HOME))
def test_what_is_set_stands(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = "sqlite:////apart.db" if name == "ledger_url" else "memory://apart"
    monkeypatch.setenv(f"LODA_{name.upper()}", given)
    found = Settings()
    assert getattr(found, name) == given
    assert all("apart" not in getattr(found, other) for other in FOLLOW_FROM_HOME - {name})


def test_dot_env_is_read_and_the_environment_wins(bare: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (bare / ".env").write_text("# a comment\nLODA_CAPACITY=7\nLODA_OPERATOR='B Example'\nUNRELATED=1\n")
    assert (Settings().capacity, Settings().operator) == (7, "B Example")
    monkeypatch.setenv("LODA_CAPACITY", "8")
    assert (Settings().capacity, Settings().operator) == (8, "B Example")


def test_settings_cannot_be_changed_by_the_way() -> None:
    with pytest.raises(ValidationError):
        Settings().capacity = 3  # type: ignore[misc]


def test_the_key_is_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LODA_PSEUDONYM_KEY", "canary-key-0451")
    found = Settings()
    assert found.pseudonym_key == SecretStr("canary-key-0451")
    shown: list[Callable[[], str]] = [lambda: repr(found), lambda: str(found), lambda: found.model_dump_json()]
    assert all("canary" not in show() for show in shown)


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("capacity", "many", "valid integer"),
        ("capacity", "0", "greater than 0"),
        ("workers", "0", "greater than or equal to 1"),
        ("stable_seconds", "-1", "greater than or equal to 0"),
        ("stable_seconds", "soon", "valid number"),
        ("max_quarantined_share", "35", "less than or equal to 1"),
        ("max_row_fall_share", "0", "greater than 0"),
        ("max_unpack_ratio", "1", "greater than 1"),
        ("history_days", "0.5", "valid integer"),
    ],
)
def test_a_wrong_value_is_told_with_its_setting_and_what_it_may_be(
    name: str, value: str, told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(f"LODA_{name.upper()}", value)
    with pytest.raises((ValidationError, ConfigurationError)) as caught:
        Settings()
    assert name in str(caught.value).lower()
    assert told in str(caught.value)


def test_commands_are_told_of_wrong_values_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LODA_CAPACITY", "many")
    monkeypatch.setenv("LODA_WORKERS", "0")
    settings.cache_clear()
    with pytest.raises(ConfigurationError) as caught:
        settings()
    told = str(caught.value)
    assert "LODA_CAPACITY" in told
    assert "LODA_WORKERS" in told
    assert "many" not in told
    assert "\n" not in told


@pytest.mark.parametrize(("prefix", "name"), EVERY)
def test_an_empty_value_is_the_default(prefix: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    kind = KINDS[prefix]
    plain = kind()
    monkeypatch.setenv(f"{prefix}{name.upper()}", "")
    assert kind() == plain


def test_wrong_values_of_the_pages_are_told_in_one_sentence(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LODA_REVIEW_PAGE_SIZE", "many")
    review_settings.cache_clear()
    with pytest.raises(ConfigurationError) as caught:
        review_settings()
    assert "LODA_REVIEW_PAGE_SIZE" in str(caught.value)
    assert "many" not in str(caught.value)


def test_secrets_of_the_pages_are_not_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("SECRET_KEY", "OIDC_CLIENT_SECRET"):
        monkeypatch.setenv(f"LODA_REVIEW_{name}", "canary-key-0451-canary-key-0451-canary")
    found = ReviewSettings()
    assert "canary" not in f"{found!r} {found} {found.model_dump_json()}"
