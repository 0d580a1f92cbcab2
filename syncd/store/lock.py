"""One run at a time on one store.

On SQLite a lock on a file beside the store, which the system lets go when the process ends, however it ends; the file says
who holds it, and since when. On PostgreSQL see `lock_postgresql`.
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import os
import socket
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from sqlalchemy import Engine

from syncd.errors import LockedError, StoreError
from syncd.store.lock_postgresql import advisory_lock
from syncd.store.turns import take_turn


@contextlib.contextmanager
def run_lock(
    engine: Engine,
    command: str,
    now: datetime,
    *,
    wait_seconds: float = 0.0,
    monotonic: Callable[[], float] = time.monotonic,
) -> Iterator[Engine]:
    """Hold the store's lock.

    Args:
        engine: the store's.
        command: what for, as the next one is told: `syncd run`.
        now: since when.
        wait_seconds: how long to wait for another holder.
        monotonic: the clock of the waiting.

    Yields:
        The store as the holder is to write it: on PostgreSQL fenced, so that one who lost the lock without knowing it writes no
        more once somebody else has it.

    Raises:
        LockedError: somebody else holds it; says who, and since when.
        StoreError: the lock's file cannot be written.
    """
    if engine.dialect.name == "postgresql":
        with advisory_lock(engine, command, wait_seconds=wait_seconds, monotonic=monotonic) as store:
            yield store
        return
    database = engine.url.database
    if not database or database == ":memory:":
        yield engine
        return
    path = Path(f"{database}.lock")
    try:
        file = path.open("a+", encoding="utf-8")
    except OSError as error:
        cure = "give this user the right to write the store's folder"
        raise StoreError(f"the lock cannot be taken: {error.strerror}", where=str(path), cure=cure) from error
    with file:
        take_turn(lambda: _try(file.fileno()), lambda: _held(path), wait_seconds, monotonic)
        file.seek(0)
        file.truncate()
        holder = {
            "pid": os.getpid(),
            "host": socket.gethostname(),
            "command": command,
            "since": now.isoformat("T", "seconds"),
        }
        file.write(json.dumps(holder))
        file.flush()
        try:
            yield engine
        finally:
            with contextlib.suppress(OSError):
                file.truncate(0)


def _try(descriptor: int) -> bool:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _held(path: Path) -> LockedError:
    try:
        holder = json.loads(path.read_text(encoding="utf-8"))
        who = f"`{holder['command']}` (process {holder['pid']} on {holder['host']}) holds it since {holder['since']}"
    except (ValueError, KeyError, TypeError, OSError):
        who = "another process holds it"
    return LockedError(
        f"another run is under way: {who}", where=str(path), cure="wait until it ends, or use --wait SECONDS"
    )
