"""Receivers of messages on this machine: an HTTP server that keeps what comes, and answers as told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Event, Thread
from typing import Any


@dataclass
class Receiver:
    """What came, and how it is answered."""

    answers: list[int] = field(default_factory=list)
    """One after another; then 200. 0: silence."""
    location: str = ""
    got: list[tuple[str, dict[str, str], bytes]] = field(default_factory=list)
    released: Event = field(default_factory=Event)
    port: int = 0

    @property
    def documents(self) -> list[dict[str, Any]]:
        """What came, as JSON."""
        return [json.loads(body) for _, _, body in self.got]

    @property
    def titles(self) -> list[str]:
        """Of messages that apprise sent as JSON."""
        return [document["title"] for document in self.documents]


@contextmanager
def receiving(receiver: Receiver) -> Iterator[Receiver]:
    """Serve on a free port."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            answer = receiver.answers.pop(0) if receiver.answers else 200
            if answer == 0:
                receiver.released.wait(60)
                return
            receiver.got.append((self.path, {name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(answer)
            if receiver.location:
                self.send_header("Location", receiver.location)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_words: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.port = server.server_address[1]
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield receiver
    finally:
        receiver.released.set()
        server.shutdown()
        server.server_close()
        thread.join(20)
