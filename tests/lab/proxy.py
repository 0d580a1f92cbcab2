"""Stands between a client and a server and does to what they say what networks and broken devices do. For any protocol on TCP.

One fault at a time, at one place: an accepted connection, a byte, or the moment at which the client says something. Where
messages can be told apart (`framing`), each one can be altered, dropped or be the last (`alter`, `ask`).
"""

from __future__ import annotations

import contextlib
import socket
import struct
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, Self

Alter = Callable[[bytes], bytes | None]
"""A message as it came -> as it goes on; empty: dropped; None: the connection is closed instead."""
Kind = Literal["cut", "reset", "silence", "drip", "delay", "twice", "hold"]
Address = tuple[str, int] | str


@dataclass(frozen=True, slots=True)
class Fault:
    """What happens, and when.

    Args:
        kind: `cut` closes in good order, `reset` by RST; `silence` takes everything and says nothing any more, and stays
            open; `drip` sends a byte at a time; `delay` waits once; `twice` sends the part twice; `hold` asks `on_strike`
            first and goes on.
        after: so many bytes of that side, over all connections. Without it and without `seen`: as soon as somebody connects.
        seen: instead, when the client says this …
        times: … for the so manieth time; what it says is not passed on before the fault.
        side: whose bytes are counted.
        lasting: whether it strikes again and again, or once.
        seconds: of a delay, and between two bytes that drip.
    """

    kind: Kind
    after: int | None = None
    seen: bytes = b""
    times: int = 1
    side: Literal["answers", "requests"] = "answers"
    lasting: bool = True
    seconds: float = 0.5

    @property
    def at_once(self) -> bool:
        """Whether it strikes who connects."""
        return self.after is None and not self.seen


