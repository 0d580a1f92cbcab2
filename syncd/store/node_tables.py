"""The tables of several machines on one store: who may write, who is there, what was due, and what workers are given."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Float, Index, Integer, String, Table

from syncd.store.tables import Json, Moment, metadata

terms = Table(
    "terms",
    metadata,
    Column("name", String, primary_key=True, comment="what is held: `run`, `lead`, `parcel 12`"),
    Column("number", Integer, nullable=False, comment="of whoever took it last: others write no more under this name"),
    comment="fencing: each holder has a number, and every write of its run looks whether it is still the last one",
    sqlite_with_rowid=False,
)

firings = Table(
    "firings",
    metadata,
    Column("name", String, primary_key=True, comment="a source with a schedule of its own; empty: all others"),
    Column("planned", Moment, primary_key=True, comment="when it was due"),
    Column("state", String, nullable=False, comment="begun | done"),
    Column("run_id", Integer, comment="the run that it came to"),
    comment="what was due, so that it happens once whoever leads",
    sqlite_with_rowid=False,
)

nodes = Table(
    "nodes",
    metadata,
    Column("holder", String, primary_key=True, comment="HOST:PID"),
    Column("role", String, nullable=False, comment="leader | worker"),
    Column(
        "calling",
        String,
        nullable=False,
        comment="the store's revision and a digest of the configuration that it goes by",
    ),
    Column("worker_id", Integer, comment="of a worker: Procrastinate's number, under which its heartbeat stands"),
    Column("began_at", Moment, nullable=False),
    Column("beat_at", Moment, nullable=False, comment="of the leader: its last sign of life"),
    comment="who leads, and which workers there are",
    sqlite_with_rowid=False,
)

parcels = Table(
    "parcels",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("run_id", Integer, nullable=False),
    Column("plan_id", Integer, nullable=False),
    Column("term", Integer, nullable=False, comment="the run's number in `terms`"),
    Column("attempt", Integer, nullable=False, comment="the parcel's own number in `terms`"),
    Column("keys", Json, nullable=False, comment="the changes, in their order"),
    Column("fresh", Boolean, nullable=False, comment="whether the plan was made just now, under the same lock"),
    Column("actor", String, nullable=False, comment="who runs, for the audit"),
    Column("job_id", Integer, comment="Procrastinate's number of the job that carries it"),
    Column("state", String, nullable=False, comment="waiting | done | failed"),
    Column("result", Json, comment="done: how many were read back; failed: what, where, cure"),
    comment="changes of the run under way, as workers are given them",
    sqlite_autoincrement=True,
)
Index("parcels_run", parcels.c.run_id)

paces = Table(
    "paces",
    metadata,
    Column("name", String, primary_key=True, comment="whose requests"),
    Column(
        "free_at",
        Float,
        nullable=False,
        comment="seconds since 1970, by the database's clock: the next one is free then",
    ),
    comment="one rate for all who ask the target",
    sqlite_with_rowid=False,
)
