"""Users: adding with an invitation, changing, inviting again."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, bindparam, insert, select
from sqlalchemy import update as sql_update

from connectors.fluix.account import credentials, seats
from connectors.fluix.account.connection import account_of, chunks
from connectors.fluix.account.groups import group_ids
from connectors.fluix.account.ids import as_numbers
from connectors.fluix.account.mail import resending
from connectors.fluix.account.outcomes import done, failed, gone, record, text
from connectors.fluix.account.tables import mails, memberships, users
from connectors.model import Outcome, Step, normalise_email, normalise_name


def create(connection: Connection, steps: Sequence[Step], now: datetime) -> list[Outcome]:
    """Add users while there are seats: each is invited, and is in the groups named, which must be there."""
    taken = set(by_address(connection, (text(step, "email") for step in steps)))
    ids = group_ids(connection, (name for step in steps for name in step.values.get("groups", ())))
    outcomes: dict[str, Outcome] = {}
    fitting: dict[str, Step] = {}
    waiting: list[Step] = []
    free = seats.free(connection)
    for step in steps:
        address = normalise_email(text(step, "email"))
        missing = [name for name in step.values.get("groups", ()) if normalise_name(name) not in ids]
        if address in taken:
            outcomes[step.operation_id] = failed(step, f"{text(step, 'email')} already exists")
        elif missing:
            outcomes[step.operation_id] = failed(step, f"there is no group {missing[0]}")
        elif free is not None and len(fitting) >= free:
            waiting.append(step)
        else:
            taken.add(address)
            fitting[address] = step
    if waiting:
        why = seats.full(connection)
        outcomes.update((step.operation_id, failed(step, why)) for step in waiting)
    new = _insert(connection, fitting.values(), now)
    for address, user_id in new.items():
        outcomes[fitting[address].operation_id] = done(fitting[address], user_id)
    belonging = [
        {"user_id": new[address], "group_id": group_id}
        for address, step in fitting.items()
        for group_id in sorted({ids[normalise_name(name)] for name in step.values.get("groups", ())})
    ]
    if belonging:
        connection.execute(insert(memberships), belonging)
    invite(connection, [(new[address], text(step, "email")) for address, step in fitting.items()], now)
    record(connection, ((new[address], "added", text(step, "email")) for address, step in fitting.items()), now)
    return [outcomes[step.operation_id] for step in steps]


def _insert(connection: Connection, steps: Iterable[Step], now: datetime) -> dict[str, int]:
    """Address -> id of the new users."""
    rows = [
        {
            "account": account_of(connection),
            "email": text(step, "email"),
            "email_key": normalise_email(text(step, "email")),
            "name": text(step, "display_name"),
            "name_key": normalise_name(text(step, "display_name")),
            "state": "invited",
            "role": "",
            "owner": False,
            "created_at": now,
        }
        for step in steps
    ]
    if not rows:
        return {}
    statement = insert(users).returning(users.c.email_key, users.c.user_id)
    return dict(connection.execute(statement, rows).all())


def by_address(connection: Connection, emails: Iterable[str]) -> dict[str, int]:
    """Address -> id of the users who have one of these emails."""
    found: dict[str, int] = {}
    for part in chunks(map(normalise_email, emails)):
        query = select(users.c.email_key, users.c.user_id).where(
            users.c.account == account_of(connection), users.c.email_key.in_(part)
        )
        found.update(connection.execute(query).all())
    return found


def by_id(connection: Connection, steps: Iterable[Step]) -> dict[str, Row[Any]]:
    """Fluix id -> row of the users whom these steps are about."""
    found: dict[str, Row[Any]] = {}
    for part in chunks(as_numbers(step.fluix_id for step in steps)):
        query = select(users).where(users.c.account == account_of(connection), users.c.user_id.in_(part))
        for row in connection.execute(query):
            found[str(row.user_id)] = row
    return found


def update(connection: Connection, steps: Sequence[Step], now: datetime) -> list[Outcome]:
    """Give users another email or name."""
    there = by_id(connection, steps)
    now_known = {fluix_id: (row.email, row.name) for fluix_id, row in there.items()}
    owners = {
        address: str(user_id)
        for address, user_id in by_address(
            connection, (text(step, "email") for step in steps if "email" in step.values)
        ).items()
    }
    changes: list[dict[str, Any]] = []
    happened: list[tuple[int | None, str, str]] = []
    outcomes: list[Outcome] = []
    for step in steps:
        fluix_id = step.fluix_id or ""
        if fluix_id not in now_known:
            outcomes.append(gone(step))
            continue
        # What an earlier step of this call made of the user, and not only what the store holds yet.
        before = now_known[fluix_id]
        email, name = _text_or(step.values, "email", before[0]), _text_or(step.values, "display_name", before[1])
        address = normalise_email(email)
        if owners.get(address, fluix_id) != fluix_id:
            outcomes.append(failed(step, f"{email} belongs to another user"))
            continue
        owners.pop(normalise_email(before[0]), None)
        owners[address] = fluix_id
        if (email, name) != before:
            now_known[fluix_id] = (email, name)
            user_id = int(fluix_id)
            changes.append({"of": user_id, "e": email, "ek": address, "n": name, "nk": normalise_name(name)})
            happened.append((user_id, "changed", f"{before[1]} <{before[0]}> is now {name} <{email}>"))
        outcomes.append(done(step))
    if changes:
        statement = (
            sql_update(users)
            .where(users.c.user_id == bindparam("of"))
            .values(email=bindparam("e"), email_key=bindparam("ek"), name=bindparam("n"), name_key=bindparam("nk"))
        )
        connection.execute(statement, changes)
        accepted = [row for row in there.values() if row.state == "active"]
        credentials.moved(
            connection, ((row.email_key, normalise_email(now_known[str(row.user_id)][0])) for row in accepted)
        )
    record(connection, happened, now)
    return outcomes


def resend_invites(connection: Connection, steps: Sequence[Step], now: datetime) -> list[Outcome]:
    """Invite again: only users who never logged in, and only so often and so soon as the account's owner allows."""
    there = by_id(connection, steps)
    rules = resending.rules_of(connection)
    before = resending.invited(connection, (row.user_id for row in there.values()))
    outcomes: list[Outcome] = []
    for step in steps:
        row = there.get(step.fluix_id or "")
        if row is None:
            outcomes.append(gone(step))
        elif row.state != "invited" or row.last_login_at is not None:
            outcomes.append(failed(step, f"{row.email} has logged in already: there is no invitation to resend"))
        elif (why := resending.why_not(before.get(row.user_id), rules, now)) is not None:
            outcomes.append(failed(step, f"{row.email} {why}"))
        else:
            invite(connection, [(row.user_id, row.email)], now)
            record(connection, [(row.user_id, "invited again", row.email)], now)
            before[row.user_id] = before.get(row.user_id, resending.Invited(0, now)).again(now)
            outcomes.append(done(step))
    return outcomes


def invite(connection: Connection, invited: Iterable[tuple[int, str]], now: datetime) -> None:
    """Put invitations for users (id, email) into the outbox."""
    rows = [
        {
            "account": account_of(connection),
            "user_id": user_id,
            "kind": "invitation",
            "email": email,
            "subject": "",
            "text": "",
            "state": "queued",
            "tries": 0,
            "queued_at": now,
        }
        for user_id, email in invited
    ]
    if rows:
        connection.execute(insert(mails), rows)


def _text_or(values: Mapping[str, str | tuple[str, ...]], name: str, otherwise: str) -> str:
    value = values.get(name, otherwise)
    assert isinstance(value, str)
    return value
