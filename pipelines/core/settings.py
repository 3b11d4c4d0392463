"""The one settings object. Every value comes from the environment or `.env`, under the prefix `LODA_`."""

from __future__ import annotations

import os
from functools import lru_cache
from pathlib import Path
from typing import Annotated, Literal, Self, TypeVar

from pydantic import Field, SecretStr, ValidationError, field_validator, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipelines.core.errors import ConfigurationError

MIB = 1024 * 1024
LEDGERS = ("sqlite", "postgresql+psycopg")
LEDGER_URLS = (
    "must be 'postgresql+psycopg://USER:PASSWORD@HOST:PORT/DATABASE' or 'sqlite:////FILE', with each of @ : / ? # % in "
    "a password written as its percent code (%40 for @)"
)


class Settings(BaseSettings):
    """Where things lie, how large they may grow, and who is acting.

    An empty environment gives the laptop default: everything below `var/` in the
    working directory, SQLite as the ledger, a folder as the bucket.
    """

    model_config = SettingsConfigDict(
        env_prefix="LODA_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    home: Path = Field(Path("var"), description="Folder for all state that no other setting places elsewhere.")
    bucket_url: str = Field("", description="fsspec URL of the bucket with `drops/`; empty means `<home>/bucket`.")
    lake_url: str = Field("", description="fsspec URL of the lake; empty means `<home>/lake`.")
    ledger_url: str = Field("", description="SQLAlchemy URL of the ledger; empty means SQLite in `<home>`.")
    published_url: str = Field(
        "", description="fsspec URL that lists are published to; empty means `<home>/published`."
    )
    mappings_dir: Path = Field(
        Path(), description="Folder of mappings added to the committed ones; empty means `<home>/mappings`."
    )
    agreements_dir: Path = Field(
        Path(), description="Folder of agreements added to the committed ones; empty means `<home>/agreements`."
    )
    reference_dir: Path = Field(
        Path(), description="Folder of published reference tables that reports use; empty means `<home>/reference`."
    )
    pseudonym_key: SecretStr | None = Field(
        None, description="Secret that keys the tokens of direct identifiers; empty means a key file in `<home>`."
    )
    erasure_key: SecretStr | None = Field(
        None, description="Secret that keys what is remembered of erased subjects; empty means a key file in `<home>`."
    )
    operator: str = Field("unnamed operator", description="Person or service on whose behalf commands act.")
    workers: Annotated[int, Field(ge=1, description="Processes that share a night's boroughs.")] = os.cpu_count() or 1
    stable_seconds: Annotated[float, Field(ge=0, description="A drop younger than this is still being written.")] = 5.0
    max_drop_mib: Annotated[int, Field(gt=0, description="A larger file is refused (MiB).")] = 4096
    max_line_mib: Annotated[int, Field(gt=0, description="A text file with a longer line is refused (MiB).")] = 1
    max_unpacked_mib: Annotated[
        int, Field(gt=0, description="A workbook or archive that unpacks to more is refused (MiB).")
    ] = 1024
    max_unpack_ratio: Annotated[
        int, Field(gt=1, description="A workbook or archive that grows by more is refused.")
    ] = 200
    max_pdf_mib: Annotated[int, Field(gt=0, description="A larger PDF document is refused (MiB).")] = 64
    max_pdf_pages: Annotated[int, Field(gt=0, description="A PDF document with more pages is refused.")] = 2000
    max_pdf_seconds: Annotated[int, Field(gt=0, description="A PDF document that takes longer to read is refused.")] = (
        900
    )
    max_quarantined_share: Annotated[
        float, Field(gt=0, le=1, description="A drop with a larger share of quarantined rows is held.")
    ] = 0.35
    max_row_fall_share: Annotated[
        float, Field(gt=0, le=1, description="A drop that shrank by more against the last accepted one is held.")
    ] = 0.5
    history_days: Annotated[int, Field(ge=1, description="Days for which old versions of the lake are kept.")] = 90
    capacity: Annotated[int, Field(gt=0, description="Visits a borough can make from one list, unless it says so.")] = (
        50
    )
    list_length: Annotated[int, Field(gt=0, description="Entries that a list keeps, as a multiple of capacity.")] = 10
    control_share: Annotated[
        float, Field(ge=0, le=0.5, description="Share of a list's visits drawn at random, to measure the base rate.")
    ] = 0.05
    revisit_days: Annotated[
        int, Field(ge=0, description="Days after a visit for which what it settled stays off the lists.")
    ] = 365
    relist_days: Annotated[
        int, Field(ge=1, description="Days after which a borough that sent nothing gets a new list nevertheless.")
    ] = 7
    lock_timeout_seconds: Annotated[float, Field(ge=0, description="How long to wait for another run.")] = 3600.0
    models_url: str = Field(
        "", description="fsspec URL that models and their documents are kept at; empty means `<home>/models`."
    )
    mail_server: str = Field("", description="Mail server (SMTP) that alerts go through; empty means no mail.")
    mail_port: Annotated[int, Field(ge=1, le=65535, description="The mail server's port.")] = 587
    mail_security: Literal["starttls", "tls", "none"] = Field(
        "starttls", description="How the way to the mail server is protected: starttls, tls or none."
    )
    mail_user: str = Field("", description="Account at the mail server; empty means none is asked for.")
    mail_password: SecretStr | None = Field(None, description="The account's password.")
    mail_from: str = Field("", description="Address that alerts come from.")
    mail_engineers: str = Field("", description="Addresses of the platform's engineers, with commas between.")
    contacts_file: Path = Field(
        Path(), description="File of each borough's contact addresses; empty means `<home>/contacts.yaml`."
    )
    lists_due: Annotated[
        str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$", description="By when lists are to be out, London time.")
    ] = "06:00"
    lineage_file: Path | None = Field(
        None, description="File that lineage events are added to; empty leaves it to OpenLineage's own settings."
    )
    metrics_url: str = Field(
        "", description="Address that metrics go to (OTLP/HTTP); empty leaves it to OpenTelemetry's own settings."
    )

    open_url: str = Field(
        "", description="Web address below which open data is read; empty makes addresses in its metadata relative."
    )
    open_publisher: str = Field(
        "London Office of Data Analytics", description="Organisation that open data names as its publisher."
    )
    open_contact: str = Field("", description="Mail address for questions about open data; empty names none.")

    @field_validator("ledger_url")
    @classmethod
    def _is_a_ledger(cls, given: str) -> str:
        if not given:
            return given
        from sqlalchemy import make_url  # only where there is one to look at
        from sqlalchemy.exc import ArgumentError

        try:
            url = make_url(given)
        except (ArgumentError, ValueError):
            raise ValueError(LEDGER_URLS) from None
        if url.drivername not in LEDGERS:
            raise ValueError(LEDGER_URLS)
        # What is left of a password that holds one of them would be taken for a host or a database, and told.
        if url.get_backend_name() != "sqlite" and any(sign in f"{url.host}{url.database}" for sign in "@/:"):
            raise ValueError(LEDGER_URLS)
        return given

    @model_validator(mode="after")
    def _place_what_is_empty(self) -> Self:
        home = self.home.expanduser().absolute()
        places = {
            "home": home,
            "bucket_url": self.bucket_url or str(home / "bucket"),
            "lake_url": self.lake_url or str(home / "lake"),
            "ledger_url": self.ledger_url or f"sqlite:///{home / 'ledger.db'}",
            "published_url": self.published_url or str(home / "published"),
            "models_url": self.models_url or str(home / "models"),
            "mappings_dir": self.mappings_dir if self.mappings_dir != Path() else home / "mappings",
            "agreements_dir": self.agreements_dir if self.agreements_dir != Path() else home / "agreements",
            "reference_dir": self.reference_dir if self.reference_dir != Path() else home / "reference",
            "contacts_file": self.contacts_file if self.contacts_file != Path() else home / "contacts.yaml",
        }
        for name, value in places.items():
            object.__setattr__(self, name, value)
        return self


Own = TypeVar("Own", bound=BaseSettings)


def read_settings(kind: type[Own]) -> Own:
    """Settings of a kind from the environment and `.env`.

    Raises:
        ConfigurationError: a value cannot be used; the sentence names its setting, never the value.
    """
    try:
        return kind()
    except ValidationError as error:
        prefix = kind.model_config.get("env_prefix", "")
        told = [(str(fault["loc"][0]).upper(), fault["msg"].removeprefix("Value error, ")) for fault in error.errors()]
        faults = [f"{prefix}{name}: {why}" for name, why in told]
    raise ConfigurationError(f"Settings are wrong. {'; '.join(faults)}. See .env.example for what each may be.")


@lru_cache(maxsize=1)
def settings() -> Settings:
    """The settings of this process, read once; faults are told as `read_settings` tells them."""
    return read_settings(Settings)
