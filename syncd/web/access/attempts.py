"""Attempts to come in: counted before they are looked at, for the account and for the address, in the store for all processes.

Each one beyond the free ones makes the next wait twice as long. An attempt that comes too early is not looked at, and so not
told apart from a wrong one, whatever its password is. Accounts that do not exist are counted like those that do.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy import Connection, delete, select, update

from syncd.store.audit import Event, append
from syncd.store.console_tables import console_attempts
from syncd.store.sql import upsert

_FORGOTTEN: Final = timedelta(days=1)
"""After so long without a failure everything is forgiven."""
_STEEPEST: Final = 16
_NAME: Final = 200


@dataclass(frozen=True, slots=True)
class Patience:
    """How much is put up with."""

    free: int
    """So many failures are answered at once."""
    first: timedelta
    """How long the next attempt waits then; it doubles with each failure."""
    longest: timedelta


ACCOUNT: Final = Patience(5, timedelta(seconds=30), timedelta(minutes=15))
"""The longest is short enough that nobody is kept out for a day by somebody who knows no more than a name."""
ADDRESS: Final = Patience(20, timedelta(seconds=30), timedelta(hours=1))
"""Many people may come from one address."""


TOKEN: Final = Patience(6, timedelta(seconds=1), timedelta(minutes=5))
"""Of calls with a wrong token: a valid one always passes, so this keeps a mistaken program from costing much."""
HOOK: Final = Patience(20, timedelta(minutes=1), timedelta(minutes=1))
"""Of webhook calls that are not signed as they should be."""


def of_account(name: str) -> str:
    """What attempts on this account are counted under."""
    return f"user {name[:_NAME]}"


def of_address(address: str) -> str:
    """What attempts from this address are counted under."""
    return f"address {address}"


def of_token(address: str) -> str:
    """What calls from this address with a wrong token are counted under."""
    return f"token {address}"


def of_hook(address: str) -> str:
    """What webhook calls from this address that were refused are counted under."""
    return f"hook {address}"


def waits(connection: Connection, who: str, now: datetime) -> float:
    """Seconds until an attempt is looked at; 0: now."""
    until = connection.execute(select(console_attempts.c.until).where(console_attempts.c.who == who)).scalar()
    return max((until - now).total_seconds(), 0.0) if until else 0.0


def count(connection: Connection, who: str, patience: Patience, now: datetime) -> bool:
    """Count an attempt, as a failure until it is taken back or forgiven. Returns whether it is looked at.

    That it is counted first keeps a hundred attempts at the same moment from all being looked at.
    """
    connection.execute(delete(console_attempts).where(console_attempts.c.last_at < now - _FORGOTTEN))
    query = select(console_attempts).where(console_attempts.c.who == who).with_for_update()
    row = connection.execute(query).one_or_none()
    if row is not None and now < row.until:
        return False
    failures = row.failures + 1 if row is not None else 1
    over = failures - patience.free
    wait = min(patience.first * 2 ** min(over, _STEEPEST), patience.longest) if over >= 0 else timedelta()
    values = {"who": who, "failures": failures, "last_at": now, "until": now + wait}
    connection.execute(upsert(connection, console_attempts), [values])
    return True


def failed(connection: Connection, who: str, now: datetime) -> None:
    """It was a failure: where that means waiting, the audit is told."""
    row = connection.execute(select(console_attempts).where(console_attempts.c.who == who)).one_or_none()
    if row is not None and now < row.until:
        detail = {"failures": row.failures, "until": row.until.isoformat()}
        append(connection, [Event("console", "lock_out", who, detail)], now)


def forgive(connection: Connection, who: str) -> None:
    """What was counted is forgotten."""
    connection.execute(delete(console_attempts).where(console_attempts.c.who == who))


def take_back(connection: Connection, who: str, now: datetime) -> None:
    """This attempt was no failure; those before it stay, so that nobody clears an address by an account of one's own."""
    mine = console_attempts.c.who == who
    less = {"failures": console_attempts.c.failures - 1, "until": now}
    connection.execute(update(console_attempts).where(mine).values(less))
