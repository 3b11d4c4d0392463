"""Sign in and out: through a council's identity provider, or on this machine as one of five ready people."""

from __future__ import annotations

from typing import Annotated

from fastapi import Form, Request
from fastapi.responses import RedirectResponse, Response

from review.identity import attempts, cookies, forms, local, oidc, sessions
from review.identity.addresses import local_path, own_origin
from review.permissions import Action
from review.rendering import page
from review.routing import Pages, person
from review.settings import review_settings
from schemas import registry

pages = Pages()

CHOOSE = "Choose as whom to sign in."


@pages.get("/sign-in", Action.OPEN)
def sign_in(request: Request, next: str = "") -> Response:  # noqa: A002 - the name that links carry
    """The ways to sign in that there are here."""
    return _ways(request, local_path(next))


@pages.post("/sign-in/local", Action.OPEN)
def sign_in_local(
    request: Request,
    who: Annotated[str, Form(max_length=40)] = "",
    next: Annotated[str, Form(max_length=2000)] = "",  # noqa: A002 - as above
) -> Response:
    """Begin the session of a ready person."""
    where = local_path(next)
    if not local.is_open(request):
        return _not_there(request)
    origin = attempts.origin_of(request)
    wait = attempts.count(origin)
    if wait:
        return _too_many(request, wait)
    one = local.ready(who)
    if one is None:
        return _ways(request, where, fault=CHOOSE)
    attempts.forgive(origin)
    return _signed_in(request, local.sign_in(one), where)


@pages.get("/sign-in/oidc", Action.OPEN)
def sign_in_oidc(request: Request, next: str = "") -> Response:  # noqa: A002 - as above
    """On to the council's identity provider."""
    if not review_settings().oidc_issuer:
        return _not_there(request)
    try:
        url, cookie = oidc.begin(f"{own_origin(request)}/sign-in/callback", local_path(next))
    except oidc.SignInFailed as error:
        return _failed(request, error)
    response = RedirectResponse(url, status_code=303)
    cookies.write(request, response, cookies.SIGNING_IN, cookie, cookies.SHORT_SECONDS)
    return response


@pages.get("/sign-in/callback", Action.OPEN)
def callback(request: Request) -> Response:
    """Back from the provider: begin the session of whom it vouches for."""
    if not review_settings().oidc_issuer:
        return _not_there(request)
    origin = attempts.origin_of(request)
    wait = attempts.count(origin)
    if wait:
        return _too_many(request, wait)
    try:
        claims, where = oidc.finish(request.query_params, cookies.read(request, cookies.SIGNING_IN))
    except oidc.SignInFailed as error:
        return _failed(request, error)
    attempts.forgive(origin)
    subject, name, grants = oidc.identity_of(claims)
    return _signed_in(request, sessions.begin(subject, name, grants, oidc.THROUGH), local_path(where))


@pages.post("/sign-out", Action.SIGNED_IN)
def sign_out(request: Request) -> Response:
    """End one's own session."""
    sessions.end(person(request).key, person(request))
    response = RedirectResponse("/sign-in?done=signed-out", status_code=303)
    cookies.drop(request, response, cookies.SESSION)
    return response


def _signed_in(request: Request, secret: str, where: str) -> Response:
    """Put the new session in place of whatever the browser held before, and go where somebody wanted to."""
    before = request.state.person
    if before is not None:
        sessions.end(before.key, before)
    response = RedirectResponse(where, status_code=303)
    cookies.write_session(request, response, secret)
    return response


def _ways(request: Request, where: str, fault: str = "") -> Response:
    on_this_machine = local.is_open(request)
    shown = {
        "errors": [{"text": fault, "href": "#who"}] if fault else [],
        "next": where,
        "provider": bool(review_settings().oidc_issuer),
        "people": local.PEOPLE if on_this_machine else (),
        "boroughs": [registry.borough(slug).name for slug in local.boroughs_with_data()] if on_this_machine else [],
    }
    if request.state.person is not None:
        return page(request, "sign_in.html", status=422 if fault else 200, **shown)
    mark, cookie = forms.mark_before(request)
    response = page(request, "sign_in.html", status=422 if fault else 200, csrf=mark, **shown)
    forms.write_before(request, response, cookie)
    return response


def _failed(request: Request, error: oidc.SignInFailed) -> Response:
    response = page(request, "error.html", status=error.status, sentence=str(error))
    cookies.drop(request, response, cookies.SIGNING_IN)
    return response


def _not_there(request: Request) -> Response:
    return page(request, "error.html", status=404, sentence="There is no such page, or it is not for you.")


def _too_many(request: Request, wait: int) -> Response:
    minutes = -(-wait // 60)
    sentence = (
        f"Too many attempts to sign in came from where you are. Try again in {minutes} minute{'s' * (minutes > 1)}."
    )
    response = page(request, "error.html", status=429, sentence=sentence)
    response.headers["Retry-After"] = str(wait)
    return response
