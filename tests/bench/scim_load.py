"""Asking a server as many identity providers do: plain sockets that stay open, one thread each, and how long each answer took."""

from __future__ import annotations

import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from statistics import median, quantiles

_LENGTH = re.compile(rb"content-length: (\d+)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Load:
    """What a load came to."""

    per_second: float
    median_ms: float
    p99_ms: float
    worst_ms: float
    statuses: dict[int, int]


class Connection:
    """One connection that is kept."""

    headers = ""
    """More of them, each with its line end."""

    def __init__(self, port: int) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port))
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def ask(self, method: str, path: str, body: bytes = b"") -> tuple[int, bytes]:
        head = f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/scim+json\r\n{self.headers}"
        self.socket.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
        data = b""
        while b"\r\n\r\n" not in data:
            data += self._more()
        top, _, rest = data.partition(b"\r\n\r\n")
        if b"chunked" in top.lower():
            return int(top[9:12]), self._chunked(rest)
        found = _LENGTH.search(top)
        length = int(found[1]) if found else 0
        parts, size = [rest], len(rest)
        while size < length:
            parts.append(self._more())
            size += len(parts[-1])
        return int(top[9:12]), b"".join(parts)

    def _chunked(self, data: bytes) -> bytes:
        while not data.endswith(b"0\r\n\r\n"):
            data += self._more()
        parts = []
        while data:
            size, _, data = data.partition(b"\r\n")
            parts.append(data[: int(size, 16)])
            data = data[int(size, 16) + 2 :]
        return b"".join(parts)

    def _more(self) -> bytes:
        data = self.socket.recv(1 << 18)
        if not data:
            raise ConnectionError("the server closed the connection")
        return data


Asked = tuple[str, str, bytes]


def load(port: int, requests: Iterator[Asked], threads: int = 6) -> Load:
    """Ask all of it, by several connections at once."""
    lock, taken = threading.Lock(), list[float]()
    statuses: dict[int, int] = {}

    def work() -> None:
        connection = Connection(port)
        mine: list[tuple[float, int]] = []
        while True:
            with lock:
                asked = next(requests, None)
            if asked is None:
                break
            began = time.perf_counter()
            status, _ = connection.ask(*asked)
            mine.append((time.perf_counter() - began, status))
        with lock:
            for seconds, status in mine:
                taken.append(seconds)
                statuses[status] = statuses.get(status, 0) + 1

    began = time.perf_counter()
    workers = [threading.Thread(target=work) for _ in range(threads)]
    for one in workers:
        one.start()
    for one in workers:
        one.join()
    wall = time.perf_counter() - began
    return Load(
        len(taken) / wall, median(taken) * 1000, quantiles(taken, n=100)[98] * 1000, max(taken) * 1000, statuses
    )


def each(count: int, deed: Callable[[int], object]) -> list[float]:
    """How many milliseconds each of several deeds took, one after the other."""
    found = []
    for n in range(count):
        began = time.perf_counter()
        deed(n)
        found.append((time.perf_counter() - began) * 1000)
    return found
