"""Where these pages are: the address that officers reach them under, and where a link or a proxy may lead."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import unquote, urlsplit

from fastapi import Request

from pipelines.core.errors import ConfigurationError
from review.settings import review_settings

LOOPBACK_NAMES = ("127.0.0.1", "localhost", "[::1]")
CONTROL = re.compile(r"[\x00-\x20\x7f]")
LONGEST = 2_000
UNWRAPPED = 4
"""How many times a path is unquoted and looked at: a browser or a proxy may unquote it once or twice."""


def local_path(text: str | None, otherwise: str = "/") -> str:
    """A path of these pages that somebody wanted to go to; anything that could lead elsewhere becomes `otherwise`.

    Refused are schemes, hosts, `//`, backslashes, spaces and control characters, also where they are quoted, and the
    pages of signing in themselves.
    """
    if not text or len(text) > LONGEST:
        return otherwise
    seen = text
    for _ in range(UNWRAPPED):
        if not seen.startswith("/") or seen.startswith("//") or "\\" in seen or CONTROL.search(seen.split("?")[0]):
            return otherwise
        try:
            parts = urlsplit(seen)
        except ValueError:
            return otherwise
        if parts.scheme or parts.netloc:
            return otherwise
        seen = unquote(seen)
    inside = urlsplit(text).path
    return otherwise if CONTROL.search(text) or re.match(r"/sign-(in|out)(/|$)", unquote(inside)) else text


def is_loopback(host: str | None) -> bool:
    """Whether a host, by name or number, is this machine alone."""
    if not host:
        return False
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


def from_this_machine(request: Request) -> bool:
    """Whether a request was made on this machine to this machine, not handed on by a proxy."""
    server = request.scope.get("server") or ("", None)
    handed_on = any(name == "forwarded" or name.startswith("x-forwarded-") for name in request.headers)
    return is_loopback(server[0]) and is_loopback(request.client.host if request.client else None) and not handed_on


def is_secure(request: Request) -> bool:
    """Whether the browser speaks to these pages in https, as the settings or a trusted proxy say."""
    return review_settings().base_url.startswith("https://") or request.url.scheme == "https"


def own_origin(request: Request) -> str:
    """Scheme and host that the browser sees: those of the settings, else those of the request."""
    base = review_settings().base_url
    if base:
        parts = urlsplit(base)
        return f"{parts.scheme}://{parts.netloc}".lower()
    return f"{request.url.scheme}://{request.headers.get('host', '')}".lower()


def allowed_hosts() -> list[str]:
    """Names under which a request may ask for these pages.

    With the local sign-in only those of this machine, so that no page elsewhere reaches it under a name of its own.
    """
    host = urlsplit(review_settings().base_url).netloc
    if host:
        return [re.sub(r":\d+$", "", host.rpartition("@")[2]).lower()]
    return list(LOOPBACK_NAMES) if review_settings().local_sign_in else ["*"]


def check_settings() -> None:
    """Stop where the settings contradict each other.

    Raises:
        ConfigurationError: the address is none, is not in https, or the local sign-in would be open to others.
    """
    own = review_settings()
    parts = urlsplit(own.base_url)
    if own.base_url and (parts.scheme not in ("http", "https") or not parts.hostname):
        raise ConfigurationError("LODA_REVIEW_BASE_URL is no address such as https://review.example.")
    if own.base_url and (parts.path.strip("/") or parts.query or parts.fragment):
        raise ConfigurationError("LODA_REVIEW_BASE_URL may hold no path: the pages need a host of their own.")
    elsewhere = bool(own.base_url) and not is_loopback(parts.hostname)
    if elsewhere and parts.scheme != "https":
        raise ConfigurationError(
            "LODA_REVIEW_BASE_URL must begin with https://, or the lists would travel in the open."
        )
    if elsewhere and own.local_sign_in:
        raise ConfigurationError(
            "LODA_REVIEW_LOCAL_SIGN_IN lets anybody in as anybody, so it is refused under the address of "
            "LODA_REVIEW_BASE_URL; take one of the two away."
        )
    issuer = urlsplit(own.oidc_issuer)
    if own.oidc_issuer and not own.oidc_client_id:
        raise ConfigurationError("LODA_REVIEW_OIDC_CLIENT_ID is missing: the provider knows these pages by it.")
    if own.oidc_issuer and issuer.scheme != "https" and not is_loopback(issuer.hostname):
        raise ConfigurationError("LODA_REVIEW_OIDC_ISSUER must begin with https://.")
