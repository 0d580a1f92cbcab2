"""Membership, by rows: adding and removing cost what they change, whatever the size of the group.

A change raises the version of the group and of the users whose `groups` it changes. Who is no user or group here is left out.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final
from unicodedata import normalize

from scim2_models import InvalidValueException
from sqlalchemy import bindparam, delete, func, insert, select, update

from scim.rows import chunks
from scim.slots import Condition
from scim.tables import members, resources
from scim.writing import Writing

Wanted = Mapping[str, str | None]
"""Members by id, with the display that the client says."""


def wanted_of(entries: Any) -> dict[str, str | None]:
    """The members that a client names: objects with `value`, or with a `$ref` whose last part is the id.

    Raises:
        InvalidValueException: an entry is something else.
    """
    found: dict[str, str | None] = {}
    for entry in entries if isinstance(entries, list) else [entries]:
        said = {str(name).lower(): part for name, part in entry.items()} if isinstance(entry, dict) else {}
        value, reference, display = said.get("value"), said.get("$ref"), said.get("display")
        if not value and isinstance(reference, str):
            value = reference.rstrip("/").rpartition("/")[2]
        if not isinstance(value, str) or not value:
            raise InvalidValueException(detail='a member is an object with the id of a user or group as its "value"')
        found[value] = display if isinstance(display, str) else None
    return found


_KNOWN: Final = select(resources.c.id, resources.c.kind).where(
    resources.c.tenant == bindparam("tenant"),
    resources.c.id.in_(bindparam("ids", expanding=True)),
    resources.c.deleted_at.is_(None),
)
_THERE: Final = select(members.c.member_id, members.c.display).where(
    members.c.tenant == bindparam("tenant"),
    members.c.group_id == bindparam("group"),
    members.c.member_id.in_(bindparam("ids", expanding=True)),
)
_ADD: Final = insert(members)
_RENAME: Final = (
    update(members)
    .where(
        members.c.tenant == bindparam("of_tenant"),
        members.c.group_id == bindparam("of_group"),
        members.c.member_id == bindparam("of_member"),
    )
    .values(display=bindparam("said"), display_key=bindparam("said_key"))
)
_TOUCH: Final = (
    update(resources)
    .where(
        resources.c.tenant == bindparam("of_tenant"),
        resources.c.kind == bindparam("of_kind"),
        resources.c.id.in_(bindparam("ids", expanding=True)),
    )
    .values(changed=bindparam("change"), version=resources.c.version + 1)
)


def add(work: Writing, group: str, wanted: Wanted, *, refuse_unknown: bool, exactly: bool = False) -> bool:
    """Make these members; who is one already stays one, with the display that is said now.

    Args:
        work: the transaction.
        group: whose members.
        wanted: whom.
        refuse_unknown: whether somebody unknown is an error.
        exactly: a display that is not said is none; else what was said before stays.

    Returns:
        Whether anything changed.

    Raises:
        InvalidValueException: someone is not known here, and that is to be refused.
    """
    changed = False
    kept = () if exactly else (None,)
    for ids in chunks(wanted):
        asked = {"tenant": work.tenant, "group": group, "ids": ids}
        there = {row.member_id: row.display for row in work.connection.execute(_THERE, asked)}
        known = {row.id: row.kind for row in work.connection.execute(_KNOWN, asked)} if len(there) < len(ids) else {}
        _unknown(work, [one for one in ids if one not in known and one not in there], refuse=refuse_unknown)
        new = [one for one in ids if one in known and one not in there]
        renamed = [one for one in ids if one in there and wanted[one] not in (there[one], *kept)]
        if new:
            rows = [{"member_id": one, "kind": known[one], **_display(wanted[one])} for one in new]
            same = {"tenant": work.tenant, "group_id": group, "added": work.change}
            work.connection.execute(_ADD, [row | same for row in rows])
            touch(work, new)
        for one in renamed:
            said = {"said": wanted[one], "said_key": _display(wanted[one])["display_key"]}
            work.connection.execute(_RENAME, {"of_tenant": work.tenant, "of_group": group, "of_member": one, **said})
        changed = changed or bool(new or renamed)
    return changed


def _display(said: str | None) -> dict[str, str | None]:
    return {"display": said, "display_key": None if said is None else normalize("NFC", normalize("NFC", said).lower())}


def _unknown(work: Writing, unknown: Sequence[str], *, refuse: bool) -> None:
    if not unknown:
        return
    names = ", ".join(one[:64] for one in unknown[:3]) + (", …" if len(unknown) > 3 else "")  # noqa: PLR2004
    if refuse:
        raise InvalidValueException(detail=f"{len(unknown)} members are no users or groups here: {names}")
    work.notes.append(f"{len(unknown)} members are no users or groups here, and were left out: {names}")


def remove(work: Writing, group: str, ids: Iterable[str]) -> bool:
    """End the membership of these; who is no member is passed over.

    Returns:
        Whether anyone was one.
    """
    changed = False
    for chunk in chunks(ids):
        here = (members.c.tenant == work.tenant, members.c.group_id == group, members.c.member_id.in_(chunk))
        gone = work.connection.execute(delete(members).where(*here).returning(members.c.member_id)).scalars().all()
        touch(work, gone)
        changed = changed or bool(gone)
    return changed


def remove_where(work: Writing, group: str, condition: Condition | None = None) -> bool:
    """End the membership of all for whom the condition holds, without reading them; without one: of everybody.

    Returns:
        Whether anyone was one.
    """
    here = [members.c.tenant == work.tenant, members.c.group_id == group]
    if condition is not None:
        here.append(condition)
    leaving = select(members.c.member_id).where(*here)
    touched = update(resources).where(
        resources.c.tenant == work.tenant, resources.c.kind == "User", resources.c.id.in_(leaving)
    )
    work.connection.execute(touched.values(changed=work.change, version=resources.c.version + 1))
    return bool(work.connection.execute(delete(members).where(*here)).rowcount)


def replace(work: Writing, group: str, wanted: Wanted, *, refuse_unknown: bool) -> bool:
    """Make exactly these the members, with exactly these displays.

    Returns:
        Whether anything changed.
    """
    if not wanted:
        return remove_where(work, group)
    there = work.connection.execute(
        select(members.c.member_id).where(members.c.tenant == work.tenant, members.c.group_id == group)
    ).scalars()
    gone = remove(work, group, [one for one in there if one not in wanted])
    return add(work, group, wanted, refuse_unknown=refuse_unknown, exactly=True) or gone


def size(work: Writing, group: str, most: int) -> int:
    """How many members a group has; more than `most` are not counted."""
    here = (
        select(members.c.member_id).where(members.c.tenant == work.tenant, members.c.group_id == group).limit(most + 1)
    )
    return int(work.connection.execute(select(func.count()).select_from(here.subquery())).scalar_one())


def leave_all(work: Writing, resource_id: str) -> None:
    """Take a resource out of all groups, and all members out of it: it is being deleted."""
    groups = work.connection.execute(
        select(members.c.group_id).where(members.c.tenant == work.tenant, members.c.member_id == resource_id)
    ).scalars()
    modify(work, "Group", groups.all())
    work.connection.execute(delete(members).where(members.c.tenant == work.tenant, members.c.member_id == resource_id))
    remove_where(work, resource_id)


def touch(work: Writing, ids: Iterable[str]) -> None:
    """The `groups` of these users changed: raise their versions, and tell the engine. Groups have no `groups`."""
    _raise(work, _TOUCH, "User", ids)


def modify(work: Writing, kind: str, ids: Iterable[str]) -> None:
    """These were changed themselves: lastModified, too."""
    _raise(work, _TOUCH.values(last_modified=work.now), kind, ids)


def _raise(work: Writing, statement: Any, kind: str, ids: Iterable[str]) -> None:
    for chunk in chunks(ids):
        asked = {"of_tenant": work.tenant, "of_kind": kind, "ids": chunk, "change": work.change}
        work.connection.execute(statement, asked)
