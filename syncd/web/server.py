"""One process that answers: waitress over a socket of ours, until it is stopped or its starter is gone.

Connections are read by one loop and handed to a thread when a request is there as a whole, so that a slow or silent one takes
no thread (docs/decisions/0012-server.md). What takes too long to arrive is closed.
"""

from __future__ import annotations

import logging
import signal
import socket
import ssl
import time
from collections.abc import Callable, Iterable
from typing import Any, Final

from waitress import wasyncore
from waitress.adjustments import Adjustments
from waitress.channel import HTTPChannel
from waitress.server import TcpWSGIServer
from waitress.task import ThreadedTaskDispatcher

CONNECTIONS: Final = 800
"""At a time, for each process; others wait. Below the 1,024 files that a process may usually have open."""
IDLE: Final = 60
"""Seconds after which a connection is closed on which nothing comes or goes, and in which a request has to arrive."""
_BODY: Final = 64 << 20
_LOOKS_EVERY: Final = 1.0

Wsgi = Callable[..., Iterable[bytes]]


class Channel(HTTPChannel):  # type: ignore[misc]  # waitress has no types
    """A connection that knows since when its request arrives."""

    def __init__(self, *args: Any, **how: Any) -> None:
        self.since = time.time()
        super().__init__(*args, **how)

    def received(self, data: bytes) -> bool:
        """More of a request."""
        if self.request is None:
            self.since = time.time()
        return bool(super().received(data))

    def is_late(self, now: float) -> bool:
        """Whether a part of a request has been here for too long."""
        return self.request is not None and not self.requests and now - self.since > IDLE

    def is_stuck(self, now: float) -> bool:
        """Whether nobody has taken for too long what is to be sent: a thread may be waiting for that."""
        return bool(self.total_outbufs_len > 0 and now - self.last_activity > IDLE)

    def is_busy(self) -> bool:
        """Whether something was asked and is not answered whole."""
        return bool(self.requests or self.total_outbufs_len or self.request)


class TlsChannel(Channel):
    """The same over TLS: handshake and records are read as they come, and nothing waits for them."""

    def handle_read(self) -> None:
        """Read what is there; of a record that was read in part, the rest stays with OpenSSL and no poll tells of it."""
        left = 1
        while left:
            try:
                with self.outbuf_lock:  # OpenSSL takes one call on a connection at a time, and threads send
                    data = self.socket.recv(self.adj.recv_bytes)
                    left = self.socket.pending()
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                return
            except OSError:
                data = b""
            if not data:
                self.handle_close()
                return
            self.last_activity = int(time.time())
            self.received(data)

    def send(self, data: bytes, do_close: bool = True) -> int:
        """Send what can be sent now."""
        try:
            return int(super().send(data, do_close))
        except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
            return 0


class _Server(TcpWSGIServer):  # type: ignore[misc]  # waitress has no types
    channel_class = Channel

    def maintenance(self, now: float) -> None:
        """Close what is idle, what is late, and what nobody reads."""
        super().maintenance(now)
        for channel in list(self.active_channels.values()):
            if channel.is_stuck(now):
                channel.handle_close()  # at once: its socket would never be told to be ready
            elif channel.is_late(now):
                channel.will_close = True


class Answering:
    """Answers until it is stopped.

    Args:
        app: the application.
        listener: where; already listening.
        threads: so many requests are answered at a time.
        tls: for HTTPS.
        drain_seconds: in which what was begun is answered, once it is asked to stop.
    """

    def __init__(
        self, app: Wsgi, listener: socket.socket, threads: int, tls: ssl.SSLContext | None, drain_seconds: float
    ) -> None:
        logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # that a request waited for a thread is no news
        self._map: dict[int, Any] = {}
        self._drain = drain_seconds
        self._until: float | None = None
        dispatcher = ThreadedTaskDispatcher()
        dispatcher.set_thread_count(threads)
        adjustments = Adjustments(
            sockets=[listener],
            threads=threads,
            ident=None,
            url_scheme="https" if tls else "http",
            connection_limit=CONNECTIONS,
            channel_timeout=IDLE,
            cleanup_interval=5,
            max_request_body_size=_BODY,
            asyncore_use_poll=True,
            clear_untrusted_proxy_headers=False,  # `proxies` does it, and knows whom to trust
            log_socket_errors=False,
        )
        address = (listener.family, listener.type, listener.proto, listener.getsockname())
        self._server = _Server(
            app,
            map=self._map,
            _sock=listener,
            dispatcher=dispatcher,
            adj=adjustments,
            sockinfo=address,
            bind_socket=False,
        )
        if tls:
            self._server.channel_class = _wrapping(tls)  # type: ignore[assignment]  # called, and no more

    def stay(self, sign: Callable[[], bool]) -> None:
        """Answer, and give a sign of life every second; stop when it tells that nobody hears it."""
        signal.signal(signal.SIGTERM, lambda _number, _frame: self._stop())
        signed = float("-inf")
        while not self._is_over():
            wasyncore.loop(timeout=_LOOKS_EVERY, map=self._map, use_poll=True, count=1)
            if (now := time.monotonic()) - signed >= _LOOKS_EVERY:
                signed = now
                if not sign():  # nobody would keep us up, or stop us
                    self._stop()

    def _stop(self) -> None:
        if self._until is None:
            self._until = time.monotonic() + self._drain
            self._server.accepting = False
            self._server.pull_trigger()

    def _is_over(self) -> bool:
        if self._until is None:
            return False
        busy = any(channel.is_busy() for channel in list(self._server.active_channels.values()))
        return not busy or time.monotonic() >= self._until


def _wrapping(tls: ssl.SSLContext) -> Callable[..., None]:
    def connect(server: Any, connection: socket.socket, *args: Any, **how: Any) -> None:
        try:
            wrapped = tls.wrap_socket(connection, server_side=True, do_handshake_on_connect=False)
        except OSError:  # gone already
            connection.close()
            return
        TlsChannel(server, wrapped, *args, **how)

    return connect
