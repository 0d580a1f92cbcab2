"""Who is meant, and how a user is shown in lists and files."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, select

from connectors.errors import PermanentError, RefusedError
from connectors.fluix.account.connection import account_of, chunks
from connectors.fluix.account.tables import groups, users, workflows
from connectors.model import normalise_email, normalise_name
from connectors.text import shown, unwanted_character

LONGEST = 200
"""Characters of a name that a person types: what is longer is a slip of the clipboard."""

_SHOWN = 5
"""How many of several things a sentence names."""


def find(connection: Connection, email: str) -> Row[Any]:
    """The user of this email.

    Raises:
        PermanentError: there is none.
    """
    here = (users.c.account == account_of(connection), users.c.email_key == normalise_email(email))
    row = connection.execute(select(users).where(*here)).first()
    if row is None:
        raise PermanentError(f"there is no user {email}", where=email, cure="see `syncd users list`")
    return row


def find_all(connection: Connection, emails: Iterable[str]) -> list[Row[Any]]:
    """The users of these emails, each once, in their order.

    Raises:
        PermanentError: one or more are not there; all of them are named.
    """
    wanted = {normalise_email(email): email for email in emails}
    there: dict[str, Row[Any]] = {}
    for part in chunks(wanted):
        query = select(users).where(users.c.account == account_of(connection), users.c.email_key.in_(part))
        there.update((row.email_key, row) for row in connection.execute(query))
    if missing := [email for key, email in wanted.items() if key not in there]:
        raise PermanentError(f"there is no user {some(missing)}", where=missing[0], cure="see `syncd users list`")
    return [there[key] for key in wanted]


def find_group(connection: Connection, name: str) -> Row[Any]:
    """The group of this name.

    Raises:
        PermanentError: there is none.
    """
    return _named(connection, groups, "group", name)


def find_workflow(connection: Connection, name: str) -> Row[Any]:
    """The workflow of this name.

    Raises:
        PermanentError: there is none.
    """
    return _named(connection, workflows, "workflow", name)


def _named(connection: Connection, table: Table, what: str, name: str) -> Row[Any]:
    here = (table.c.account == account_of(connection), table.c.name_key == normalise_name(name))
    row = connection.execute(select(table).where(*here)).first()
    if row is None:
        raise PermanentError(f"there is no {what} {name}", where=name, cure=f"see `syncd {what}s list`")
    return row


def summary(row: Row[Any], names: Iterable[str]) -> dict[str, Any]:
    """A user as lists and files show it."""
    return {
        "email": row.email,
        "name": row.name,
        "state": row.state,
        "role": row.role or None,
        "owner": row.owner,
        "groups": sorted(names),
    }


def addresses(connection: Connection) -> set[str]:
    """The emails of all users, as they are compared."""
    query = select(users.c.email_key).where(users.c.account == account_of(connection))
    return set(connection.execute(query).scalars())


def checked_name(name: str, of: str, where: str = "") -> str:
    """A name as it is kept: its outer white space trimmed.

    Args:
        name: as a person typed it.
        of: whose it is: `user`, `group`, `role`.
        where: what the call was about.

    Raises:
        RefusedError: it is empty, too long, or holds a character that nobody sees.
    """
    trimmed = name.strip()
    if not trimmed:
        raise RefusedError(f"a {of} needs a name", where=where, cure="give one")
    if len(trimmed) > LONGEST:
        what = f"the name has {len(trimmed):,} characters, and {LONGEST} are the most"
        raise RefusedError(what, where=where, cure="shorten it")
    if hidden := unwanted_character(trimmed, joiners=True):
        raise RefusedError(f"{shown(trimmed)} contains {hidden}", where=where, cure="type the name anew")
    return trimmed


def some(names: Iterable[str]) -> str:
    """The first few of many, and how many more there are."""
    listed = list(names)
    more = f" and {len(listed) - _SHOWN} more" if len(listed) > _SHOWN else ""
    return ", ".join(listed[:_SHOWN]) + more


def moment(value: datetime | None) -> str | None:
    """A moment as documents write it."""
    return None if value is None else value.isoformat()
