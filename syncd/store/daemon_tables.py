"""The tables of the daemon: what it is asked for, how far a run is, who runs, what somebody has to be told."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, LargeBinary, String, Table, Text

from syncd.store.tables import Json, Moment, metadata

wishes = Table(
    "wishes",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String, nullable=False, comment="run | plan | apply | user_run"),
    Column("plan_id", Integer, comment="of `apply`"),
    Column("sources", Json, nullable=False, comment="a list of names; empty: all"),
    Column("email", String, comment="of `user_run`"),
    Column("asked_by", String, nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("state", String, nullable=False, comment="waiting | running | done | failed | refused"),
    Column("taken", Integer, nullable=False, comment="how often somebody began it"),
    Column("run_id", Integer, comment="the run that did it"),
    Column("message", Text, nullable=False),
    Column("ended_at", Moment),
    comment="what the console, the API or a webhook asks the daemon to do",
    sqlite_autoincrement=True,
)
_OPEN = wishes.c.ended_at.is_(None)
Index("wishes_open", wishes.c.state, wishes.c.id, sqlite_where=_OPEN, postgresql_where=_OPEN)

run_progress = Table(
    "run_progress",
    metadata,
    Column("run_id", Integer, primary_key=True, autoincrement=False),
    Column("stage", String, nullable=False, comment="what is under way: `read people`, `applied`, …"),
    Column("count", Integer, nullable=False, comment="how much of this stage is done"),
    Column("total", Integer, comment="of how much; None: nobody knows"),
    Column("at", Moment, nullable=False, comment="when it moved last"),
    comment="how far the run is that is under way",
)

leases = Table(
    "leases",
    metadata,
    Column("name", String, primary_key=True, comment="what is held: `run`"),
    Column("holder", String, nullable=False, comment="HOST:PID"),
    Column("run_id", Integer),
    Column("began_at", Moment, nullable=False),
    Column("beat_at", Moment, nullable=False, comment="the holder's last sign of life"),
    sqlite_with_rowid=False,
)

alerts = Table(
    "alerts",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("kind", String, nullable=False, comment="missed_run | hung_run | no_success | failed_run | quarantine"),
    Column("subject", String, nullable=False, comment="what it is about: a source, a run; empty: the daemon"),
    Column("message", Text, nullable=False),
    Column("raised_at", Moment, nullable=False),
    Column("ended_at", Moment),
    Column("told_at", Moment, comment="when it was sent to somebody"),
    comment="what somebody has to be told; one of a kind and subject is open at a time",
    sqlite_autoincrement=True,
)
_NOW = alerts.c.ended_at.is_(None)
Index("alerts_open", alerts.c.kind, alerts.c.subject, unique=True, sqlite_where=_NOW, postgresql_where=_NOW)

hook_calls = Table(
    "hook_calls",
    metadata,
    Column("signature", LargeBinary(32), primary_key=True, comment="of a webhook call that was taken"),
    Column("at", Moment, nullable=False),
    comment="so that nobody can send the same call again",
    sqlite_with_rowid=False,
)
