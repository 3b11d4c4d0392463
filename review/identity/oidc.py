"""Sign-in with a council's own OpenID Connect provider: authorisation code with PKCE, state and nonce, by Authlib.

What the provider says is believed only if it is signed by its keys, made for this client, still young, and answers
the very sign-in that this browser began, once.
"""

from __future__ import annotations

import logging
import re
import time
import warnings
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from authlib.common.security import generate_token
from authlib.deprecate import AuthlibDeprecationWarning
from authlib.integrations.base_client import BaseApp
from authlib.integrations.base_client.sync_app import OAuth2Mixin
from authlib.integrations.base_client.sync_openid import OpenIDMixin

from pipelines.core.errors import LodaError
from pipelines.core.faults import place_of
from review.identity import attempts, cookies
from review.identity.person import LONDON, Role
from review.identity.secret import keyed, same
from review.settings import review_settings
from schemas import registry

with warnings.catch_warnings():
    # Authlib would rather have another package of the same client, and says so on every terminal.
    warnings.simplefilter("ignore", AuthlibDeprecationWarning)
    from authlib.integrations.httpx_client import OAuth2Client

log = logging.getLogger(__name__)

THROUGH = "oidc"
TIMEOUT_SECONDS = 10
LEEWAY_SECONDS = 60
METADATA_SECONDS = 3_600
SIGNED_WITH = ("RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519")
"""Signatures that are taken: those of a private key. One with a shared secret, or none, is not."""

AGAIN = "Nobody was signed in. Start again from the sign-in page."
REFUSALS = {
    "access_denied": "Your council's sign-in service did not let you through, or you turned back there.",
    "login_required": "Your council's sign-in service asks you to sign in there first.",
    "temporarily_unavailable": "Your council's sign-in service is not there at the moment; try again in a minute.",
    "server_error": "Your council's sign-in service failed; try again in a minute.",
}
"""What the error codes of RFC 6749 and OpenID Connect mean to an officer."""


class SignInFailed(LodaError):
    """Nobody was signed in, and why. `status` is that of the answer."""

    def __init__(self, sentence: str, status: int = 400) -> None:
        super().__init__(sentence)
        self.status = status


class Provider(OAuth2Mixin, OpenIDMixin, BaseApp):  # type: ignore[misc]  # Authlib carries no types
    """The provider of the settings, with its metadata and keys as they were read."""

    client_cls = OAuth2Client

    def load_server_metadata(self) -> dict[str, Any]:
        """What the provider says of itself, read once.

        Raises:
            ValueError: it says that it is another one than the settings name, or signs in no way that is taken.
        """
        found: dict[str, Any] = super().load_server_metadata()
        if found.get("issuer") != review_settings().oidc_issuer:
            raise ValueError("the provider names another issuer")
        named = found.get("id_token_signing_alg_values_supported") or ["RS256"]
        found["id_token_signing_alg_values_supported"] = [name for name in named if name in SIGNED_WITH]
        if not found["id_token_signing_alg_values_supported"]:
            raise ValueError("the provider signs in no way that is taken")
        ways = found.get("token_endpoint_auth_methods_supported") or ["client_secret_basic"]
        if self.client_secret and "client_secret_basic" not in ways and "client_secret_post" in ways:
            found["token_endpoint_auth_method"] = "client_secret_post"  # noqa: S105 - the name of a way
        return found


@lru_cache(maxsize=1)
def _provider(hour: int) -> Provider:
    own = review_settings()
    return Provider(
        None,
        client_id=own.oidc_client_id,
        client_secret=own.oidc_client_secret.get_secret_value() if own.oidc_client_secret else None,
        server_metadata_url=f"{own.oidc_issuer.rstrip('/')}/.well-known/openid-configuration",
        client_kwargs={
            "scope": " ".join(dict.fromkeys(["openid", *own.oidc_scopes.split()])),
            "code_challenge_method": "S256",
            "timeout": TIMEOUT_SECONDS,
        },
    )


