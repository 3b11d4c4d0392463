"""Settings of the review pages: who signs in how, and for how long. Prefix `LODA_REVIEW_`."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import Annotated

from pydantic import Field, SecretStr
from pydantic_settings import BaseSettings, SettingsConfigDict

from pipelines.core.settings import read_settings

HOST, PORT = "127.0.0.1", 8000
"""Where the pages are served unless something else is said."""


class ReviewSettings(BaseSettings):
    """Who may sign in, through whom, and how long a session lasts."""

    model_config = SettingsConfigDict(
        env_prefix="LODA_REVIEW_", env_file=".env", env_ignore_empty=True, extra="ignore", frozen=True
    )

    base_url: str = Field("", description="Address under which officers reach the pages, as https://review.example.")
    trusted_proxies: str = Field(
        "", description="Addresses of proxies whose X-Forwarded-For and -Proto are believed, with commas between."
    )
    secret_key: Annotated[SecretStr, Field(min_length=32)] | None = Field(
        None, description="Secret that signs cookies and forms; empty means a key file in `<home>`."
    )
    oidc_issuer: str = Field("", description="OpenID Connect issuer; empty means no sign-in but the local one.")
    oidc_client_id: str = Field("", description="Client that the provider knows these pages as.")
    oidc_client_secret: SecretStr | None = Field(None, description="The client's secret.")
    oidc_scopes: str = Field("openid profile", description="Scopes asked for.")
    oidc_roles_claim: str = Field("loda_roles", description="Claim that holds the roles, a text or a list.")
    oidc_boroughs_claim: str = Field("loda_boroughs", description="Claim that holds the boroughs, a text or a list.")
    oidc_name_claim: str = Field("name", description="Claim that holds the person's name.")
    local_sign_in: bool = Field(
        False, description="Let anybody on this machine sign in as anybody; refused unless bound to loopback."
    )
    session_minutes: Annotated[int, Field(gt=0, description="A session that is not used for so long ends.")] = 60
    session_hours: Annotated[int, Field(gt=0, description="A session ends after so long in any case.")] = 12
    sign_in_attempts: Annotated[
        int, Field(gt=0, description="Attempts to sign in from one place within fifteen minutes.")
    ] = 20
    workers: Annotated[int, Field(gt=0, description="Processes that serve the pages at one port.")] = min(
        2, os.cpu_count() or 1
    )
    page_size: Annotated[int, Field(gt=0, le=500, description="Entries that a page of the list shows.")] = 25
    max_upload_mib: Annotated[int, Field(gt=0, description="A larger file is refused in the browser (MiB).")] = 200
    airflow_url: str = Field("", description="Address of Airflow's page, linked for engineers.")


@lru_cache(maxsize=1)
def review_settings() -> ReviewSettings:
    """The settings of this process, read once; faults are told as `read_settings` tells them."""
    return read_settings(ReviewSettings)


def address(host: str = HOST, port: int = PORT) -> str:
    """Where officers find the pages that are served on a host and port; without a slash at its end."""
    return review_settings().base_url.rstrip("/") or f"http://{f'[{host}]' if ':' in host else host}:{port}"
