"""The table of what MDM products were given."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Integer, PrimaryKeyConstraint, String, Table, Text

from syncd.store.tables import Moment, metadata

mdm_deliveries = Table(
    "mdm_deliveries",
    metadata,
    Column("target", String, nullable=False),
    Column("place", String, nullable=False, comment="a bundle identifier, or a device's enrollment id"),
    Column("state", String, nullable=False),
    Column("at", Moment, nullable=False),
    Column("digest", String, nullable=False, comment="of the config that was sent last; empty: none was"),
    Column("round", Integer, nullable=False, comment="makes one try's commands different from the next one's"),
    Column("command", String, nullable=False),
    Column("question", String, nullable=False),
    Column("older", Text, nullable=False, comment="UUIDs of earlier commands with a config"),
    Column("applied", Boolean, nullable=False),
    Column("held", Text, comment="what the device told, as a property list"),
    Column("note", Text, nullable=False),
    PrimaryKeyConstraint("target", "place"),
    comment="what MDM products were given",
    sqlite_with_rowid=False,
)
