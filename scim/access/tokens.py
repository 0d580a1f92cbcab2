"""Bearer tokens and OAuth clients: made, shown once, kept as hashes, found again, revoked. Decides nothing about requests.

A token is 256 random bits, so that its hash needs no salt and no slow function: nobody can try them. Looking it up by the hash
takes the same time for every wrong token, since the hash of a guess tells nothing about the guess beside it.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, bindparam, delete, insert, or_, select, update

from scim.access.scopes import Scope, Subject
from scim.access.tables import buckets, credentials

_BYTES = 32
_SHOWN = 8
_USED_EVERY = timedelta(minutes=1)

_COLUMNS = [column for column in credentials.c if column.name != "hash"]
_BY_HASH = select(*credentials.c).where(credentials.c.hash == bindparam("wanted"))


@dataclass(frozen=True, slots=True)
class Credential:
    """A token or a client, without its secret."""

    credential_id: int
    tenant: str
    kind: str
    prefix: str
    client_id: str | None
    client: int | None
    scope: Scope
    label: str
    created_at: datetime
    expires_at: datetime | None
    revoked_at: datetime | None
    used_at: datetime | None

    def usable(self, now: datetime) -> bool:
        """Whether it is neither revoked nor expired."""
        return self.revoked_at is None and (self.expires_at is None or now < self.expires_at)

    @property
    def subject(self) -> Subject:
        """Who is let in with it."""
        return Subject(self.credential_id, self.tenant, self.kind, self.prefix, self.scope, self.label)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a new token or client shall be: whose, what it may do, a name for people, and how long it lasts (None: for good)."""

    tenant: str
    scope: Scope = "write"
    label: str = ""
    lasts: timedelta | None = None


@dataclass(frozen=True, slots=True)
class Issued:
    """A new token or client's secret: the only moment at which it can be seen."""

    secret: str
    credential: Credential


def digest(secret: str) -> str:
    """What is kept of a secret: SHA-256, in hex."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def issue_token(connection: Connection, wanted: Wanted, now: datetime) -> Issued:
    """Make a bearer token. Those that are there stay valid, so that one can be put in the place of another."""
    secret = f"fxs_{secrets.token_urlsafe(_BYTES)}"
    return _issue(connection, wanted, now, secret, kind="token", prefix=secret[: len("fxs_") + _SHOWN])


def issue_client(connection: Connection, wanted: Wanted, now: datetime) -> Issued:
    """Make an OAuth client: an id, and a secret with which it gets short-lived access tokens (RFC 6749, section 4.4)."""
    client_id = f"fxc_{secrets.token_hex(_SHOWN)}"
    secret = f"fxk_{secrets.token_urlsafe(_BYTES)}"
    return _issue(connection, wanted, now, secret, kind="client", prefix=client_id, client_id=client_id)


def issue_access(connection: Connection, client: Credential, wanted: Wanted, now: datetime, secret: str) -> Issued:
    """Keep an access token that a client got; its older ones that are over go."""
    over = (credentials.c.client == client.credential_id) & (credentials.c.expires_at <= now)
    numbers = select(credentials.c.credential_id).where(over)
    connection.execute(delete(buckets).where(buckets.c.credential_id.in_(numbers)))
    connection.execute(delete(credentials).where(over))
    more = {"prefix": client.prefix, "client": client.credential_id}
    return _issue(connection, wanted, now, secret, kind="access", **more)


def _issue(connection: Connection, wanted: Wanted, now: datetime, secret: str, **more: Any) -> Issued:
    values = {
        "tenant": wanted.tenant,
        "scope": wanted.scope,
        "label": wanted.label,
        "created_at": now,
        "expires_at": now + wanted.lasts if wanted.lasts else None,
        "hash": digest(secret),
        **more,
    }
    number = connection.execute(
        insert(credentials).values(**values).returning(credentials.c.credential_id)
    ).scalar_one()
    row = connection.execute(select(*_COLUMNS).where(credentials.c.credential_id == number)).one()
    return Issued(secret, _credential(row))


def find_token(connection: Connection, token: str) -> Credential | None:
    """The bearer or access token with this secret, valid or not."""
    found = _by_hash(connection, token)
    return found if found is not None and found.kind != "client" else None


def find_client(connection: Connection, client_id: str) -> tuple[Credential, str] | None:
    """The client with this id, and its secret's hash."""
    row = connection.execute(select(*credentials.c).where(credentials.c.client_id == client_id)).one_or_none()
    return (_credential(row), row.hash) if row else None


