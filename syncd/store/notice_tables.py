"""The outbox of messages to people: what they are told, by whom it was taken, and what waits."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text

from syncd.store.tables import Json, Moment, metadata

notification_outbox = Table(
    "notification_outbox",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("target", String, nullable=False, comment="the receiver's name in the configuration; never its address"),
    Column("event", String, nullable=False),
    Column("key", String, nullable=False, comment="what it is about: told once while it lasts"),
    Column(
        "facts", Json, nullable=False, comment="what a template is given; personal data only where that is configured"
    ),
    Column("state", String, nullable=False, comment="waiting | sending | sent | failed | over"),
    Column("tries", Integer, nullable=False),
    Column("queued_at", Moment, nullable=False),
    Column(
        "next_at", Moment, nullable=False, comment="when it is due; while it is being sent, until when that may take"
    ),
    Column("sent_at", Moment),
    Column("message", String, comment="which message it went out with: several can go in one"),
    Column("error", Text, comment="what the last try said"),
    Column("ended_at", Moment, comment="when what it is about was well again: from then on it would be told anew"),
    comment="messages to people",
    sqlite_autoincrement=True,
)
_LASTS = notification_outbox.c.ended_at.is_(None)
Index(
    "notification_outbox_once",
    notification_outbox.c.target,
    notification_outbox.c.key,
    unique=True,
    sqlite_where=_LASTS,
    postgresql_where=_LASTS,
)
Index("notification_outbox_due", notification_outbox.c.state, notification_outbox.c.next_at)
