"""The tables of who may use the console: people, their sessions, tokens of programs, links that let somebody in, attempts."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, String, Table, Text

from syncd.store.tables import Moment, metadata

console_users = Table(
    "console_users",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("name", String, nullable=False, comment="as the person writes it"),
    Column("name_key", String, nullable=False, unique=True, comment="as it is compared"),
    Column("role", String, nullable=False, comment="viewer | operator | approver | admin"),
    Column("issuer", String, comment="of the identity provider that vouches; None: a password of our own"),
    Column("subject", String, comment="the person's id there"),
    Column("password", Text, comment="argon2id, in its own notation; None: none yet, or an identity provider's person"),
    Column("totp", String, comment="the shared secret, base32; None: no second factor"),
    Column("totp_wanted", String, comment="a secret that waits for its first code"),
    Column(
        "totp_step", Integer, comment="of the last code that was taken: neither it nor an earlier one is taken again"
    ),
    Column("language", String),
    Column("made_at", Moment, nullable=False),
    Column("login_at", Moment, comment="the last one"),
    comment="people who may use the console",
    sqlite_autoincrement=True,
)
Index("console_users_subject", console_users.c.issuer, console_users.c.subject, unique=True)

console_codes = Table(
    "console_codes",
    metadata,
    Column("hash", String(64), primary_key=True, comment="SHA-256 of the person's number and a recovery code"),
    Column("user_id", Integer, nullable=False, index=True),
    comment="recovery codes that were not used yet",
    sqlite_with_rowid=False,
)

console_links = Table(
    "console_links",
    metadata,
    Column("hash", String(64), primary_key=True, comment="SHA-256 of the link's key"),
    Column("user_id", Integer, comment="who sets a password with it; None: it makes an admin"),
    Column("made_by", String, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
    comment="links that let somebody in once; a used one is gone",
    sqlite_with_rowid=False,
)

console_sessions = Table(
    "console_sessions",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("hash", String(64), nullable=False, unique=True, comment="SHA-256 of what the cookie holds"),
    Column("user_id", Integer, nullable=False, index=True),
    Column("began_at", Moment, nullable=False),
    Column("seen_at", Moment, nullable=False, comment="to the minute"),
    Column("address", String, nullable=False, comment="from where it began"),
    Column("agent", String, nullable=False, comment="the browser, as it calls itself"),
    Column("id_token", Text, comment="what the identity provider said; it is told whom to log out by it"),
    comment="who is logged in; an ended one is gone",
    sqlite_autoincrement=True,
)

console_tokens = Table(
    "console_tokens",
    metadata,
    Column("id", Integer, primary_key=True, autoincrement=True),
    Column("hash", String(64), nullable=False, unique=True, comment="SHA-256"),
    Column("prefix", String, nullable=False, comment="how it begins, to tell it by"),
    Column("name", String, nullable=False),
    Column("role", String, nullable=False),
    Column("made_by", String, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("expires_at", Moment),
    Column("revoked_at", Moment),
    Column("used_at", Moment, comment="to the minute"),
    comment="with what programs call the API",
    sqlite_autoincrement=True,
)

console_attempts = Table(
    "console_attempts",
    metadata,
    Column("who", String, primary_key=True, comment="`user NAME` or `address IP`"),
    Column("failures", Integer, nullable=False, comment="in a row"),
    Column("last_at", Moment, nullable=False, index=True),
    Column("until", Moment, nullable=False, comment="no attempt is looked at before"),
    comment="attempts to log in that failed, or are under way",
    sqlite_with_rowid=False,
)
