"""The account as one plain structure, out and in: a rehearsal copy of a real account.

    users:     [{email, name, state: invited | active, role, owner, groups, role_groups, last_login, refused}]
    groups:    [{name}]
    workflows: [{name, groups: [name], steps: [{name, users: [email], groups: [name]}]}]
    documents: [{title, state: draft | assigned, user: email}]

`role_groups` (the groups that a role is for), `last_login`, `refused` (why the address was not accepted) and a workflow's
`groups` (which give it to their members) are written only where there is something to say.

A group that only a user names is made as well. `load` merges: what the copy names is brought to what the copy says, and
nothing else is touched, so a key that is left out keeps what is there (a user's role, groups, ...); with `replace` the account
becomes exactly the copy. Users who are there keep their ids. Nobody is invited by it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Row, Table, bindparam, delete, insert, select, update

from connectors.errors import PermanentError
from connectors.fluix.account import credentials, reading, rehearsal_workflows
from connectors.fluix.account.admin import people
from connectors.fluix.account.connection import account_of, chunks
from connectors.fluix.account.copy_problems import problems
from connectors.fluix.account.groups import group_ids
from connectors.fluix.account.outcomes import record
from connectors.fluix.account.rehearsal_workflows import ids_of
from connectors.fluix.account.tables import (
    devices,
    documents,
    groups,
    memberships,
    role_groups,
    step_groups,
    step_users,
    users,
    workflow_groups,
    workflow_steps,
    workflows,
)
from connectors.fluix.account.users import by_address
from connectors.model import Account, normalise_email, normalise_name


def dump(connection: Connection) -> dict[str, Any]:
    """The whole account, sorted."""
    account = account_of(connection)
    rows = connection.execute(select(users).where(users.c.account == account).order_by(users.c.email_key)).all()
    emails = {row.user_id: row.email for row in rows}
    there = {item.fluix_id: item for item in reading.stream(connection) if isinstance(item, Account)}
    names = dict(connection.execute(select(groups.c.group_id, groups.c.name).where(groups.c.account == account)).all())
    scopes: dict[int, list[str]] = {}
    ours = ids_of(users.c.user_id, users.c.account == account)
    for user_id, group_id in connection.execute(select(role_groups).where(role_groups.c.user_id.in_(ours))):
        scopes.setdefault(user_id, []).append(names[group_id])
    query = select(documents).where(documents.c.user_id.in_(ids_of(users.c.user_id, users.c.account == account)))
    docs = connection.execute(query.order_by(documents.c.title, documents.c.document_id))
    return {
        "users": [
            {**people.summary(row, there[str(row.user_id)].groups), **_further(row, scopes.get(row.user_id))}
            for row in rows
        ],
        "groups": [{"name": name} for name in sorted(names.values(), key=normalise_name)],
        "workflows": rehearsal_workflows.dump(connection, emails, names),
        "documents": [{"title": doc.title, "state": doc.state, "user": emails[doc.user_id]} for doc in docs],
    }


def _further(row: Row[Any], scope: list[str] | None) -> dict[str, Any]:
    """What most users do not have."""
    said = {
        "role_groups": sorted(scope or ()),
        "last_login": people.moment(row.last_login_at),
        "refused": row.refused,
    }
    return {key: value for key, value in said.items() if value}


def load(connection: Connection, data: Mapping[str, Any], *, replace: bool, now: datetime) -> dict[str, int]:
    """Put a copy in.

    Returns:
        How many of each the copy holds.

    Raises:
        PermanentError: the copy has problems; all of them are named, and nothing is written.
    """
    known_users = set() if replace else people.addresses(connection)
    known_groups = set() if replace else set(_group_keys(connection))
    found = problems(data, known_users, known_groups, owner_is_there=not replace and _other_owner(connection, data))
    if found:
        raise PermanentError(
            "\n".join(found), where="the copy of the account", cure="nothing was written: mend these first"
        )
    if replace:
        _clear(connection, data)
    named = [entry["name"] for entry in data.get("groups") or ()]
    named += [name for user in data.get("users") or () for name in user.get("groups") or ()]
    _load_groups(connection, named)
    _load_users(connection, data.get("users") or (), now, keep=not replace)
    for workflow in data.get("workflows") or ():
        rehearsal_workflows.load(connection, workflow)
    _load_documents(connection, data.get("documents") or (), merge=not replace)
    record(connection, [(None, "loaded", "replaced" if replace else "merged")], now)
    return {part: len(data.get(part) or ()) for part in ("users", "groups", "workflows", "documents")}


def _other_owner(connection: Connection, data: Mapping[str, Any]) -> bool:
    """Whether somebody owns the account of whom the copy does not say whether that stays so."""
    here = (users.c.account == account_of(connection), users.c.owner)
    address = connection.execute(select(users.c.email_key).where(*here)).scalar()
    entries = data.get("users") if isinstance(data, Mapping) else None
    told = {
        normalise_email(str(user.get("email", "")))
        for user in (entries if isinstance(entries, list) else ())
        if isinstance(user, Mapping) and "owner" in user
    }
    return address is not None and address not in told


def _clear(connection: Connection, data: Mapping[str, Any]) -> None:
    """Remove everything that the copy does not name, and what it will say anew."""
    account = account_of(connection)
    our_users = ids_of(users.c.user_id, users.c.account == account)
    ours = ids_of(workflows.c.workflow_id, workflows.c.account == account)
    our_steps = ids_of(workflow_steps.c.step_id, workflow_steps.c.workflow_id.in_(ours))
    for column, ids in (
        (step_users.c.step_id, our_steps),
        (step_groups.c.step_id, our_steps),
        (workflow_steps.c.workflow_id, ours),
        (workflow_groups.c.workflow_id, ours),
        (documents.c.user_id, our_users),
        (memberships.c.user_id, our_users),
        (role_groups.c.user_id, our_users),
    ):
        connection.execute(delete(column.table).where(column.in_(ids)))
    connection.execute(delete(workflows).where(workflows.c.account == account))
    kept = {normalise_email(user["email"]) for user in data.get("users") or ()}
    query = select(users.c.user_id, users.c.email_key).where(users.c.account == account)
    gone = {user_id: address for user_id, address in connection.execute(query).all() if address not in kept}
    for chunk in chunks(gone):
        connection.execute(delete(devices).where(devices.c.user_id.in_(chunk)))
        connection.execute(delete(users).where(users.c.user_id.in_(chunk)))
    credentials.left(connection, gone.values())
    names = {normalise_name(group["name"]) for group in data.get("groups") or ()}
    for chunk in chunks(group_id for key, group_id in _group_keys(connection).items() if key not in names):
        connection.execute(delete(groups).where(groups.c.group_id.in_(chunk)))


def _group_keys(connection: Connection) -> dict[str, int]:
    """Name as compared -> id of every group."""
    query = select(groups.c.name_key, groups.c.group_id).where(groups.c.account == account_of(connection))
    return dict(connection.execute(query).all())


def _load_groups(connection: Connection, names: Iterable[str]) -> None:
    wanted: dict[str, str] = {}
    for name in names:
        wanted.setdefault(normalise_name(name), name)
    there = group_ids(connection, wanted.values())
    account = account_of(connection)
    rows = [{"account": account, "name": name, "name_key": key} for key, name in wanted.items() if key not in there]
    if rows:
        connection.execute(insert(groups), rows)
    for key, group_id in there.items():
        connection.execute(update(groups).where(groups.c.group_id == group_id).values(name=wanted[key]))


def _load_users(connection: Connection, entries: Sequence[Mapping[str, Any]], now: datetime, *, keep: bool) -> None:
    """Make users, or bring them to what the copy says; `keep` what is there where it says nothing."""
    account = account_of(connection)
    there: dict[str, Row[Any]] = {}
    for part in chunks(normalise_email(entry["email"]) for entry in entries):
        query = select(users).where(users.c.account == account, users.c.email_key.in_(part))
        there.update((row.email_key, row) for row in connection.execute(query))
    new, known = [], []
    for entry in entries:
        row = there.get(normalise_email(entry["email"]))
        values = _values(entry, row if keep else None)
        if row is None:
            new.append({**values, "account": account, "created_at": now})
        else:
            known.append({**values, "of": row.user_id})
    if any(row.owner for row in there.values()):  # so that never two are the owner, in whatever order they are written
        connection.execute(update(users).where(users.c.account == account, users.c.owner).values(owner=False))
    if known:
        connection.execute(update(users).where(users.c.user_id == bindparam("of")), known)
    if new:
        connection.execute(insert(users), new)
    _load_memberships(connection, memberships, [entry for entry in entries if not keep or "groups" in entry], "groups")
    # Who has no role any more has no groups that it is for.
    scoped = [e for e in entries if not keep or "role_groups" in e or ("role" in e and not e["role"])]
    _load_memberships(connection, role_groups, scoped, "role_groups")


def _values(entry: Mapping[str, Any], row: Row[Any] | None) -> dict[str, Any]:
    """A user's columns: what the copy says, else what is there, else the defaults."""
    login = entry.get("last_login", people.moment(row.last_login_at) if row else None)
    name = entry.get("name") or (row.name if row else entry["email"].partition("@")[0])
    return {
        "email": entry["email"],
        "email_key": normalise_email(entry["email"]),
        "name": name,
        "name_key": normalise_name(name),
        "state": entry.get("state") or (row.state if row else "active"),
        "role": entry.get("role", row.role if row else "") or "",
        "owner": bool(entry.get("owner", row.owner if row else False)),
        "last_login_at": datetime.fromisoformat(login) if login else None,
        "refused": entry.get("refused", row.refused if row else None) or None,
    }


