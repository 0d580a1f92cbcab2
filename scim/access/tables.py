"""What the room keeps: SQLAlchemy Core tables, portable between SQLite and PostgreSQL. No statements here."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, Float, ForeignKey, Index, Integer, Table, Text

from scim.access.metadata import Moment
from scim.metadata import scim_metadata

credentials = Table(
    "scim_credentials",
    scim_metadata,
    Column("credential_id", Integer, primary_key=True),
    Column("tenant", Text, nullable=False, index=True),
    Column("kind", Text, nullable=False),
    Column("hash", Text, nullable=False, unique=True, comment="SHA-256 of the token or the client's secret, in hex"),
    Column("prefix", Text, nullable=False, comment="how it begins, or the client's id: for people to tell it by"),
    Column("client_id", Text, unique=True, comment="of a client: what it calls itself"),
    Column("client", ForeignKey("scim_credentials.credential_id"), index=True, comment="of an access token: whose"),
    Column("scope", Text, nullable=False),
    Column("label", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("revoked_at", Moment),
    Column("used_at", Moment, comment="written at most once a minute"),
    CheckConstraint("kind IN ('token', 'client', 'access')", name="kind"),
    CheckConstraint("scope IN ('read', 'write', 'events')", name="scope"),
    sqlite_autoincrement=True,  # a number is never given to a second token
)

buckets = Table(
    "scim_buckets",
    scim_metadata,
    Column("credential_id", ForeignKey("scim_credentials.credential_id"), primary_key=True, autoincrement=False),
    Column("full_at", Float, nullable=False, comment="seconds since 1970: when the bucket will be full again"),
)

calls = Table(
    "scim_calls",
    scim_metadata,
    Column("call_id", Integer, primary_key=True),
    Column("at", Moment, nullable=False),
    Column("tenant", Text, nullable=False),
    Column("prefix", Text, comment="of the token; None: nobody was let in"),
    Column("address", Text, nullable=False),
    Column("method", Text, nullable=False),
    Column("path", Text, nullable=False),
    Column("query", Text),
    Column("status", Integer, nullable=False),
    Column("milliseconds", Float, nullable=False),
    Column("raw", Text, comment="the body as it came, cut as configured"),
    Column("normalised", Text, comment="query and body as they were read; None: as they came"),
    Column("notes", Text, comment="what was normalised, or why nobody was let in"),
    Index("ix_scim_calls_tenant_at", "tenant", "at"),
)
