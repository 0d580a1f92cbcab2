"""Users streamed for a file, by email: straight from the tables, a page at a time. Reads only."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy import Connection, Select, Text, cast, func, select

from connectors.fluix.account.admin.people import find_all
from connectors.fluix.account.connection import account_of, chunks
from connectors.fluix.account.reading import DISTINCT, PAGE
from connectors.fluix.account.tables import groups, memberships, users

_GROUP_IDS = (
    select(func.aggregate_strings(cast(memberships.c.group_id, Text), ","))
    .where(memberships.c.user_id == users.c.user_id)
    .scalar_subquery()
)

_ROWS: Select[Any] = select(users.c.name, users.c.email, _GROUP_IDS).order_by(users.c.email_key)


def stream_users(connection: Connection, select_emails: Iterable[str] = ()) -> Iterator[tuple[str, str, list[str]]]:
    """Name, email and sorted group names of all users, or of the selected ones.

    Raises:
        PermanentError: one or more of the selected are not there; all of them are named, before the first user.
    """
    names = _Names(connection)
    selected = [row.user_id for row in find_all(connection, select_emails)]
    if selected:
        statements = [_ROWS.where(users.c.user_id.in_(part)) for part in chunks(selected)]
    else:
        statements = [_ROWS.where(users.c.account == account_of(connection))]
    for statement in statements:
        result = connection.execute(statement, execution_options={"yield_per": PAGE})
        for page in result.partitions():
            for name, email, ids in page:
                yield name, email, names[ids]


class _Names(dict[str | None, list[str]]):
    """Group ids as one text -> the groups' names, sorted; one list for each combination that is there."""

    def __init__(self, connection: Connection) -> None:
        super().__init__({None: []})
        query = select(groups.c.group_id, groups.c.name).where(groups.c.account == account_of(connection))
        self._names = {str(group_id): name for group_id, name in connection.execute(query)}

    def __missing__(self, ids: str | None) -> list[str]:
        assert ids is not None
        if len(self) > DISTINCT:
            self.clear()
            self[None] = []
        # A group that came after the names were read (no snapshot on this engine) is as if it came after the read.
        found = self[ids] = sorted(self._names[one] for one in ids.split(",") if one in self._names)
        return found
