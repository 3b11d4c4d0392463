"""The pages' own process: uvicorn on this machine, or wherever the settings let it be."""

from __future__ import annotations

import logging
import socket
from collections.abc import Callable
from contextlib import suppress

import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from pipelines.core.errors import ConfigurationError
from review.app import create_app
from review.identity.addresses import check_settings, is_loopback
from review.settings import HOST, PORT, address, review_settings

GRACE_SECONDS = 10


def serve(
    host: str = HOST, port: int = PORT, say: Callable[[str], None] = lambda _: None, workers: int | None = None
) -> None:
    """Serve the pages until Ctrl-C; `say` is told the address once they answer.

    With more than one worker each is a process of its own and all listen at one port; None is as the settings say.

    Raises:
        ConfigurationError: the settings do not go with the host, or the port is taken; nothing is served then.
    """
    check_host(host)
    number = workers or review_settings().workers
    app = worker_app()  # made here in any case: what is wrong is told before anything listens
    with _listening(host, port) as listener:
        trusted = review_settings().trusted_proxies
        config = uvicorn.Config(
            app if number == 1 else "review.serve:worker_app",
            factory=number > 1,
            workers=number,
            access_log=False,  # an address that was searched for would stand in it
            log_level="warning",
            server_header=False,
            proxy_headers=bool(trusted),
            forwarded_allow_ips=trusted or None,
            timeout_graceful_shutdown=GRACE_SECONDS,
        )
        say(f"The pages are at {address(host, listener.getsockname()[1])}. Ctrl-C ends them.")
        with suppress(KeyboardInterrupt):
            if number == 1:
                uvicorn.Server(config).run(sockets=[listener])
            else:
                Multiprocess(config, sockets=[listener]).run()


def worker_app() -> FastAPI:
    """The app as each worker serves it."""
    logging.getLogger("uvicorn.error").addFilter(_without_values)
    return create_app()


def check_host(host: str) -> None:
    """Stop where others than this machine would reach what only it may.

    Raises:
        ConfigurationError: the host is reached from elsewhere, and anybody could sign in, or no address is set.
    """
    check_settings()
    if is_loopback(host):
        return
    if review_settings().local_sign_in:
        raise ConfigurationError(
            f"LODA_REVIEW_LOCAL_SIGN_IN lets anybody in as anybody, so it is refused on {host}, which others reach. "
            "Serve on 127.0.0.1, or take it away and set LODA_REVIEW_OIDC_ISSUER."
        )
    if not review_settings().base_url:
        raise ConfigurationError(
            f"On {host} others reach the pages: set LODA_REVIEW_BASE_URL to the address that they use, "
            "as https://review.example."
        )


def _listening(host: str, port: int) -> socket.socket:
    try:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        return socket.create_server((host.strip("[]"), port), family=family)
    except OSError as error:
        raise ConfigurationError(
            f"Port {port} of {host} cannot be used ({error.strerror}): end what answers there, or choose another "
            "with --port."
        ) from error


def _without_values(record: logging.LogRecord) -> bool:
    """Uvicorn would print an error with its values; the app has already logged the place of it."""
    record.exc_info, record.exc_text = None, None
    return True
