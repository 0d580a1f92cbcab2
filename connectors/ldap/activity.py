"""Whether a directory's account is in use: disabled and expired ones are not, locked-out ones are.

Pure, and without a clock. May not: guess. A value that cannot be read is neither "active" nor "inactive": it raises, so
that the record becomes a problem, and nobody is invited or deleted because of it.

A lockout after wrong passwords passes by itself or with a call to the help desk, and says nothing about employment.
The same goes for an expired password. A login shell (`/sbin/nologin`) says only that there is no shell.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from connectors.text import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

ACTIVITY_ATTRIBUTES = (
    "userAccountControl",
    "accountExpires",
    "nsAccountLock",
    "pwdAccountLockedTime",
    "shadowExpire",
    "krbPrincipalExpiration",
    "loginDisabled",
    "loginExpirationTime",
)
"""What to ask a server for. Most are operational or not in its schema: a name that a server does not know does no harm."""

ACCOUNT_DISABLE = 0x2
"""The bit of `userAccountControl` (MS-ADTS 2.2.16). LOCKOUT (0x10) and PASSWORD_EXPIRED (0x800000) are no reason."""
LOCKED_FOR_GOOD = "000001010000Z"
"""`pwdAccountLockedTime` of an account that an administrator locked (draft-behera-ldap-password-policy, 5.3.3)."""

_IN_USE = "the account is neither disabled nor expired"
_FILETIME_EPOCH = datetime(1601, 1, 1, tzinfo=UTC)
_UNIX_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NEVER = 0x7FFF_FFFF_FFFF_FFFF
_TICK = timedelta(microseconds=1)
_TICKS_A_MICROSECOND = 10
_GENERALIZED_TIME = re.compile(
    r"(\d{4})(\d\d)(\d\d)(\d\d)(?:(\d\d)(?:(\d\d|60))?)?(?:[.,]\d+)?(?:Z|([+-])(\d\d)(\d\d)?)", re.ASCII
).fullmatch


def active(attributes: Mapping[str, Sequence[bytes]], now: datetime, required: Sequence[str] = ()) -> tuple[bool, str]:
    """Whether an account is in use, and why.

    Every attribute is read, even when one has decided: what cannot be read is never passed over.

    Args:
        attributes: the entry's attributes, their names in small letters.
        now: the time, with its time zone.
        required: attributes that every entry of this server has (`Kind.activity_required`). One that is absent was
            withheld from us, and then the state is unknown.

    Returns:
        Active or not, and the reason as a sentence.

    Raises:
        ValueError: an attribute holds what it should not, or a required one is absent; the message names it.
    """
    for name in required:
        if not attributes.get(name.lower()):
            raise ValueError(f"{name} is absent: the bind user may not read it, so nobody knows whether this is in use")
    if _NAMES.isdisjoint(attributes):
        return True, _IN_USE
    reasons = []
    for name, reading in _READERS.items():
        values = attributes.get(name.lower(), ())
        if len(values) > 1:
            raise ValueError(f"{name} has {len(values)} values, where one is meant")
        if values and (reason := reading(name, values[0].decode("utf-8", "replace"), now)):
            reasons.append(reason)
    if reasons:
        return False, reasons[0]
    return True, _IN_USE


def next_change(attributes: Mapping[str, Sequence[bytes]], now: datetime) -> datetime | None:
    """When this account expires; None when it does not, or has already. Until then its state depends on nothing but its entry.

    Args:
        attributes: the entry's, which `active` could read; their names in small letters.
        now: the time, with its time zone.
    """
    moments = []
    for name, moment in _MOMENTS.items():
        if values := attributes.get(name.lower()):
            with suppress(ValueError, OverflowError):  # beyond the year 9999
                moments.append(moment(values[0].decode("utf-8", "replace")))
    return min((moment for moment in moments if moment > now), default=None)


def filetime(value: int) -> datetime:
    """A Windows time: steps of 100 ns since 1601 (MS-DTYP 2.3.3).

    Raises:
        OverflowError: it is after the year 9999.
    """
    return _FILETIME_EPOCH + value // _TICKS_A_MICROSECOND * _TICK


def generalized_time(text: str) -> datetime:
    """A time as directories write it: `20261231235959Z` (RFC 4517, 3.3.13).

    Raises:
        ValueError: it is none.
    """
    found = _GENERALIZED_TIME(text)
    if not found:
        raise ValueError(f"{shown(text)} is no time")
    year, month, day, hour, minute, second, sign, off_hours, off_minutes = found.groups()
    time = datetime(int(year), int(month), int(day), int(hour), int(minute or 0), min(int(second or 0), 59), tzinfo=UTC)
    offset = timedelta(hours=int(off_hours or 0), minutes=int(off_minutes or 0))
    return time + offset if sign == "-" else time - offset


def _user_account_control(name: str, text: str, now: datetime) -> str | None:
    del now
    bits = _number(name, text, 32)
    return f"the account is disabled ({name} {bits})" if bits & ACCOUNT_DISABLE else None


def _account_expires(name: str, text: str, now: datetime) -> str | None:
    value = _number(name, text, 64)
    if value < 0:
        raise ValueError(f"{name} is {shown(text)}, which is no time")
    if value in {0, _NEVER}:
        return None
    # The time is compared as a number: most that mean "never" are beyond the year 9999.
    ticks = (now - _FILETIME_EPOCH) // _TICK * _TICKS_A_MICROSECOND
    return _expired(name, filetime(value)) if value <= ticks else None


def _shadow_expire(name: str, text: str, now: datetime) -> str | None:
    days = _number(name, text, 64)
    if days == -1:
        return None
    if days <= 0:
        # shadow(5): 0 "should not be used", since some take it for "never" and some for 1 January 1970.
        raise ValueError(f"{name} is {shown(text)}, which some read as never and some as expired: write -1 or a day")
    return _expired(name, _UNIX_EPOCH + timedelta(days=days)) if days <= (now - _UNIX_EPOCH).days else None


def _lock(name: str, text: str, now: datetime) -> str | None:
    del now
    match text.lower():
        case "true":
            return f"the account is disabled ({name} {text})"
        case "false":
            return None
    raise ValueError(f"{name} is {shown(text)}, which is neither true nor false")


def _locked_time(name: str, text: str, now: datetime) -> str | None:
    del now
    if text == LOCKED_FOR_GOOD:
        return f"an administrator locked the account ({name} {text})"
    _time(name, text)
    return None


def _expiration(name: str, text: str, now: datetime) -> str | None:
    time = _time(name, text)
    return _expired(name, time) if time <= now else None


def _expired(name: str, time: datetime) -> str:
    return f"the account expired on {time:%Y-%m-%d} ({name})"


def _time(name: str, text: str) -> datetime:
    try:
        return generalized_time(text)
    except (ValueError, OverflowError):
        raise ValueError(f"{name} is {shown(text)}, which is no time") from None


def _number(name: str, text: str, bits: int) -> int:
    if not re.fullmatch(r"-?[0-9]{1,20}", text) or not -(1 << bits - 1) <= int(text) < 1 << bits - 1:
        raise ValueError(f"{name} is {shown(text)}, which is no whole number of {bits} bits")
    return int(text)


_READERS: dict[str, Callable[[str, str, datetime], str | None]] = {
    "userAccountControl": _user_account_control,
    "accountExpires": _account_expires,
    "nsAccountLock": _lock,
    "pwdAccountLockedTime": _locked_time,
    "shadowExpire": _shadow_expire,
    "krbPrincipalExpiration": _expiration,
    "loginDisabled": _lock,
    "loginExpirationTime": _expiration,
}
_NAMES = frozenset(map(str.lower, _READERS))

_MOMENTS: dict[str, Callable[[str], datetime]] = {
    "accountExpires": lambda text: filetime(int(text)),
    "shadowExpire": lambda text: _UNIX_EPOCH + timedelta(days=int(text)),
    "krbPrincipalExpiration": generalized_time,
    "loginExpirationTime": generalized_time,
}
