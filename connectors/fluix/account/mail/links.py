"""Signed links: what a mail's link says, that we said it, and when. Whether it was used already is the consumer's question."""

from __future__ import annotations

import secrets
from datetime import UTC, datetime, timedelta
from typing import Any

from itsdangerous import BadData, BadSignature, TimestampSigner, URLSafeTimedSerializer
from sqlalchemy import Connection, insert, select

from connectors.errors import RefusedError
from connectors.fluix.account.connection import account_of
from connectors.fluix.account.tables import keys

_KEY = "links"
_KEY_BYTES = 32

_CURE = "ask for a new one"


def sign(connection: Connection, purpose: str, payload: dict[str, Any], now: datetime) -> str:
    """A token that says `payload`, for one purpose in one account.

    Args:
        connection: of a writing transaction where no link was ever signed in this store: the key is made then.
        purpose: `invitation` or `password_reset`; a token of one purpose is none of another.
        payload: plain values, as JSON has them.
        now: from when on the token's age counts.
    """
    key = _key(connection) or _new_key(connection)
    return str(_serializer(connection, key, purpose, now).dumps(payload))


def read(connection: Connection, purpose: str, token: str, max_age: timedelta, now: datetime) -> dict[str, Any]:
    """What a token says.

    Raises:
        RefusedError: it is not one of ours ("forged"), or older than `max_age` ("expired").
    """
    key = _key(connection)
    if key is None:
        raise _forged()
    try:
        payload, signed_at = _serializer(connection, key, purpose, now).loads(token, return_timestamp=True)
    except (BadSignature, BadData, ValueError) as error:  # ValueError: what no decoder foresaw
        raise _forged() from error
    if not isinstance(payload, dict):
        raise _forged()
    if now - signed_at > max_age:
        raise RefusedError(f"the link has expired: it was made on {signed_at:%Y-%m-%d at %H:%M} UTC", cure=_CURE)
    return payload


def _forged() -> RefusedError:
    return RefusedError(
        "the link is forged or damaged", cure="open it exactly as the mail has it, or ask for a new one"
    )


def _key(connection: Connection) -> str | None:
    return connection.execute(select(keys.c.value).where(keys.c.name == _KEY)).scalar()


def _new_key(connection: Connection) -> str:
    """Writers take turns, so that nobody makes a second one meanwhile."""
    key = secrets.token_hex(_KEY_BYTES)
    connection.execute(insert(keys), {"name": _KEY, "value": key})
    return key


def _serializer(connection: Connection, key: str, purpose: str, now: datetime) -> URLSafeTimedSerializer:
    moment = int(now.timestamp())

    class Signer(TimestampSigner):
        """Signs with our clock and not the system's."""

        def get_timestamp(self) -> int:
            return moment

        def timestamp_to_datetime(self, ts: int) -> datetime:
            return datetime.fromtimestamp(ts, UTC)

    return URLSafeTimedSerializer(bytes.fromhex(key), salt=f"{account_of(connection)}\0{purpose}", signer=Signer)
