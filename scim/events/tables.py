"""What the room keeps: SQLAlchemy Core tables, portable between SQLite and PostgreSQL. No statements here."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, Table, Text, text

from scim.access.metadata import Moment
from scim.metadata import scim_metadata

events = Table(
    "scim_events",
    scim_metadata,
    Column("event_id", Integer, primary_key=True),
    Column("tenant", Text, nullable=False),
    Column("jti", Text, nullable=False, unique=True),
    Column("claims", Text, nullable=False, comment="what is signed when it is delivered, as JSON"),
    Column("created_at", Moment, nullable=False),
    Column("tries", Integer, nullable=False),
    Column("next_try_at", Moment, nullable=False),
    Column("error", Text, comment="what the receiver said last"),
    Column("failed_at", Moment, comment="when it was given up; None: it waits"),
    sqlite_autoincrement=True,  # events keep their order, whatever was deleted
)
Index(
    "ix_scim_events_waiting",
    events.c.tenant,
    events.c.event_id,
    sqlite_where=text("failed_at IS NULL"),
    postgresql_where=text("failed_at IS NULL"),
)

keys = Table(
    "scim_event_keys",
    scim_metadata,
    Column("kid", Text, primary_key=True),
    Column("private", Text, nullable=False, comment="the key as a JWK; whoever can read the store can sign"),
    Column("created_at", Moment, nullable=False),
    sqlite_with_rowid=False,
)
