"""Stands between a client and a server, on loopback, and does to the answers what networks and broken devices do.

Works message by message, so that a test can say which answer is altered, dropped or cut.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Self

from connectors.ldap.wire import message_size

Alter = Callable[[bytes], bytes | None]
"""An answer as it came -> as it goes on; empty: dropped; None: the connection is closed instead."""
ENTRY = 0x64
DONE = 0x65


def number(message: bytes) -> bytes:
    """A message's number, as the element that it is."""
    at = 2 + (message[1] & 0x7F if message[1] > 0x7F else 0)
    return message[at : at + 2 + message[at + 1]]


def operation(message: bytes) -> int:
    """The tag of what a message is about."""
    at = 2 + (message[1] & 0x7F if message[1] > 0x7F else 0)
    return message[at + 2 + message[at + 1]]


def done(message: bytes, code: int = 0) -> bytes:
    """A searchResDone with this result and no controls, instead of a message."""
    return ber(0x30, number(message), ber(DONE, ber(10, bytes([code])), ber(4), ber(4)))


def ber(tag: int, *parts: bytes) -> bytes:
    """One element."""
    content = b"".join(parts)
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    size = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + content


class Proxy:
    """A server at `url` that passes everything on to `port`.

    Args:
        port: the real server's.
        alter: what becomes of each answer; None: nothing.
        cut_after: close the connection after so many bytes of answers, wherever that is; None: never.
        stall_after: after so many bytes of answers say nothing any more, and keep the connection open.
        drip: from `stall_after` on send a byte after so many seconds, and then the next one.
        ask: what becomes of each request.
    """

    def __init__(
        self,
        port: int,
        *,
        alter: Alter | None = None,
        cut_after: int | None = None,
        stall_after: int | None = None,
        drip: float | None = None,
        ask: Alter | None = None,
    ) -> None:
        self._port = port
        self._alter = alter
        self._ask = ask
        self.cut_after = cut_after
        self._stall_after = stall_after
        self._drip = drip
        self._closed = threading.Event()
        self.sent = 0
        """Bytes of answers that went to clients."""
        self.errors: list[Exception] = []
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        self.url = f"ldap://127.0.0.1:{self.port}"
        self._run(self._accept)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close everything, and wait for the threads."""
        self._closed.set()
        with contextlib.suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        for one in list(self._sockets):
            _shut(one)
        for thread in self._threads:
            thread.join(10)
        for one in self._sockets:
            one.close()
        assert not self.errors, self.errors

    def _run(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            try:
                server = socket.create_connection(("127.0.0.1", self._port))
            except OSError:
                client.close()
                continue
            for one in (client, server):
                one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets += [client, server]
            self._run(self._pump, client, server, self._ask, False)
            self._run(self._pump, server, client, self._alter, True)

    def _pump(self, source: socket.socket, sink: socket.socket, alter: Alter | None, answers: bool) -> None:
        waiting = b""
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                if alter is not None:
                    waiting += data
                    data = b""
                    while 0 <= (size := message_size(waiting)) <= len(waiting) and waiting:
                        message, waiting = waiting[:size], waiting[size:]
                        try:
                            altered = alter(message)
                        except Exception as error:
                            self.errors.append(error)
                            raise OSError from error
                        if altered is None:
                            if data:
                                sink.sendall(data)
                            raise OSError
                        data += altered
                if not answers:
                    sink.sendall(data)
                    continue
                if self.cut_after is not None and self.sent + len(data) >= self.cut_after:
                    sink.sendall(data[: self.cut_after - self.sent])
                    self.sent = self.cut_after
                    break
                if self._stall_after is not None and self.sent + len(data) >= self._stall_after:
                    whole = self._stall_after - self.sent
                    sink.sendall(data[:whole])
                    rest = data[whole:]
                    while self._drip and rest:
                        for byte in rest:
                            if self._closed.wait(self._drip):
                                return
                            sink.sendall(bytes([byte]))
                        rest = source.recv(65536)  # where a part ends is chance: what comes after it drips as well
                    while source.recv(65536):
                        pass
                    return
                sink.sendall(data)
                self.sent += len(data)
        _shut(source)
        _shut(sink)


def _shut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)
