"""A proxy on loopback in front of an S3 server, which answers for it, slows it down or cuts the line as it is told."""

from __future__ import annotations

import asyncio
import random
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import aiohttp
import yarl
from aiohttp import web

HOP_BY_HOP = {"connection", "keep-alive", "transfer-encoding", "te", "upgrade", "expect"}
SLOW_SECONDS = 0.5
ANSWERS = {500: "InternalError", 503: "SlowDown"}


@dataclass
class Weather:
    """What becomes of requests: a share of them meets each fault, drawn by a seed; `met` counts what did."""

    seed: int
    shares: dict[str, float] = field(default_factory=dict)
    met: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self._chance = random.Random(self.seed)

    def next(self) -> str:
        """The fault of the next request: `500`, `503`, `slow`, `cut`, `half`; `well` where there is none."""
        drawn = self._chance.random()
        found = "well"
        for fault, share in self.shares.items():
            drawn -= share
            if drawn < 0:
                found = fault
                break
        self.met[found] += 1
        return found


class Proxy:
    """Hands requests on as they are, signature and host included, but for those that the weather takes."""

    def __init__(self, upstream: str, weather: Weather) -> None:
        self.upstream, self.weather = upstream, weather

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """One request."""
        fault = self.weather.next()
        if fault in ("500", "503"):
            return self._refused(int(fault))
        if fault == "cut":
            self._cut(request)
        if fault == "slow":
            await asyncio.sleep(SLOW_SECONDS)
        headers = [(k, v) for k, v in request.headers.items() if k.lower() not in HOP_BY_HOP]
        url = yarl.URL(self.upstream + request.raw_path, encoded=True)
        body = await request.read()
        async with self.session.request(request.method, url, headers=headers, data=body or None) as answer:
            content = await answer.read()
            kept = [(k, v) for k, v in answer.headers.items() if k.lower() not in HOP_BY_HOP]
            response = web.StreamResponse(status=answer.status, headers=kept)
            if request.method != "HEAD" and "Content-Length" not in answer.headers:
                response.content_length = len(content)
            await response.prepare(request)
            if fault == "half" and len(content) > 1:
                await response.write(content[: len(content) // 2])
                self._cut(request)
            if request.method != "HEAD":
                await response.write(content)
            return response

    @staticmethod
    def _refused(status: int) -> web.Response:
        text = f"<?xml version='1.0'?><Error><Code>{ANSWERS[status]}</Code><Message>made for a test</Message></Error>"
        return web.Response(status=status, text=text, content_type="application/xml")

    @staticmethod
    def _cut(request: web.Request) -> None:
        """End the connection without a further byte, with what was on its way."""
        if request.transport is not None:
            request.transport.abort()
        raise ConnectionResetError

    async def start(self) -> int:
        """Listen, and return the port."""
        self.session = aiohttp.ClientSession(auto_decompress=False, skip_auto_headers=["User-Agent", "Content-Type"])
        app = web.Application(client_max_size=1 << 30)
        app.router.add_route("*", "/{path:.*}", self.handle)
        self.runner = web.AppRunner(app, access_log=None)
        await self.runner.setup()
        site = web.TCPSite(self.runner, "127.0.0.1", 0)
        await site.start()
        return int(self.runner.addresses[0][1])

    async def stop(self) -> None:
        """Listen no more."""
        await self.runner.cleanup()
        await self.session.close()


@contextmanager
def proxy(upstream: str, weather: Weather) -> Iterator[str]:
    """The URL of a proxy in a thread of its own until the block ends."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever, daemon=True)
    thread.start()
    made = Proxy(upstream, weather)
    port = asyncio.run_coroutine_threadsafe(made.start(), loop).result(30)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        asyncio.run_coroutine_threadsafe(made.stop(), loop).result(30)
        loop.call_soon_threadsafe(loop.stop)
        thread.join(10)
        loop.close()