def is_secret(hashed: str, secret: str) -> bool:
    """Whether this is the secret that was hashed; in constant time."""
    return hmac.compare_digest(hashed, digest(secret))


def _by_hash(connection: Connection, secret: str) -> Credential | None:
    wanted = digest(secret)
    row = connection.execute(_BY_HASH, {"wanted": wanted}).one_or_none()
    return _credential(row) if row is not None and hmac.compare_digest(row.hash, wanted) else None


def used(connection: Connection, credential: Credential, now: datetime) -> None:
    """Note that it, and where it is an access token its client, was used; at most once a minute."""
    late = or_(credentials.c.used_at.is_(None), credentials.c.used_at <= now - _USED_EVERY)
    numbers = [credential.credential_id, *([credential.client] if credential.client else [])]
    connection.execute(update(credentials).where(credentials.c.credential_id.in_(numbers), late).values(used_at=now))


def is_due(credential: Credential, now: datetime) -> bool:
    """Whether its use would be noted now."""
    return credential.used_at is None or now - credential.used_at >= _USED_EVERY


def rotate(connection: Connection, number: int, overlap: timedelta, now: datetime) -> Issued | None:
    """Make a token or a client that follows another one, which ends after the overlap. It lasts as long as the other was to.

    Args:
        connection: to the store.
        number: the other's.
        overlap: how long both are valid.
        now: the present moment.

    Returns:
        The new one; None: there is no such number, or it is worthless already.
    """
    row = connection.execute(select(*_COLUMNS).where(credentials.c.credential_id == number)).one_or_none()
    old = _credential(row) if row is not None and row.kind != "access" else None
    if old is None or not old.usable(now):
        return None
    lasts = old.expires_at - old.created_at if old.expires_at else None
    issue = issue_client if old.kind == "client" else issue_token
    made = issue(connection, Wanted(old.tenant, old.scope, old.label, lasts), now)
    ends = min(now + overlap, old.expires_at) if old.expires_at else now + overlap
    connection.execute(update(credentials).where(credentials.c.credential_id == number).values(expires_at=ends))
    return made


def listed(connection: Connection, tenant: str | None = None) -> list[Credential]:
    """Every token and client, oldest first, without the access tokens that clients got."""
    query = select(*_COLUMNS).where(credentials.c.kind != "access").order_by(credentials.c.credential_id)
    if tenant is not None:
        query = query.where(credentials.c.tenant == tenant)
    return [_credential(row) for row in connection.execute(query)]


def revoke(connection: Connection, number: int, now: datetime) -> Credential | None:
    """Make a token or a client, with all that it got, worthless from this moment on; None: there is no such number."""
    row = connection.execute(select(*_COLUMNS).where(credentials.c.credential_id == number)).one_or_none()
    if row is None or row.kind == "access":
        return None
    found = _credential(row)
    mine = or_(credentials.c.credential_id == number, credentials.c.client == number)
    valid = credentials.c.revoked_at.is_(None)
    connection.execute(update(credentials).where(mine, valid).values(revoked_at=now))
    return found if found.revoked_at else replace(found, revoked_at=now)


def _credential(row: Row[Any]) -> Credential:
    return Credential(**{name: getattr(row, name) for name in Credential.__slots__})
