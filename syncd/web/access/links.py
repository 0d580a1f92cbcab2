"""Links that let somebody in once, for an hour: to make the first admin, or to set a password that is new or forgotten."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import Connection, Engine, Row, delete, insert, select

from syncd.store.console_tables import console_links, console_users
from syncd.store.engine import writing
from syncd.web.access import users
from syncd.web.access.keys import digest, new_key

LASTS: Final = timedelta(hours=1)
PATH: Final = "/setup"


def make(connection: Connection, user_id: int | None, now: datetime, *, made_by: str) -> str:
    """A link's path, with its key. Former links for the same are void.

    Args:
        connection: a write transaction.
        user_id: who sets a password with it; None: whoever has it becomes an admin.
        now: the present moment.
        made_by: who hands it out.
    """
    key, same = new_key(), console_links.c.user_id.is_not_distinct_from(user_id)
    connection.execute(delete(console_links).where(same | (console_links.c.expires_at <= now)))
    values = {"hash": digest(key), "user_id": user_id, "made_by": made_by, "made_at": now, "expires_at": now + LASTS}
    connection.execute(insert(console_links).values(values))
    return f"{PATH}?key={key}"


def find(connection: Connection, key: str, now: datetime) -> Row[Any] | None:
    """The link with this key, with the person's `name` (None: it makes an admin); None: it was used, or is over."""
    query = select(console_links, console_users.c.name).join(
        console_users, console_users.c.id == console_links.c.user_id, isouter=True
    )
    return connection.execute(
        query.where(console_links.c.hash == digest(key), console_links.c.expires_at > now)
    ).first()


def use(connection: Connection, key: str) -> bool:
    """Use it up; of several who do so at a time one wins, and gets True."""
    return bool(connection.execute(delete(console_links).where(console_links.c.hash == digest(key))).rowcount)


def first(store: Engine, now: datetime, made_by: str) -> str | None:
    """The path that makes the first admin; None where there is somebody already."""
    with writing(store) as connection:
        return None if users.somebody(connection) else make(connection, None, now, made_by=made_by)