def _load_memberships(connection: Connection, table: Table, entries: Sequence[Mapping[str, Any]], key: str) -> None:
    """Bring these users to just the groups that the copy names under this key."""
    ids = by_address(connection, (entry["email"] for entry in entries))
    teams = group_ids(connection, (name for entry in entries for name in entry.get(key) or ()))
    for part in chunks(ids.values()):
        connection.execute(delete(table).where(table.c.user_id.in_(part)))
    rows = [
        {"user_id": ids[normalise_email(entry["email"])], "group_id": group_id}
        for entry in entries
        for group_id in sorted({teams[normalise_name(name)] for name in entry.get(key) or ()})
    ]
    if rows:
        connection.execute(insert(table), rows)


def _load_documents(connection: Connection, entries: Iterable[Mapping[str, Any]], *, merge: bool) -> None:
    """Make documents; one of the same title, state and user that is there already is the same document."""
    entries = list(entries)
    ids = by_address(connection, (entry["user"] for entry in entries))
    there: Counter[tuple[str, str, int]] = Counter()
    if merge:
        columns = (documents.c.title, documents.c.state, documents.c.user_id)
        query = select(*columns).where(documents.c.user_id.in_(set(ids.values())))
        there.update((row[0], row[1], row[2]) for row in connection.execute(query))
    new = []
    for entry in entries:
        document = (entry["title"], entry.get("state") or "draft", ids[normalise_email(entry["user"])])
        if there[document]:
            there[document] -= 1
        else:
            new.append(dict(zip(("title", "state", "user_id"), document, strict=True)))
    if new:
        connection.execute(insert(documents), new)
