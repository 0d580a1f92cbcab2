"""The program in a process of its own, without Python's start: forked from a server that has imported what it needs.

Half of what a small call takes is Python's start and its imports. The server imports once and then forks: each call still is a
process, with its own environment, folder, streams, signals and end. Calls whose environment says something that is looked at at the
start (PYTHON…, LC_…, COLUMNS) are started as usual; `House.syncd` knows.
"""

from __future__ import annotations

import atexit
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import IO, Any

ROOT = Path(__file__).parent.parent
_MOST = 1 << 20
_STARTERS = ("PYTHON", "LC_", "LANG", "COLUMNS", "LINES", "TERM", "NO_COLOR", "FORCE_COLOR", "TZ")
_AT_START = dict(os.environ)
WANTED = (
    "syncd.cli.runs",
    "syncd.cli.check",
    "syncd.cli.users",
    "syncd.bootstrap",
    "psycopg",
    "alembic.command",
    "httpx",
    "ldap3",
)
"""What is imported beforehand; all else when it is called, as ever."""


def suits(environment: Mapping[str, str]) -> bool:
    """Whether Python, and what is imported, would find the same at its start as the server did."""
    names = {name for name in {*environment, *_AT_START} if name.startswith(_STARTERS)} - {"PYTHONPATH"}
    return all(environment.get(name) == _AT_START.get(name) for name in names)


@dataclass
class Program:
    """A call of the program that was begun."""

    pid: int
    out: IO[bytes]
    err: IO[bytes]
    _end: socket.socket
    _code: int | None = field(default=None)

    def kill(self) -> None:
        """kill -9."""
        os.kill(self.pid, signal.SIGKILL)

    def wait(self, seconds: float = 120) -> int:
        """Its exit code; a signal's number, negative, where one ended it.

        Raises:
            TimeoutError: it did not end in time. It was killed, and is no more.
        """
        code = self.ended(seconds)
        if code is None:
            self.kill()
            self.ended(60)
            raise TimeoutError
        return code

    def ended(self, seconds: float) -> int | None:
        """The same; None when it goes on."""
        if self._code is None:
            self._end.settimeout(seconds)
            try:
                self._code = int(self._end.recv(64))
            except TimeoutError:
                return None
            self._end.close()
        return self._code

    def said(self) -> tuple[str, str]:
        """What it wrote, on standard output and standard error."""
        texts = []
        for stream in (self.out, self.err):
            stream.seek(0)
            texts.append(stream.read().decode())
            stream.close()
        return texts[0], texts[1]


def begin(words: Sequence[str], folder: Path, environment: Mapping[str, str], prepare: Sequence[Any] = ()) -> Program:
    """Begin `syncd WORDS`.

    Args:
        words: after `syncd`.
        folder: where it is called.
        environment: all of it.
        prepare: what the process does first: a function's name ("module:function") and its arguments, which JSON can hold.
    """
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    out, err = tempfile.TemporaryFile(), tempfile.TemporaryFile()  # noqa: SIM115 - they are read at the end
    asked = json.dumps([list(words), str(folder), dict(environment), list(prepare)]).encode()
    with its:
        socket.send_fds(_server(), [asked], [its.fileno(), out.fileno(), err.fileno()])
    return Program(int(ours.recv(64)), out, err, ours)


@cache
def _server() -> socket.socket:
    ours, its = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    ours.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, _MOST)
    with its:
        process = subprocess.Popen(
            [sys.executable, "-m", "tests.forking", str(its.fileno())],
            pass_fds=[its.fileno()],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )

    def end() -> None:
        process.kill()  # it has nothing to lose
        process.wait()
        ours.close()

    atexit.register(end)
    return ours


# --- the server ---------------------------------------------------------------------------------------------------


def serve(asking: socket.socket) -> None:
    """Fork for each call. Returns in the process of a call, which goes on as the program; and never in the server."""
    for name in WANTED:
        import_module(name)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)  # nobody waits for the attendants
    while True:
        asked, fds, _, _ = socket.recv_fds(asking, _MOST, 3)
        if not asked:
            sys.exit()
        if os.fork():
            for descriptor in fds:
                os.close(descriptor)
            continue
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        asking.close()
        if _attended(fds[0]):
            _become(fds, *json.loads(asked))
            return


def _attended(descriptor: int) -> bool:
    """True in a new process; its parent tells the number of this process and its exit code, and ends."""
    child = os.fork()
    if not child:
        return True
    with socket.socket(fileno=descriptor) as told:
        told.send(str(child).encode())
        _, status = os.waitpid(child, 0)
        told.send(str(os.waitstatus_to_exitcode(status)).encode())
    os._exit(0)


def _become(fds: list[int], words: list[str], folder: str, environment: dict[str, str], prepare: list[Any]) -> None:
    for descriptor, place in zip(fds[1:], (1, 2), strict=True):
        os.dup2(descriptor, place)
    for descriptor in fds:
        os.close(descriptor)
    os.chdir(folder)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = ["syncd", *words]
    if prepare:
        module, _, function = prepare[0].partition(":")
        getattr(import_module(module), function)(*prepare[1:])


if __name__ == "__main__":
    from syncd.cli import main

    with socket.socket(fileno=int(sys.argv[1])) as listening:
        serve(listening)
    main()
