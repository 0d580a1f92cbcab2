"""Stands between an HTTP client and a service, and does to requests and answers what busy services and bad proxies do."""

from __future__ import annotations

import contextlib
import http.client
import socket
import struct
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Literal
from urllib.parse import urlsplit

Kind = Literal[
    "429", "429 for long", "500", "503", "cut body", "cut answer", "lost answer", "reset", "silence", "twice"
]
_HOP = {"connection", "keep-alive", "transfer-encoding", "content-length", "date", "server"}


@dataclass(frozen=True, slots=True)
class HttpFault:
    """What happens, and to which requests.

    Args:
        kind: `429` asks for no more than a second, `429 for long` for an hour; `cut body` ends the answer's body in its
            middle, `cut answer` before its first byte though it is done; `lost answer` the same, by silence; `reset` before the
            request went on; `silence` takes the request and never answers; `twice` passes the request on two times and gives
            the second answer.
        method: only these.
        path: only requests whose path begins so (after the service's own base).
        number: the so manieth of them is the first to be struck.
        lasting: whether all that follow are struck as well.
    """

    kind: Kind
    method: str = ""
    path: str = ""
    number: int = 1
    lasting: bool = True


@dataclass
class HttpProxy:
    """Passes everything on to `upstream`, a service's base address."""

    upstream: str = ""
    port: int = 0
    _fault: HttpFault | None = None
    _met: int = 0
    struck: int = 0
    """How often the fault happened."""
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _released: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        """The service's base, through the proxy."""
        return f"http://127.0.0.1:{self.port}{urlsplit(self.upstream).path}"

    @property
    def fault(self) -> HttpFault | None:
        """What happens next; None heals."""
        return self._fault

    @fault.setter
    def fault(self, fault: HttpFault | None) -> None:
        with self._lock:
            self._fault, self._met, self.struck = fault, 0, 0

    def strikes(self, method: str, path: str) -> Kind | None:
        """What happens to this request."""
        with self._lock:
            fault = self._fault
            if fault is None or fault.method not in {"", method} or not path.startswith(fault.path):
                return None
            self._met += 1
            if self._met < fault.number or (self._met > fault.number and not fault.lasting):
                return None
            self.struck += 1
            return fault.kind

    def pass_on(
        self, method: str, path: str, body: bytes, headers: dict[str, str]
    ) -> tuple[int, dict[str, str], bytes]:
        """Ask the service."""
        service = urlsplit(self.upstream)
        connection = http.client.HTTPConnection(service.hostname or "", service.port, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, path, body or None, headers)
            answer = connection.getresponse()
            content = answer.read()
            kept = {name: value for name, value in answer.getheaders() if name.lower() not in _HOP}
            return answer.status, kept, content


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    proxy: HttpProxy

    def _serve(self) -> None:
        body = self.rfile.read(int(self.headers.get("content-length") or 0))
        headers = {name: value for name, value in self.headers.items() if name.lower() not in _HOP}
        kind = self.proxy.strikes(self.command, self.path.removeprefix(urlsplit(self.proxy.upstream).path))
        if kind in {"429", "429 for long"}:
            self._answer(429, {"Retry-After": "1" if kind == "429" else "3600"}, b"")
        elif kind in {"500", "503"}:
            self._answer(int(kind), {}, b"")
        elif kind == "reset":
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.close_connection = True
        elif kind == "silence":
            self._stay_silent()
        else:
            status, said, content = self.proxy.pass_on(self.command, self.path, body, headers)
            if kind == "twice":
                status, said, content = self.proxy.pass_on(self.command, self.path, body, headers)
            if kind == "lost answer":
                self._stay_silent()
            elif kind == "cut answer":
                self.close_connection = True
            else:
                self._answer(status, said, content, half=kind == "cut body")

    def _stay_silent(self) -> None:
        self.proxy._released.wait(30)
        self.close_connection = True

    def _answer(self, status: int, headers: dict[str, str], content: bytes, *, half: bool = False) -> None:
        lines = [f"HTTP/1.1 {status} X", *(f"{name}: {value}" for name, value in headers.items())]
        if status != 204:
            lines.append(f"Content-Length: {len(content)}")
        if half:
            content = content[: len(content) // 2]
            self.close_connection = True
        with contextlib.suppress(OSError):
            self.wfile.write("\r\n".join(lines).encode() + b"\r\n\r\n" + content)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve  # noqa: N815 - the library's names

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: object, client_address: object) -> None:
        """A client that went away is what this is for."""


@contextmanager
def http_proxy(upstream: str = "") -> Iterator[HttpProxy]:
    """Serve on a free port."""
    proxy = HttpProxy(upstream)
    server = _Quiet(("127.0.0.1", 0), type("Handler", (_Handler,), {"proxy": proxy}))
    proxy.port = server.server_port
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield proxy
    finally:
        proxy._released.set()
        server.shutdown()
        thread.join(20)
        server.server_close()
