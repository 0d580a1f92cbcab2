"""Which users: search, filters, one page or all, ordered by email.

The index `ix_account_users_list` holds every column that is asked here, so that a search over 100,000 users reads it from
one end to the other, and nothing else; only the users of the page are looked up.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Row, and_, func, literal, or_, select, text

from connectors.errors import RefusedError
from connectors.fluix.account import reading
from connectors.fluix.account.admin.people import moment, summary
from connectors.fluix.account.connection import account_of, chunks
from connectors.fluix.account.tables import ADMIN_CONDITION, groups, memberships, users
from connectors.model import normalise_name

LastLogin = Literal["day", "month", "never"]
Sort = Literal["email", "name", "last_login"]

_DAY, _MONTH = timedelta(days=1), timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Filter:
    """What users must all be, to be listed."""

    search: str | None = None
    """Part of a name or email, in any case."""
    state: str | None = None
    group: str | None = None
    last_login: LastLogin | None = None
    """`day`: within 24 hours; `month`: not for over 30 days, though once; `never`."""
    role: str | None = None
    """A role's name in any case, `owner`, or `none`."""
    refused: bool = False
    """Only those whose address was not accepted."""


EVERYBODY = Filter()

_ORDER: dict[Sort, tuple[ColumnElement[Any], ...]] = {
    "email": (users.c.email_key,),
    "name": (users.c.name_key, users.c.email_key),
    "last_login": (users.c.last_login_at.desc().nulls_last(), users.c.email_key),
}


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list."""

    users: list[dict[str, Any]]
    ids: list[str]
    """Of the users, in the same order."""
    total: int
    number: int
    """From 1."""
    pages: int
    """At least 1: a list of nobody is one empty page."""


def list_users(connection: Connection, wanted: Filter, now: datetime) -> list[dict[str, Any]]:
    """All users that fit."""
    query = select(users).where(*_conditions(connection, wanted, now)).order_by(users.c.email_key)
    rows = connection.execute(query).all()
    return [summary(row, names) for row, names in _with_groups(connection, rows)]


def page_of_users(
    connection: Connection, wanted: Filter, now: datetime, number: int, size: int, *, sort: Sort = "email"
) -> Page:
    """One page of the users that fit, with when they logged in last and why their address was refused.

    Args:
        connection: to the account.
        wanted: what they must all be.
        now: the present moment.
        number: which page, from 1.
        size: users of a page.
        sort: by what; `last_login`: the last one first, who never logged in at the end.

    Raises:
        RefusedError: there is no such page.
    """
    if number < 1 or size < 1:
        raise RefusedError(f"page {number} of {size} users each is none", cure="count from 1")
    conditions = _conditions(connection, wanted, now)
    skipped = (number - 1) * size
    # Who looks for a text reads all users: then they are counted on the way.
    counted = func.count().over() if wanted.search else literal(0)
    query = select(users.c.user_id, counted).where(*conditions).order_by(*_ORDER[sort]).limit(size).offset(skipped)
    found = connection.execute(query).all()
    ids = [user_id for user_id, _ in found]
    if len(ids) < size and (ids or number == 1):
        total = skipped + len(ids)
    elif not (total := found[0][1] if found else 0):
        total = connection.execute(select(func.count()).select_from(users).where(*conditions)).scalar_one()
    pages = max(1, -(-total // size))
    if number > pages:
        raise RefusedError(f"there is no page {number}: {total} users are {pages} pages", cure=f"ask for 1 to {pages}")
    there = {
        row.user_id: row
        for part in chunks(ids)
        for row in connection.execute(select(users).where(users.c.user_id.in_(part)))
    }
    rows = [there[user_id] for user_id in ids]
    listed = [
        {**summary(row, names), "last_login": moment(row.last_login_at), "refused": row.refused}
        for row, names in _with_groups(connection, rows)
    ]
    return Page(listed, [str(user_id) for user_id in ids], total, number, pages)


def _with_groups(connection: Connection, rows: list[Row[Any]] | Any) -> list[tuple[Row[Any], frozenset[str]]]:
    there = reading.accounts(connection, (str(row.user_id) for row in rows))
    return [(row, there[str(row.user_id)].groups) for row in rows]


def _conditions(connection: Connection, wanted: Filter, now: datetime) -> list[ColumnElement[bool]]:
    account = account_of(connection)
    found: list[ColumnElement[bool]] = [users.c.account == account]
    if part := normalise_name(wanted.search or ""):
        inside = (column.contains(part, autoescape=True) for column in (users.c.email_key, users.c.name_key))
        found.append(or_(*inside))
    if wanted.state:
        found.append(users.c.state == wanted.state)
    if wanted.group is not None:
        members = (
            select(memberships.c.user_id)
            .join(groups, groups.c.group_id == memberships.c.group_id)
            .where(groups.c.account == account, groups.c.name_key == normalise_name(wanted.group))
        )
        found.append(users.c.user_id.in_(members))
    if wanted.last_login == "day":
        found.append(users.c.last_login_at >= now - _DAY)
    elif wanted.last_login == "month":
        found.append(users.c.last_login_at < now - _MONTH)
    elif wanted.last_login == "never":
        found.append(users.c.last_login_at.is_(None))
    if wanted.role is not None:
        found.append(_role(connection, wanted.role))
    if wanted.refused:
        found.append(users.c.refused.is_not(None))
    return found


def _role(connection: Connection, role: str) -> ColumnElement[bool]:
    """Who has a role. Roles have no form for comparing in the store; there are few admins to look through."""
    asked, here = normalise_name(role), users.c.account == account_of(connection)
    owner = select(users.c.user_id).where(here, text("owner"))  # as text, since only then its own index answers it
    if asked == "owner":
        return users.c.user_id.in_(owner)
    if asked == "none":
        return and_(users.c.role == "", users.c.user_id.not_in(owner))
    admins = select(users.c.role).distinct().where(here, text(ADMIN_CONDITION))
    same = [name for name in connection.execute(admins).scalars() if name and normalise_name(name) == asked]
    return users.c.role.in_(same)
