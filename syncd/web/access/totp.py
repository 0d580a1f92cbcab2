"""The second factor: codes of an authenticator app (RFC 6238), each taken once, and recovery codes for whoever lost it."""

from __future__ import annotations

import io
import secrets
from datetime import datetime
from typing import Any, Final

import pyotp
from pyotp.exceptions import OTPVerificationError
from sqlalchemy import Connection, Row, delete, insert, or_, update

from syncd.errors import UsageError
from syncd.sayings import Said
from syncd.store.console_tables import console_codes, console_users
from syncd.web.access.keys import digest

RECOVERY: Final = 10
"""So many recovery codes there are."""
_WINDOW: Final = 1
"""Clocks may differ by one step of 30 seconds."""
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz23456789"
"""Without those that are taken for another."""
_PART: Final = 6
_ISSUER: Final = "fluix-syncd"


def begin(connection: Connection, user_id: int) -> None:
    """Make a secret that waits for its first code."""
    _write(connection, user_id, totp_wanted=pyotp.random_base32())


def confirm(connection: Connection, user: Row[Any], code: str, now: datetime) -> list[str]:
    """Ask for codes from now on. Returns new recovery codes, which nobody sees again.

    Raises:
        UsageError: it is not the code of the secret that waits.
    """
    step = _step(user.totp_wanted, code, now)
    if step is None:
        raise UsageError(
            Said("this is not the code that the app shows now"),
            cure=Said("look at the clock of the phone, and try the next one"),
        )
    _write(connection, user.id, totp=user.totp_wanted, totp_wanted=None, totp_step=step)
    return new_recovery(connection, user.id)


def remove(connection: Connection, user_id: int) -> None:
    """Ask for no codes any more."""
    _write(connection, user_id, totp=None, totp_wanted=None, totp_step=None)
    connection.execute(delete(console_codes).where(console_codes.c.user_id == user_id))


def take(connection: Connection, user: Row[Any], code: str, now: datetime) -> bool:
    """Whether this is a code of the app, or a recovery code, that was not taken before. It is taken then."""
    plain = "".join(code.split()).lower()
    if not plain.isdigit():
        used = delete(console_codes).where(
            console_codes.c.hash == _hash(user.id, plain), console_codes.c.user_id == user.id
        )
        return bool(connection.execute(used).rowcount)
    step = _step(user.totp, plain, now)
    if step is None:
        return False
    later = or_(console_users.c.totp_step.is_(None), console_users.c.totp_step < step)
    mine = update(console_users).where(console_users.c.id == user.id, later)
    return bool(connection.execute(mine.values(totp_step=step)).rowcount)


def new_recovery(connection: Connection, user_id: int) -> list[str]:
    """New recovery codes in the place of the former."""
    codes = ["-".join(_letters() for _ in range(2)) for _ in range(RECOVERY)]
    connection.execute(delete(console_codes).where(console_codes.c.user_id == user_id))
    rows = [{"hash": _hash(user_id, code), "user_id": user_id} for code in codes]
    connection.execute(insert(console_codes), rows)
    return codes


def picture(name: str, secret: str) -> bytes:
    """The QR code that an app reads, as SVG."""
    import segno  # noqa: PLC0415 - drawn once in a person's life

    made = io.BytesIO()
    segno.make(address(name, secret), error="m").save(made, kind="svg", scale=5, border=4, light="#ffffff")
    return made.getvalue()


def address(name: str, secret: str) -> str:
    """What stands in the QR code."""
    return pyotp.TOTP(secret).provisioning_uri(name=name, issuer_name=_ISSUER)


def _letters() -> str:
    return "".join(secrets.choice(_LETTERS) for _ in range(_PART))


def _hash(user_id: int, code: str) -> str:
    return digest(f"{user_id}:{code.replace('-', '')}")


def _step(secret: str | None, code: str, now: datetime) -> int | None:
    plain = "".join(code.split())
    if not secret or not plain.isascii():
        return None
    try:
        return pyotp.TOTP(secret).verify_and_get_timecode(plain, for_time=now, valid_window=_WINDOW)
    except OTPVerificationError:
        return None


def _write(connection: Connection, user_id: int, **values: Any) -> None:
    connection.execute(update(console_users).where(console_users.c.id == user_id).values(**values))
