"""Groups and who is in them. A group's name is unique as it is compared (`normalise_name`)."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Connection, insert, select, tuple_, update
from sqlalchemy import delete as sql_delete

from connectors.fluix.account.connection import account_of, chunks
from connectors.fluix.account.ids import as_number, as_numbers
from connectors.fluix.account.outcomes import done, failed, gone, record, text
from connectors.fluix.account.tables import groups, memberships, users
from connectors.model import Outcome, Step, normalise_name


def group_ids(connection: Connection, names: Iterable[str]) -> dict[str, int]:
    """Name as compared -> id of the groups of these names that are there."""
    found: dict[str, int] = {}
    for part in chunks({normalise_name(name) for name in names}):
        query = select(groups.c.name_key, groups.c.group_id).where(
            groups.c.account == account_of(connection), groups.c.name_key.in_(part)
        )
        found.update(connection.execute(query).all())
    return found


def create(connection: Connection, steps: Sequence[Step], now: datetime) -> list[Outcome]:
    """Add groups; one that is there already stays as it is."""
    there = set(group_ids(connection, (text(step, "display_name") for step in steps)))
    new: dict[str, str] = {}
    for step in steps:
        name = text(step, "display_name")
        if normalise_name(name) not in there:
            new.setdefault(normalise_name(name), name)
    if new:
        account = account_of(connection)
        connection.execute(
            insert(groups), [{"account": account, "name": name, "name_key": key} for key, name in new.items()]
        )
    record(connection, ((None, "group created", name) for name in new.values()), now)
    return [done(step) for step in steps]


def rename(connection: Connection, steps: Sequence[Step], now: datetime) -> list[Outcome]:
    """Rename groups; one that has the new name already stays as it is."""
    return [_rename(connection, step, now) for step in steps]


def _rename(connection: Connection, step: Step, now: datetime) -> Outcome:
    old, new = text(step, "display_name"), text(step, "new_name")
    ids = group_ids(connection, (old, new))
    old_id, new_id = ids.get(normalise_name(old)), ids.get(normalise_name(new))
    if old_id is None:
        return done(step) if new_id is not None else failed(step, f"there is no group {old}")
    if new_id not in {None, old_id}:
        return failed(step, f"there is a group {new} already")
    values = {"name": new, "name_key": normalise_name(new)}
    connection.execute(update(groups).where(groups.c.group_id == old_id).values(values))
    record(connection, [(None, "group renamed", f"{old} is now {new}")], now)
    return done(step)


def add_members(connection: Connection, steps: Sequence[Step], now: datetime) -> list[Outcome]:
    """Put users into groups."""
    ids = group_ids(connection, (text(step, "group") for step in steps))
    here = _present(connection, steps)
    outcomes: list[Outcome] = []
    wanted: dict[tuple[int, int], Step] = {}
    for step in steps:
        user_id, group_id = as_number(step.fluix_id), ids.get(normalise_name(text(step, "group")))
        if user_id is None or user_id not in here:
            outcomes.append(gone(step))
        elif group_id is None:
            outcomes.append(failed(step, f"there is no group {text(step, 'group')}"))
        else:
            wanted.setdefault((user_id, group_id), step)
            outcomes.append(done(step))
    for pair in _members(connection, wanted):
        del wanted[pair]
    if wanted:
        rows = [{"user_id": user_id, "group_id": group_id} for user_id, group_id in wanted]
        connection.execute(insert(memberships), rows)
    record(connection, ((user_id, "joined", text(step, "group")) for (user_id, _), step in wanted.items()), now)
    return outcomes


def remove_members(connection: Connection, steps: Sequence[Step], now: datetime) -> list[Outcome]:
    """Take users out of groups; who is not in it, or not there, is out of it already."""
    ids = group_ids(connection, (text(step, "group") for step in steps))
    asked: dict[tuple[int, int], Step] = {}
    for step in steps:
        user_id, group_id = as_number(step.fluix_id), ids.get(normalise_name(text(step, "group")))
        if user_id is not None and group_id is not None:
            asked[user_id, group_id] = step
    members = _members(connection, asked)
    for part in chunks(members):
        pair = tuple_(memberships.c.user_id, memberships.c.group_id)
        connection.execute(sql_delete(memberships).where(pair.in_(part)))
    record(
        connection, ((user_id, "left", text(asked[user_id, group_id], "group")) for user_id, group_id in members), now
    )
    return [done(step) for step in steps]


def _present(connection: Connection, steps: Iterable[Step]) -> set[int]:
    """Ids of the users who are there."""
    found: set[int] = set()
    for part in chunks(as_numbers(step.fluix_id for step in steps)):
        query = select(users.c.user_id).where(users.c.account == account_of(connection), users.c.user_id.in_(part))
        found.update(connection.execute(query).scalars())
    return found


def _members(connection: Connection, pairs: Iterable[tuple[int, int]]) -> list[tuple[int, int]]:
    """Those of these pairs (user, group) that are memberships."""
    found: list[tuple[int, int]] = []
    columns = (memberships.c.user_id, memberships.c.group_id)
    for part in chunks(pairs):
        found += [(row[0], row[1]) for row in connection.execute(select(*columns).where(tuple_(*columns).in_(part)))]
    return found
