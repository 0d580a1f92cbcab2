"""How many users there can be. An invited user takes a seat as one who logged in does.

The number rides on the transaction, as the account's name does, so that a verb needs no further argument.
"""

from __future__ import annotations

from sqlalchemy import Connection, func, select

from connectors.fluix.account.connection import account_of
from connectors.fluix.account.tables import users

_SEATS = "fluix_seats"
"""The execution option that holds the limit."""

CURE = "delete users who left, or ask Fluix for more seats and raise `target.seats`"


def limited(connection: Connection, limit: int | None) -> Connection:
    """The same transaction, which knows the limit from now on; None: there is none."""
    return connection.execution_options(**{_SEATS: limit})


def limit(connection: Connection) -> int | None:
    """How many users there can be; None: no limit is known."""
    number = connection.get_execution_options().get(_SEATS)
    assert number is None or isinstance(number, int)
    return number


def taken(connection: Connection) -> int:
    """How many users there are."""
    query = select(func.count()).select_from(users).where(users.c.account == account_of(connection))
    return connection.execute(query).scalar_one()


def free(connection: Connection) -> int | None:
    """How many can still be added, never below zero; None: no limit is known."""
    most = limit(connection)
    return None if most is None else max(0, most - taken(connection))


def full(connection: Connection) -> str:
    """The sentence for whoever finds no seat, to be asked only where there is a limit.

    Whoever is being added in the same call has a seat already.
    """
    most = limit(connection) or 0
    return f"no seat is free: {max(taken(connection), most)} of {most} are taken"