class Wire:
    """A server at `port` that passes everything on.

    Args:
        server: the real one: a port of this machine, or the path of a Unix socket.
        fault: the first fault; others are set as `fault`, None heals.
        framing: how long the first message of these bytes is; negative or more than there is: not known yet.
        alter: what becomes of each answer; None: nothing.
        ask: what becomes of each request.
        host: where it listens.
        port: at which port it listens; 0: a free one.
        on_strike: called when a fault strikes, before anything happens.
    """

    def __init__(
        self,
        server: int | str,
        fault: Fault | None = None,
        *,
        framing: Callable[[bytes], int] = len,
        alter: Alter | None = None,
        ask: Alter | None = None,
        host: str = "127.0.0.1",
        port: int = 0,
        on_strike: Callable[[], object] | None = None,
    ) -> None:
        self.server = server
        self._framing = framing
        self._alter = {"answers": alter, "requests": ask}
        self.on_strike = on_strike
        self._lock = threading.Lock()
        self._closed = threading.Event()
        self.errors: list[Exception] = []
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self.fault = fault
        self._listener = socket.create_server((host, port))
        self.port = self._listener.getsockname()[1]
        self._run(self._accept)

    @property
    def fault(self) -> Fault | None:
        """What happens next."""
        return self._fault

    @fault.setter
    def fault(self, fault: Fault | None) -> None:
        with self._lock:
            self._fault = fault
            self._met = 0
            self.struck = False
            """Whether it happened."""
            self.passed = {"answers": 0, "requests": 0}
            """Bytes that went through since the fault was set."""

    @property
    def sent(self) -> int:
        """Bytes of answers that went to clients since the fault was set."""
        return self.passed["answers"]

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
        self.forget()
        for thread in self._threads:
            thread.join(10)
        for one in self._sockets:
            one.close()
        assert not self.errors, self.errors

    def forget(self) -> None:
        """End all connections that there are, on both sides."""
        for one in list(self._sockets):
            _shut(one)

    def _run(self, target: Callable[..., None], *args: object) -> None:
        thread = threading.Thread(target=target, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _connect(self) -> socket.socket:
        if isinstance(self.server, int):
            made = socket.create_connection(("127.0.0.1", self.server))
            made.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            return made
        made = socket.socket(socket.AF_UNIX)
        made.connect(self.server)
        return made

    def _accept(self) -> None:
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            client.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            self._sockets.append(client)
            if (fault := self._fault) and fault.at_once and not (self.struck and not fault.lasting):
                self.struck = True
                self._run(self._refuse, client, fault)
            else:
                self._join(client)

    def _refuse(self, client: socket.socket, fault: Fault) -> None:
        with contextlib.suppress(OSError):
            if fault.kind == "silence":
                _swallow(client)
            elif fault.kind in {"delay", "drip"}:
                self._closed.wait(fault.seconds)
                self._join(client)
            else:
                _end(client, hard=fault.kind == "reset")

    def _join(self, client: socket.socket) -> None:
        try:
            server = self._connect()
        except OSError:
            client.close()
            return
        self._sockets.append(server)
        self._run(self._pump, client, server, "requests")
        self._run(self._pump, server, client, "answers")

    def _pump(self, source: socket.socket, sink: socket.socket, side: str) -> None:
        waiting = tail = b""
        alter = self._alter[side]
        with contextlib.suppress(OSError):
            while data := source.recv(65536):
                ends = False
                if alter is not None:
                    data, waiting, ends = self._altered(alter, waiting + data)
                fault = self._fault
                at = self._strikes(fault, side, data, tail)
                if fault is None or at is None:
                    self._pass(sink, side, data)
                else:
                    self.struck = True
                    self._pass(sink, side, data[:at])
                    if self.on_strike:
                        self.on_strike()  # which may set another fault
                    if not self._happen(self._fault or fault, source, sink, side, data[at:]):
                        return
                tail = (tail + data)[-len(fault.seen) :] if fault and fault.seen else b""
                if ends:
                    break
        _shut(source)
        _shut(sink)

    def _altered(self, alter: Alter, waiting: bytes) -> tuple[bytes, bytes, bool]:
        """What goes on, what waits for its rest, and whether the connection is closed then."""
        data = b""
        while 0 <= (size := self._framing(waiting)) <= len(waiting) and waiting:
            message, waiting = waiting[:size], waiting[size:]
            try:
                altered = alter(message)
            except Exception as error:
                self.errors.append(error)
                raise OSError from error
            if altered is None:
                return data, waiting, True
            data += altered
        return data, waiting, False

    def _pass(self, sink: socket.socket, side: str, data: bytes) -> None:
        if data:
            sink.sendall(data)
            with self._lock:
                self.passed[side] += len(data)

    def _strikes(self, fault: Fault | None, side: str, data: bytes, tail: bytes) -> int | None:
        """Where in these bytes the fault strikes; None: not in them."""
        if fault is None or fault.at_once or (self.struck and not fault.lasting):
            return None
        if self.struck and fault.kind == "silence":
            return 0
        with self._lock:
            if fault.seen:
                if side != "requests":
                    return None
                if not self.struck:
                    # The end of what came before can hold a beginning, but never the whole.
                    self._met += (tail[-(len(fault.seen) - 1) :] + data).count(fault.seen) if fault.seen else 0
                return 0 if self._met >= fault.times else None
            if side != fault.side or fault.after is None or self.passed[side] + len(data) < fault.after:
                return None
            return max(0, fault.after - self.passed[side])

    def _happen(self, fault: Fault, source: socket.socket, sink: socket.socket, side: str, rest: bytes) -> bool:
        """Let it happen. Returns whether the connection goes on."""
        match fault.kind:
            case "cut" | "reset":
                _end(source, hard=fault.kind == "reset")
                _end(sink, hard=fault.kind == "reset")
                return False
            case "silence":
                _swallow(source)
                return False
            case "drip":
                for byte in rest:
                    if self._closed.wait(fault.seconds):
                        return False
                    self._pass(sink, side, bytes([byte]))
            case "delay":
                self._closed.wait(fault.seconds)
                self._pass(sink, side, rest)
            case "twice":
                self._pass(sink, side, rest)
                self._pass(sink, side, rest)
            case "hold":
                self._pass(sink, side, rest)
        return True


def _swallow(one: socket.socket) -> None:
    while one.recv(65536):
        pass


def _shut(one: socket.socket) -> None:
    with contextlib.suppress(OSError):
        one.shutdown(socket.SHUT_RDWR)


def _end(one: socket.socket, *, hard: bool) -> None:
    """Close it; hard: the other side is told by RST that nobody is here any more."""
    if not hard or one.family == socket.AF_UNIX:
        _shut(one)
        return
    with contextlib.suppress(OSError):
        one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        one.shutdown(socket.SHUT_RD)  # who waits for it wakes up, and the other side is told nothing yet
        one.close()