def provider() -> Provider:
    """The provider of the settings; its metadata are read anew every hour."""
    return _provider(int(time.monotonic() // METADATA_SECONDS))


def forget_provider() -> None:
    """Read the settings and the provider's metadata anew."""
    _provider.cache_clear()


def begin(redirect_uri: str, where: str) -> tuple[str, str]:
    """Begin a sign-in: the provider's address to go to, and the cookie that its answer is held against.

    Raises:
        SignInFailed: the provider cannot be asked.
    """
    nonce, verifier = generate_token(32), generate_token(64)
    try:
        made = provider().create_authorization_url(redirect_uri, nonce=nonce, code_verifier=verifier)
    except Exception as error:
        raise _away(error) from error
    under_way = {"state": made["state"], "nonce": nonce, "verifier": verifier, "uri": redirect_uri, "next": where}
    return str(made["url"]), cookies.signed(cookies.SIGNING_IN, under_way)


def finish(answer: Mapping[str, str], cookie: str | None) -> tuple[dict[str, Any], str]:
    """What the provider says of who signed in, and where they wanted to go.

    Raises:
        SignInFailed: the answer is not to the sign-in that this browser began, was used already, is too old, or the
            provider did not let the person through or sent what cannot be believed.
    """
    begun = cookies.unsigned(cookies.SIGNING_IN, cookie)
    if begun is None or not same(answer.get("state", ""), begun["state"]):
        raise SignInFailed(f"This sign-in was not begun in this browser, or more than ten minutes ago. {AGAIN}")
    if attempts.count(keyed("state", begun["state"]), most=1):
        raise SignInFailed(f"This answer to a sign-in was used already. {AGAIN}")
    if answer.get("iss", review_settings().oidc_issuer) != review_settings().oidc_issuer:
        raise SignInFailed(f"The answer came from another sign-in service than that of your council. {AGAIN}")
    if "error" in answer:
        raise SignInFailed(_refused(answer["error"]))
    if not answer.get("code"):
        raise SignInFailed(f"The answer of your council's sign-in service is not whole. {AGAIN}")
    return _claims(answer["code"], begun), str(begun["next"])


def _claims(code: str, begun: Mapping[str, str]) -> dict[str, Any]:
    own, asked = review_settings(), provider()
    try:
        token = asked.fetch_access_token(redirect_uri=begun["uri"], code=code, code_verifier=begun["verifier"])
        options = {
            "iss": {"essential": True, "value": own.oidc_issuer},
            "aud": {"essential": True, "value": own.oidc_client_id},
            "sub": {"essential": True},
        }
        claims = asked.parse_id_token(token, begun["nonce"], claims_options=options, leeway=LEEWAY_SECONDS)
        if claims is None:
            raise ValueError("no ID token")
        told = dict(claims)
        wanted = (own.oidc_roles_claim, own.oidc_boroughs_claim, own.oidc_name_claim)
        endpoint = asked.load_server_metadata().get("userinfo_endpoint")
        if endpoint and any(_claim(told, name) is None for name in wanted):
            more = dict(asked.userinfo(token=token))
            if more.get("sub") != told["sub"]:
                raise ValueError("the user info is of another subject")
            told = {**more, **told}
    except Exception as error:
        log.warning("a sign-in was refused: %s", place_of(error))
        forget_provider()  # its keys or addresses may have changed
        raise SignInFailed(f"What your council's sign-in service sent cannot be relied on. {AGAIN}", 502) from error
    return told


def _away(error: Exception) -> SignInFailed:
    log.error("the identity provider cannot be asked: %s", place_of(error))
    forget_provider()
    return SignInFailed("Your council's sign-in service does not answer; try again in a minute.", 503)


def _refused(code: str) -> str:
    said = REFUSALS.get(code)
    if said is None:
        named = f" ('{code}')" if re.fullmatch(r"[a-z_]{1,40}", code) else ""
        said = f"Your council's sign-in service refused{named}."
    return f"{said} {AGAIN}"


def identity_of(claims: Mapping[str, Any]) -> tuple[str, str, dict[str, list[str]]]:
    """Subject, name and roles by borough. Roles and boroughs that are not known here are left out."""
    own = review_settings()
    subject = str(claims["sub"])
    name = _claim(claims, own.oidc_name_claim)
    roles = [role for role in _texts(_claim(claims, own.oidc_roles_claim)) if role in {known.value for known in Role}]
    known = {*registry.boroughs(), LONDON}
    boroughs = [slug for slug in _texts(_claim(claims, own.oidc_boroughs_claim)) if slug in known]
    grants = dict.fromkeys(boroughs, roles) if roles else {}
    return subject, name.strip() if isinstance(name, str) and name.strip() else subject, grants


def _claim(claims: Mapping[str, Any], name: str) -> Any:
    """A claim by its name, or by a path with dots into nested ones, as Keycloak's `realm_access.roles`."""
    if name in claims:
        return claims[name]
    found: Any = claims
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def _texts(value: Any) -> list[str]:
    """The entries of a list, or of a text with commas or spaces between, as codes are written here."""
    if isinstance(value, str):
        value = value.split(",") if "," in value else value.split()
    if not isinstance(value, list | tuple):
        return []
    entries = (re.sub(r"[\s-]+", "_", entry.strip().casefold()) for entry in value if isinstance(entry, str))
    return list(dict.fromkeys(entry for entry in entries if entry))
