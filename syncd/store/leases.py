"""Who runs: the holder of the run lock says so, with a sign of life every few seconds, so that others see whether it lives."""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import Engine, delete, select, update

from syncd.store.daemon_tables import leases
from syncd.store.engine import reading, writing
from syncd.store.sql import upsert

RUN: Final = "run"
"""The lease of whoever runs."""


@dataclass(frozen=True, slots=True)
class Lease:
    """Who holds it, for which run, since when, and the last sign of life."""

    name: str
    holder: str
    run_id: int | None
    began_at: datetime
    beat_at: datetime


def holder() -> str:
    """This process: HOST:PID."""
    return f"{socket.gethostname()}:{os.getpid()}"


def hold(engine: Engine, lease: Lease) -> Lease | None:
    """Take the lease; the lock decides who may.

    Returns:
        The lease of a holder that did not give it back: its process was killed.
    """
    before = find(engine, lease.name)
    row = {
        "name": lease.name,
        "holder": lease.holder,
        "run_id": lease.run_id,
        "began_at": lease.began_at,
        "beat_at": lease.beat_at,
    }
    with writing(engine, read_again=True) as connection:
        connection.execute(upsert(connection, leases), [row])
    return before


def beat(engine: Engine, name: str, now: datetime) -> None:
    """A sign of life."""
    with writing(engine, read_again=True) as connection:
        connection.execute(update(leases).where(leases.c.name == name).values(beat_at=now))


def release(engine: Engine, name: str) -> None:
    """Give it back."""
    with writing(engine, read_again=True) as connection:
        connection.execute(delete(leases).where(leases.c.name == name))


def find(engine: Engine, name: str = RUN) -> Lease | None:
    """Who holds it."""
    with reading(engine) as connection:
        row = connection.execute(select(leases).where(leases.c.name == name)).mappings().first()
    return Lease(**row) if row else None
