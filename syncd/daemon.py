"""The daemon's two halves: runs, as often as configured and as soon as a source announces a change; and the web side.

The web side is a process of its own, which is started again when it ends. The socket is ours: a request that comes while it
starts waits, and a port that is taken is told at once.
"""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from threading import Event, Thread
from types import TracebackType
from typing import Final, NoReturn, Self

from connectors.base import Source
from syncd.errors import Advice, Interrupted, UsageError, advice
from syncd.sync import Request
from syncd.watching import Watcher
from syncd.web import GRACE

_BACKLOG: Final = 512
_STEADY: Final = 60.0
"""Seconds after which a web side that ends is started again at once."""
_SLOWEST: Final = 30.0


def stay(
    sources: Mapping[str, Source],
    names: Sequence[str],
    due: Callable[[], float],
    run: Callable[[Request], None],
    *,
    note: Callable[[str], None],
    failed: Callable[[Advice], None],
) -> NoReturn:
    """Run, and run again, until it is stopped. A run that fails is told, and the next one is tried all the same.

    Args:
        sources: all of them, to listen to.
        names: of the sources to read; none means all.
        due: seconds until the next run, though nothing is announced.
        run: one run, with its report.
        note: told what is worth a line.
        failed: told what went wrong.

    Raises:
        Interrupted: asked to stop.
        UsageError: there is no such source.
    """
    listened = {name: source for name, source in sources.items() if not names or name in names}
    with Watcher(listened, note) as watcher:
        while True:
            try:
                run(Request("run", names))
            except (Interrupted, UsageError):
                raise
            except Exception as error:
                told = advice(error)
                if told is None:
                    raise
                failed(told)
            watcher.wait(due())


def listen(address: str) -> socket.socket:
    """The socket of the web side.

    Args:
        address: HOST:PORT; port 0 takes a free one.

    Raises:
        UsageError: it cannot be had.
    """
    host, _, port = address.rpartition(":")
    host = host.strip("[]")
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, int(port)), family=family, backlog=_BACKLOG)
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        cure = "end what listens there, or name another address in `serve.listen`"
        raise UsageError(f"{address} cannot be listened on: {reason}", where="serve.listen", cure=cure) from None


class WebSide:
    """Keeps the web side up as long as the `with` lasts.

    Args:
        config_file: what it serves.
        listener: where.
        note: told when it ended and is started again.
    """

    def __init__(self, config_file: Path, listener: socket.socket, note: Callable[[str], None]) -> None:
        self._call = [sys.executable, "-m", "syncd.web", str(config_file), str(listener.fileno())]
        self._listener = listener
        self._note = note
        self._stopped = Event()
        self._process = self._start()
        self._keeper = Thread(target=self._keep, name="web side", daemon=True)

    def __enter__(self) -> Self:
        self._keeper.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stopped.set()
        self._process.terminate()
        try:
            self._process.wait(GRACE)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._listener.close()

    def _start(self) -> subprocess.Popen[bytes]:
        # A group of its own: what a terminal sends to stop us does not stop it before us.
        return subprocess.Popen(self._call, pass_fds=[self._listener.fileno()], process_group=0)  # noqa: S603 - our own words

    def _keep(self) -> None:
        pause = 1.0
        while not self._stopped.is_set():
            try:
                self._process.wait(_STEADY)
            except subprocess.TimeoutExpired:
                pause = 1.0
                continue
            if self._stopped.wait(pause):
                return
            self._note(f"the web side ended (exit {self._process.returncode}) and is started again")
            self._process = self._start()
            pause = min(pause * 2, _SLOWEST)
