"""A lineage server on loopback that keeps what it is given."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Received:
    """Where it listens, and the events that came, in order."""

    url: str
    events: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def receiver() -> Iterator[Received]:
    """One that takes every event until the block ends."""

    class Server(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            received.events.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Server)
    received = Received(f"http://127.0.0.1:{server.server_port}")
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield received
    finally:
        server.shutdown()
        server.server_close()
