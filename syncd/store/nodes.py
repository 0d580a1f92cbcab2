"""Who leads, and which workers there are: each machine's processes say so, and others read it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, Engine, delete, select, update

from syncd.store.engine import reading, writing
from syncd.store.leases import holder
from syncd.store.node_tables import nodes
from syncd.store.sql import upsert


@dataclass(frozen=True, slots=True)
class Node:
    """One process."""

    holder: str
    """HOST:PID."""
    role: str
    """leader | worker"""
    calling: str
    """What both sides of a parcel have to agree about; see `App.calling`."""
    began_at: datetime
    beat_at: datetime
    worker_id: int | None = None


def lead(engine: Engine, calling: str, now: datetime) -> None:
    """This process leads from now on."""
    with writing(engine) as connection:
        connection.execute(delete(nodes).where(nodes.c.role == "leader"))
        _put(connection, Node(holder(), "leader", calling, now, now))


def beat(engine: Engine, now: datetime) -> None:
    """The leader's sign of life."""
    with writing(engine) as connection:
        connection.execute(update(nodes).where(nodes.c.holder == holder()).values(beat_at=now))


def join(engine: Engine, worker_id: int, calling: str, now: datetime) -> None:
    """This process is a worker, with Procrastinate's number."""
    with writing(engine) as connection:
        _put(connection, Node(holder(), "worker", calling, now, now, worker_id))


def leave(engine: Engine) -> None:
    """This process is nothing of the kind any more."""
    with writing(engine) as connection:
        connection.execute(delete(nodes).where(nodes.c.holder == holder()))


def leader(engine: Engine) -> Node | None:
    """Who leads, or led last."""
    with reading(engine) as connection:
        row = connection.execute(select(nodes).where(nodes.c.role == "leader")).mappings().first()
    return Node(**row) if row else None


def _put(connection: Connection, node: Node) -> None:
    row = {name: getattr(node, name) for name in Node.__dataclass_fields__}
    connection.execute(upsert(connection, nodes), [row])
