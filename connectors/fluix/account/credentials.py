"""What belongs to an address and not to one user: its password and its guard. Who uses it, moving, erasing.

A person can be a user of several accounts of one store, and has one password for all of them. Statements only: no
password is looked at here, so that changing and deleting users need not load what hashes them.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from sqlalchemy import Connection, Row, delete, insert, select

from connectors.fluix.account.connection import account_of, chunks
from connectors.fluix.account.tables import login_guards, passwords, users


def users_of(connection: Connection, email_keys: Iterable[str]) -> list[Row[Any]]:
    """The users of every account who have one of these addresses: user_id, account, email_key, state."""
    columns = (users.c.user_id, users.c.account, users.c.email_key, users.c.state)
    found: list[Row[Any]] = []
    for part in chunks(email_keys):
        found.extend(connection.execute(select(*columns).where(users.c.email_key.in_(part))))
    return found


def moved(connection: Connection, moves: Iterable[tuple[str, str]]) -> None:
    """Let passwords follow users of this account to their new addresses.

    Called once for all users whose address a call changed, after the users were written: two who change places would
    otherwise take each other's password. A password goes along; it also stays where another account still has the old
    address. An address that another account has already keeps the password that it has there, or has none: whoever is
    new to it asks for a reset, which only the mailbox's owner can read. Guards do not move.

    Args:
        connection: of the writing transaction.
        moves: for each *active* user of this account, the address before the call and after it, as they are compared.
    """
    ways = {old: new for old, new in moves if old != new}
    if not ways:
        return
    here = account_of(connection)
    elsewhere = {row.email_key for row in users_of(connection, {*ways, *ways.values()}) if row.account != here}
    held: dict[str, Row[Any]] = {}
    for part in chunks(ways):
        for row in connection.execute(select(passwords).where(passwords.c.email_key.in_(part))):
            held[row.email_key] = row
    # What is left at a new address and that no other account uses is nobody's, or is about to move itself.
    _erase(connection, {*ways, *ways.values()} - elsewhere)
    rows = [
        {"email_key": new, "hash": held[old].hash, "set_at": held[old].set_at}
        for old, new in ways.items()
        if old in held and new not in elsewhere
    ]
    if rows:
        connection.execute(insert(passwords), rows)


def left(connection: Connection, email_keys: Iterable[str]) -> None:
    """Erase the passwords and guards of those addresses that no user of any account has any more.

    Called after the users were removed, or given another address.
    """
    keys = set(email_keys)
    _erase(connection, keys - {row.email_key for row in users_of(connection, keys)})


def _erase(connection: Connection, email_keys: Iterable[str]) -> None:
    for part in chunks(email_keys):
        for table in (passwords, login_guards):
            connection.execute(delete(table).where(table.c.email_key.in_(part)))
