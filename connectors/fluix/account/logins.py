"""What stops somebody who guesses: wrong passwords of one address are counted, and a few of them block it for a while.

An attempt is counted before its password is looked at, and taken back when the password is right: so guesses that are
made at the same moment are counted one after another, and no lock is held while a hash is computed. Addresses that
nobody has are counted like the others, because a block must not tell who is a user.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import Connection, delete, insert, select, update

from connectors.errors import RefusedError
from connectors.fluix.account.connection import chunks
from connectors.fluix.account.credentials import users_of
from connectors.fluix.account.settings import LoginSettings
from connectors.fluix.account.tables import login_guards

STRANGERS = timedelta(days=1)
"""How long wrong attempts with an address that nobody has are kept."""


@dataclass(frozen=True, slots=True)
class Attempt:
    """What an attempt came to before its password was looked at."""

    refused_until: datetime | None = None
    """It is not looked at: the address is blocked until then."""
    blocks_until: datetime | None = None
    """If its password is wrong, the address is blocked until then."""


def attempt(connection: Connection, email_key: str, settings: LoginSettings, now: datetime) -> Attempt:
    """Count an attempt as a wrong one. The transaction must be committed, whatever becomes of the attempt."""
    row = connection.execute(select(login_guards).where(login_guards.c.email_key == email_key)).first()
    if row is not None and row.blocked_until is not None and row.blocked_until > now:
        return Attempt(refused_until=row.blocked_until)
    failures, blocks = (row.failures + 1, row.blocks) if row else (1, 0)
    until = None
    if failures >= settings.tries:
        failures, blocks = 0, blocks + 1
        until = now + _length(settings, blocks)
    # Without a block it is the moment of the last attempt: what is over blocks nobody, and tells how old the row is.
    values = {"failures": failures, "blocks": blocks, "blocked_until": until or now}
    if row is None:
        connection.execute(insert(login_guards).values(email_key=email_key, **values))
    else:
        connection.execute(update(login_guards).where(login_guards.c.email_key == email_key).values(**values))
    return Attempt(blocks_until=until)


def _length(settings: LoginSettings, blocks: int) -> timedelta:
    """The first block as set, each further one twice as long, up to the longest."""
    length = settings.block
    for _ in range(1, blocks):
        if length >= settings.longest_block:
            break
        length *= 2
    return min(length, settings.longest_block)


def succeeded(connection: Connection, email_key: str) -> None:
    """The right password, or a reset: nothing is counted any more."""
    connection.execute(delete(login_guards).where(login_guards.c.email_key == email_key))


def blocked(email: str, until: datetime) -> RefusedError:
    """What somebody hears whose address is blocked."""
    return RefusedError(
        f"too many wrong passwords: nobody can sign in with {email} until {moment(until)}",
        where=email,
        cure="wait until then, or reset the password",
    )


def wrong(email: str, tried: Attempt) -> RefusedError:
    """What somebody hears whose email or password is wrong: the same for both."""
    what = "the email or the password is wrong"
    if tried.blocks_until:
        what += f"; nobody can sign in with {email} until {moment(tried.blocks_until)}"
    return RefusedError(what, where=email, cure="try again, or reset the password")


def moment(when: datetime) -> str:
    """A moment to the second, as messages and the activity show it."""
    return f"{when:%Y-%m-%d %H:%M:%S} UTC"


def forget_strangers(connection: Connection, now: datetime) -> int:
    """Erase what was counted of addresses that nobody has, a day after the last attempt. Returns how many."""
    old = select(login_guards.c.email_key).where(login_guards.c.blocked_until < now - STRANGERS)
    keys = set(connection.execute(old).scalars())
    strangers = keys - {row.email_key for row in users_of(connection, keys)}
    for part in chunks(strangers):
        connection.execute(delete(login_guards).where(login_guards.c.email_key.in_(part)))
    return len(strangers)
