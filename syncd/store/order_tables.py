"""The tables of the portal: the last export with its users, work orders with their items, and calls of the webhook."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, Index, Integer, LargeBinary, PrimaryKeyConstraint, String, Table, Text

from syncd.store.tables import Json, Moment, metadata

portal_exports = Table(
    "portal_exports",
    metadata,
    Column("account", String, primary_key=True),
    Column("file", String, nullable=False),
    Column("dated_at", Moment, nullable=False, comment="when it was made, by its name or its modification time"),
    Column("read_at", Moment, nullable=False),
    Column("digest", LargeBinary(16), nullable=False),
    Column("users", Integer, nullable=False),
    Column("final_break", Boolean, nullable=False, comment="whether its last line was ended"),
    Column("states_told", Boolean, nullable=False),
    comment="the export that was read last",
    sqlite_with_rowid=False,
)

portal_users = Table(
    "portal_users",
    metadata,
    Column("account", String, nullable=False),
    Column("fluix_id", String, nullable=False, comment="the address under which the user was first met"),
    Column("address", String, nullable=False, comment="the email now, as it is compared"),
    Column("attributes", Json, nullable=False),
    PrimaryKeyConstraint("account", "fluix_id"),
    sqlite_with_rowid=False,
)
Index("portal_users_address", portal_users.c.account, portal_users.c.address, unique=True)

work_orders = Table(
    "work_orders",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("account", String, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("ready_at", Moment, comment="when its files were there; none while it is collected"),
    Column("notice", String, nullable=False, comment="none | due | sending | sent | refused"),
    Column("notice_at", Moment),
    Column("notice_text", Text, nullable=False),
    sqlite_autoincrement=True,
)

work_items = Table(
    "work_items",
    metadata,
    Column("operation_id", String, primary_key=True),
    Column("account", String, nullable=False),
    Column("order_number", Integer, nullable=False),
    Column("place", Integer, nullable=False, comment="its number inside the order, from 1"),
    Column("asked_by", String, nullable=False, comment="the operation in the journal"),
    Column("wish", String, nullable=False, comment="what makes two wishes the same"),
    Column("verb", String, nullable=False),
    Column("fluix_id", String),
    Column("content", Json, nullable=False, comment="the step's values, and why it is wanted"),
    Column("in_import", Boolean, nullable=False),
    Column("ordered_at", Moment, nullable=False),
    Column("closed_at", Moment),
    Column("closed_by", String, nullable=False, comment="the export's file, or who said so; empty while it waits"),
    Column("confirmed_at", Moment),
    Column("confirmed_by", String, nullable=False),
    Column("withdrawn_at", Moment),
    Column("withdrawn_why", Text, nullable=False),
    Column("told_in", Integer, comment="the order in which its withdrawal was told"),
    sqlite_with_rowid=False,
)
Index("work_items_order", work_items.c.order_number, work_items.c.place)
Index(
    "work_items_waiting",
    work_items.c.account,
    work_items.c.wish,
    sqlite_where=work_items.c.closed_at.is_(None),
    postgresql_where=work_items.c.closed_at.is_(None),
)

webhook_calls = Table(
    "webhook_calls",
    metadata,
    Column("number", Integer, primary_key=True, autoincrement=True),
    Column("account", String, nullable=False),
    Column("at", Moment, nullable=False),
)
