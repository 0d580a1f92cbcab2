"""What the account holds, streamed or by id. Reads only."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from sqlalchemy import Text, func, select
from sqlalchemy import cast as sql_cast

from connectors.fluix.account.connection import account_of, chunks
from connectors.fluix.account.ids import as_numbers
from connectors.fluix.account.tables import groups, memberships, users
from connectors.model import Account, AccountGroup, AccountState, Certificate, normalise_email

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from sqlalchemy import Connection, Select

PAGE = 5_000
"""Rows that are held at a time."""

DISTINCT = 20_000
"""Different combinations of groups that are remembered, to be shared by the users who have them."""

_GROUP_IDS = (
    select(func.aggregate_strings(sql_cast(memberships.c.group_id, Text), ","))
    .where(memberships.c.user_id == users.c.user_id)
    .scalar_subquery()
)
"""A user's group ids as one text. The database merges two ordered streams (the users, and the memberships that lie in
the users' order), and five million memberships cost a million rows here instead of five."""

_USERS: Select[Any] = select(users.c.user_id, users.c.email, users.c.name, users.c.state, _GROUP_IDS)


class GroupSets:
    """The users' sets of group names, one object for each combination that is there."""

    def __init__(self, names: dict[str, str]) -> None:
        """Take the group names by group id, as text."""
        self._names = names
        self._known: dict[str, frozenset[str]] = {}
        self._none: frozenset[str] = frozenset()

    def of(self, ids: str | None) -> frozenset[str]:
        """The names of `7,12,13`."""
        if not ids:
            return self._none
        found = self._known.get(ids)
        if found is None:
            if len(self._known) >= DISTINCT:
                self._known.clear()
            # A group that came after the names were read (no snapshot on this engine) is as if it came after the read.
            found = frozenset(self._names[one] for one in ids.split(",") if one in self._names)
            self._known[ids] = found
        return found


def stream(connection: Connection) -> Iterator[AccountGroup | Account | Certificate]:
    """Every group, then every user by id, then the certificate. Memory does not grow with the users."""
    there = every_group(connection)
    yield from there
    names = {group.group_id: group.display_name for group in there}
    account = account_of(connection)
    sets = GroupSets(names).of
    count = 0
    people = _USERS.where(users.c.account == account).order_by(users.c.user_id)
    result = connection.execute(people, execution_options={"yield_per": PAGE})
    for page in result.partitions():
        count += len(page)
        for user_id, email, name, state, ids in page:
            yield Account(str(user_id), email, name, state, sets(ids))
    yield Certificate(records=count, groups=len(names))


def every_group(connection: Connection) -> list[AccountGroup]:
    """All groups, in the order in which they were made."""
    query = select(groups.c.group_id, groups.c.name).where(groups.c.account == account_of(connection))
    rows = connection.execute(query.order_by(groups.c.group_id))
    return [AccountGroup(str(group_id), name) for group_id, name in rows]


def ids_at(connection: Connection, emails: Iterable[str]) -> list[str]:
    """The ids of the users with one of these addresses."""
    query = select(users.c.user_id).where(users.c.account == account_of(connection))
    parts = (query.where(users.c.email_key.in_(chunk)) for chunk in chunks(sorted(set(map(normalise_email, emails)))))
    return [str(user_id) for part in parts for user_id in connection.execute(part).scalars()]


def accounts(connection: Connection, fluix_ids: Iterable[str]) -> dict[str, Account]:
    """The users of these ids; who is not there is left out."""
    found: dict[str, Account] = {}
    for chunk in chunks(as_numbers(fluix_ids)):
        query = _USERS.where(users.c.account == account_of(connection), users.c.user_id.in_(chunk))
        rows = connection.execute(query.order_by(users.c.user_id)).all()
        sets = GroupSets(_names(connection, {one for row in rows if row[4] for one in row[4].split(",")}))
        for user_id, email, name, state, ids in rows:
            found[str(user_id)] = Account(str(user_id), email, name, cast("AccountState", state), sets.of(ids))
    return found


def _names(connection: Connection, group_ids: Iterable[str]) -> dict[str, str]:
    return {
        str(group_id): name
        for chunk in chunks(sorted(map(int, group_ids)))
        for group_id, name in connection.execute(
            select(groups.c.group_id, groups.c.name).where(groups.c.group_id.in_(chunk))
        )
    }
