"""Connected devices: each is signed in with a secret of its own, of which only the SHA-256 is stored.

A device that is signed out is forgotten. Statements and values only; who may sign in is decided elsewhere.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select, update

from connectors.errors import PermanentError, RefusedError
from connectors.fluix.account.connection import account_of
from connectors.fluix.account.credentials import users_of
from connectors.fluix.account.tables import activity, devices, users
from connectors.text import shown, unwanted_character

SEEN_EVERY = timedelta(minutes=1)
"""How exactly it is known when a device was last seen."""

_SECRET_BYTES = 32
_LONGEST = {"identifier": 200, "name": 100, "platform": 100, "app_version": 100}


@dataclass(frozen=True, slots=True)
class Device:
    """A device, as its app describes it."""

    identifier: str
    """What the app calls it: the same one again is the same device."""
    name: str
    platform: str = ""
    app_version: str = ""


@dataclass(frozen=True, slots=True)
class Session:
    """A user signed in on a device."""

    secret: str = field(repr=False)
    """What the app shows at each call; it is stored nowhere."""
    user_id: int
    device_id: int
    signed_out: tuple[str, ...] = ()
    """The names of the devices that were signed out to make room for this one."""


def checked(device: Device) -> Device:
    """The device, its values trimmed.

    Raises:
        RefusedError: a value is missing, too long or not plain text.
    """
    values = {name: plain(getattr(device, name), f"the device's {name}", most) for name, most in _LONGEST.items()}
    for name in ("identifier", "name"):
        if not values[name]:
            raise RefusedError(f"the device's {name} is empty", cure="update the app")
    return Device(**values)


def plain(text: str, what: str, most: int) -> str:
    """A text that can be stored and shown, trimmed.

    Raises:
        RefusedError: it is too long, or has characters that nobody sees.
    """
    text = text.strip()
    if len(text) > most:
        raise RefusedError(f"{what} has {len(text)} characters, and {most} are the most", cure="give a shorter one")
    if hidden := unwanted_character(text, joiners=True):
        raise RefusedError(f"{what} ({shown(text)}) contains {hidden}", cure="give it without")
    return text


def digest(secret: str) -> str:
    """A secret as it is stored. It is random: nobody finds it by guessing, and so it needs no slow hash."""
    return hashlib.sha256(secret.encode(errors="surrogatepass")).hexdigest()


def register(
    connection: Connection, user_id: int, device: Device, limit: int, now: datetime
) -> tuple[Session, list[Row[Any]]]:
    """Sign a device in; the user's first ones go while there are more than the limit.

    The first is who signed in first; to sign in again on a device is to sign in last.

    Returns:
        The session, and the rows of the devices that were signed out.
    """
    secret = secrets.token_urlsafe(_SECRET_BYTES)
    values: dict[str, Any] = {"name": device.name, "platform": device.platform, "app_version": device.app_version}
    values |= {"session": digest(secret), "signed_in_at": now, "seen_at": now}
    same = (devices.c.user_id == user_id, devices.c.identifier == device.identifier)
    device_id = connection.execute(select(devices.c.device_id).where(*same)).scalar()
    if device_id is None:
        new = insert(devices).values(user_id=user_id, identifier=device.identifier, **values)
        device_id = connection.execute(new.returning(devices.c.device_id)).scalar_one()
    else:
        connection.execute(update(devices).where(devices.c.device_id == device_id).values(**values))
    others = [row for row in connected(connection, user_id) if row.device_id != device_id]
    surplus = others[: max(0, len(others) + 1 - max(1, limit))]
    remove(connection, surplus)
    return Session(secret, user_id, device_id, tuple(row.name for row in surplus)), surplus


def connected(connection: Connection, user_id: int) -> list[Row[Any]]:
    """A user's devices that are signed in, the first one first."""
    query = select(devices).where(devices.c.user_id == user_id, devices.c.session.is_not(None))
    return list(connection.execute(query.order_by(devices.c.signed_in_at, devices.c.device_id)))


def of_secret(connection: Connection, secret: str) -> Row[Any]:
    """The device that was signed in with this secret.

    Raises:
        RefusedError: there is none in this account (any more).
    """
    query = select(devices).join(users, users.c.user_id == devices.c.user_id)
    here = (devices.c.session == digest(secret), users.c.account == account_of(connection))
    row = connection.execute(query.where(*here)).first()
    if row is None:
        raise RefusedError("the device is not signed in (any more)", cure="sign in again")
    return row


def seen(connection: Connection, device_id: int, now: datetime) -> None:
    """Note that a device was there, at most once a minute."""
    stale = (devices.c.device_id == device_id, devices.c.seen_at <= now - SEEN_EVERY)
    connection.execute(update(devices).where(*stale).values(seen_at=now))


def named(connection: Connection, user_id: int, which: int | str, email: str) -> Row[Any]:
    """One device of a user, by its id as lists show it, or by its identifier.

    Raises:
        PermanentError: the user has none such that is signed in.
    """
    there = connected(connection, user_id)
    for ours in ("device_id", "identifier"):
        for row in there:
            if str(getattr(row, ours)) == str(which):
                return row
    names = ", ".join(f"{row.device_id} ({row.name})" for row in there)
    what = f"{email} has no connected device {shown(str(which))}: there {'are ' + names if names else 'is none'}"
    raise PermanentError(what, where=email, cure=f"see `syncd users devices {email}`")


def sign_out_everywhere(connection: Connection, email_key: str, why: str, now: datetime) -> int:
    """Sign out every device of a person, in every account of the store, with a row in each account's activity."""
    rows: list[dict[str, Any]] = []
    for user in users_of(connection, [email_key]):
        there = connected(connection, user.user_id)
        remove(connection, there)
        same = {"account": user.account, "at": now, "user_id": user.user_id, "kind": "signed out"}
        rows += [{**same, "text": f"{row.name}: {why}"} for row in there]
    if rows:
        connection.execute(insert(activity), rows)
    return len(rows)


def remove(connection: Connection, rows: Iterable[Row[Any]]) -> None:
    """Sign devices out."""
    ids = [row.device_id for row in rows]
    if ids:
        connection.execute(delete(devices).where(devices.c.device_id.in_(ids)))
