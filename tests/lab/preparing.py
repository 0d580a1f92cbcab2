"""What befalls the program's own process: called in it, before the program begins.

Moments are statements of the store: they are what one run does in order, whatever the source and the target.
"""

from __future__ import annotations

import ctypes
import os
import resource
import signal
import socket
import subprocess
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy import Engine, event

MOMENTS = {
    "starting": "INSERT INTO runs",
    "first record": "INSERT INTO records",
    "planning": "INSERT INTO plans",
    "applying": "INSERT INTO journal",
    "in the account": "INSERT INTO account_operations",
    "concluding": "UPDATE journal SET state",
    "ending": "UPDATE runs SET ended_at",
}
"""Moment -> the statement that begins so."""
_NETWORK = 0x40000000
"""CLONE_NEWNET, as `setns` takes it."""


def prepare(*deeds: list[Any]) -> None:
    """Do all of this: each is a function's name below, and its arguments."""
    for name, *arguments in deeds:
        globals()[name](*arguments)


def at(moment: str, deed: str, *arguments: Any) -> None:
    """Do it when this moment comes, once."""
    begins = MOMENTS[moment]
    met = []

    def before(_connection: object, _cursor: object, statement: str, *_: object) -> None:
        if not met and statement.startswith(begins):
            met.append(statement)
            globals()[deed](*arguments)

    event.listen(Engine, "before_cursor_execute", before)


def says(words: str, times: int, deed: str, *arguments: Any) -> None:
    """Do it when the process is about to say this on a socket of Python's for the so manieth time, once."""
    met, says_it = 0, socket.socket.sendall

    def before(self: socket.socket, data: Any, *flags: int) -> None:
        nonlocal met
        met += words.encode() in bytes(data)
        if met == times:
            met += 1
            globals()[deed](*arguments)
        says_it(self, data, *flags)

    socket.socket.sendall = before  # type: ignore[method-assign, assignment]


def kill() -> None:
    """kill -9."""
    os.kill(os.getpid(), signal.SIGKILL)


def interrupt() -> None:
    """What a service manager sends."""
    os.kill(os.getpid(), signal.SIGTERM)


def fill_disk(beside: str) -> None:
    """From now on no file grows: the store's log may be written as far as it is."""
    there = Path(f"{beside}-wal")
    size = max(there.stat().st_size if there.exists() else 0, 16_384)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, resource.RLIM_INFINITY))


def exchange(new: str, old: str) -> None:
    """Another export takes the place of the file."""
    Path(new).replace(old)


def tear(file: str, size: int) -> None:
    """The file ends after so many bytes, as it does while it is being written."""
    os.truncate(file, size)


def remove(file: str) -> None:
    """It is gone."""
    Path(file).unlink()


def clock(days: float) -> None:
    """The clock is so many days ahead."""
    import syncd.bootstrap

    syncd.bootstrap.open_app.__defaults__ = (lambda: datetime.now(UTC) + timedelta(days=days),)


def enter(namespace: str) -> None:
    """Be on this host: its network is ours from now on."""
    with Path(f"/run/netns/{namespace}").open("rb") as there:
        if ctypes.CDLL(None, use_errno=True).setns(there.fileno(), _NETWORK):
            raise OSError(ctypes.get_errno(), "setns")


def part(device: str, host: str = "") -> None:
    """The network of our host is cut off; of another one: its end of the cable is pulled, and ours hears no word of it."""
    subprocess.run(["ip", *(("-n", host) if host else ()), "link", "set", device, "down"], check=True)


def flicker(device: str, host: str, seconds: float) -> None:
    """The same, and the cable is put back by itself."""
    part(device, host)
    subprocess.Popen(["sh", "-c", f"sleep {seconds}; ip -n {host} link set {device} up"])
