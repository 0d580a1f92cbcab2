"""A stand-in for a product: a real HTTP server on this machine that notes what it is asked and can be made to fail."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, Self
from urllib.parse import parse_qs, unquote, urlsplit


@dataclass(frozen=True)
class Asked:
    """One request."""

    method: str
    path: str
    query: dict[str, str]
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Reply:
    """One answer."""

    status: int = 200
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)


Fault = Callable[[Asked], Reply | None]
"""What goes wrong with a request; None: nothing does. `cut` and `half` break off by raising."""


class Cut(Exception):  # noqa: N818 - it is no mistake
    """The connection ends here."""

    def __init__(self, sent: bytes = b"") -> None:
        super().__init__()
        self.sent = sent


class StandIn:
    """The server. Subclasses answer; `faults` are used up one by one by the requests that they match."""

    def __init__(self) -> None:
        self.asked: list[Asked] = []
        self.faults: list[Fault] = []
        self.before: Callable[[Asked], None] = lambda _: None
        self.lock = threading.RLock()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                split = urlsplit(self.path)
                query = {name: values[0] for name, values in parse_qs(split.query, keep_blank_values=True).items()}
                headers = {name.lower(): value for name, value in self.headers.items()}
                asked = Asked(self.command, split.path, query, headers, self.rfile.read(length))
                try:
                    with outer.lock:
                        reply = outer._take(asked)
                except Cut as cut:
                    if cut.sent:
                        self.wfile.write(cut.sent)
                        self.wfile.flush()
                    self.close_connection = True
                    self.connection.shutdown(socket.SHUT_RDWR)
                    return
                self.send_response(reply.status)
                for name, value in reply.headers.items():
                    self.send_header(name, value)
                if reply.status not in {204, 304}:
                    self.send_header("Content-Length", str(len(reply.body)))
                self.end_headers()
                if reply.status not in {204, 304}:
                    self.wfile.write(reply.body)

            def log_message(self, *_: object) -> None:
                pass

        for method in ("GET", "PUT", "POST", "PATCH", "DELETE"):
            setattr(Handler, f"do_{method}", Handler.handle_any)
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_port}"

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()

    def _take(self, asked: Asked) -> Reply:
        self.asked.append(asked)
        for fault in list(self.faults):
            try:
                reply = fault(asked)
            except Cut:
                self.faults.remove(fault)
                raise
            if reply is not None:
                self.faults.remove(fault)
                return reply
        self.before(asked)
        return self.answer(asked)

    def answer(self, asked: Asked) -> Reply:
        raise NotImplementedError

    def writes(self) -> list[Asked]:
        """Everything but reading, and but asking for tokens."""
        return [one for one in self.asked if one.method != "GET" and not one.path.endswith("/token")]


def fails(status: int, *, on: str = "", **headers: str) -> Fault:
    """The next request (of this method) is answered so."""
    told = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda asked: Reply(status, b'{"error": "no"}', told) if asked.method == on or not on else None


def cut(*, on: str = "", sent: bytes = b"") -> Fault:
    """The next request (of this method) gets no answer, or half of one, and is not done."""

    def fault(asked: Asked) -> Reply | None:
        if asked.method != on and on:
            return None
        raise Cut(sent)

    return fault


HALF = b'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{"value":'


def done_but_cut(stand_in: StandIn, on: str) -> Fault:
    """The next request of this method is done, and its answer is lost."""

    def fault(asked: Asked) -> Reply | None:
        if asked.method != on:
            return None
        stand_in.answer(asked)
        raise Cut

    return fault


def parts(path: str) -> list[str]:
    """The path's parts, unquoted."""
    return [unquote(part) for part in path.strip("/").split("/")]


def as_json(document: Any, status: int = 200, **headers: str) -> Reply:
    """A JSON answer."""
    import json

    return Reply(status, json.dumps(document).encode(), {"Content-Type": "application/json", **headers})
