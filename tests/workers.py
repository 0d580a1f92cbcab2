"""Apply workers as processes, for tests."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from os import environ
from pathlib import Path
from threading import Thread

from tests.house import House
from tests.serving import PATIENCE, until

_AT_BORDER = """
import os, signal, socket
from sqlalchemy import Engine, event
from syncd.daemon.working import Working
borders, take = 0, Working.take
def border(connection):
    global borders
    borders += 1
    if borders {when} {border}:
        {deed}
def begin_to_count(self, **told):
    if not borders:
        event.listen(Engine, "begin", border)
        event.listen(Engine, "commit", border)
    take(self, **told)
Working.take = begin_to_count
"""
DIES = "os.kill(os.getpid(), signal.SIGKILL)"
LOSES = "socket.socket(fileno=os.dup(connection.connection.dbapi_connection.fileno())).shutdown(socket.SHUT_RDWR)"
"""The connection that this transaction is on."""


def at_border(border: int, deed: str, when: str = "==") -> str:
    """Python for `before`: what befalls the worker at this border of a transaction, counted from its first parcel on."""
    return _AT_BORDER.format(border=border, deed=deed, when=when)


@dataclass
class Worker:
    """A worker that runs."""

    process: subprocess.Popen[str]
    said: list[str] = field(default_factory=list)

    def tells(self, words: str) -> bool:
        return any(words in line for line in list(self.said))


@contextmanager
def working(house: House, before: str = "") -> Iterator[Worker]:
    """One worker; `before` is Python that the process does first."""
    words = ["worker", "--config", str(house.config)]
    call = [sys.executable, "-c", f"{before}\nfrom syncd.cli import main; main()", *words]
    process = subprocess.Popen(
        call,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        cwd=Path(__file__).parent.parent,
        env={**environ, "COLUMNS": "400"},
    )
    worker = Worker(process)

    def listen() -> None:
        assert process.stdout is not None
        worker.said.extend(iter(process.stdout.readline, ""))

    reader = Thread(target=listen, daemon=True)
    reader.start()
    try:
        until(lambda: worker.tells("works: takes what") or process.poll() is not None)
        yield worker
    finally:
        process.kill()
        process.wait()
        reader.join(PATIENCE)
        assert process.stdout is not None
        process.stdout.close()
