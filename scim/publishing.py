"""From rows to what clients read: documents with ids, meta, references and what stands in other tables. No models here."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from operator import itemgetter
from typing import Any, Final
from urllib.parse import quote

import orjson
from orjson import Fragment
from sqlalchemy import Connection, Row, and_, bindparam, select

from scim.moments import published
from scim.prepared import Prepared
from scim.provider import ENDPOINTS, PROVISIONING
from scim.rows import chunks
from scim.tables import members, resources

ENTERPRISE: Final = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User"
Entry = dict[str, Any]
_SCHEMAS: Final = '{"schemas":["'


def etag(version: int) -> str:
    """The ETag of a version: weak, since bytes are not promised (RFC 7644 §3.14)."""
    return f'W/"{version}"'


def publish(row: Any, base: str, groups: Sequence[Entry] = (), held: Sequence[Entry] = ()) -> dict[str, Any]:
    """A resource as a client reads it.

    Args:
        row: see `scim.rows`, or `scim.deeds.Made`.
        base: the address of the tenant's SCIM root with a slash at its end; empty: references stay relative, without location.
        groups: of a user, from `groups_of`.
        held: the members of a group, from `members_of`.
    """
    document: dict[str, Any] = orjson.loads(row.document)
    schemas = document.pop("schemas")
    resource = {"schemas": schemas, "id": row.id, **document}
    if row.kind == "User":
        _refer_to_manager(resource, base)
        if groups:
            resource["groups"] = groups
        if row.state is not None or PROVISIONING in schemas:
            _tell_provisioning(resource, row)
    elif held:
        resource["members"] = held
    resource["meta"] = meta_of(row, base)
    return resource


def publish_text(row: Any, base: str, groups: Sequence[Entry] = (), held: Sequence[Entry] = ()) -> Entry | Fragment:
    """The same, for an answer that keeps all of it: the stored text goes out as it is, with the rest put behind it.

    What has to be changed inside is published as by `publish`.
    """
    document: str = row.document
    rest: dict[str, Any] = {"id": row.id}
    if row.kind == "User":
        if '"manager"' in document or PROVISIONING in document or not document.startswith(_SCHEMAS):
            return publish(row, base, groups, held)
        if groups:
            rest["groups"] = groups
        if row.state is not None:
            end = document.index("]")
            document = f'{document[:end]},"{PROVISIONING}"{document[end:]}'
            rest[PROVISIONING] = _told(row)
    elif held:
        rest["members"] = held
    rest["meta"] = meta_of(row, base)
    return Fragment(f"{document[:-1]},{orjson.dumps(rest).decode()[1:]}")


def meta_of(row: Any, base: str) -> dict[str, Any]:
    """A resource's meta (RFC 7643 §3.1)."""
    meta = {
        "resourceType": row.kind,
        "created": published(row.created),
        "lastModified": published(row.last_modified),
    }
    if base:
        meta["location"] = location(base, row.kind, row.id)
    meta["version"] = etag(row.version)
    return meta


def location(base: str, kind: str, resource_id: str) -> str:
    """The address of a resource; relative without a base."""
    return f"{base}{ENDPOINTS[kind]}/{resource_id}"


def _refer_to_manager(resource: Mapping[str, Any], base: str) -> None:
    manager = resource.get(ENTERPRISE, {}).get("manager")
    if manager and manager.get("value"):
        manager["$ref"] = location(base, "User", quote(manager["value"], safe=""))


def _tell_provisioning(resource: dict[str, Any], row: Any) -> None:
    """What became of the user; nothing yet, when only the client named the extension."""
    resource[PROVISIONING] = _told(row)
    if PROVISIONING not in resource["schemas"]:
        resource["schemas"].append(PROVISIONING)


def _told(row: Any) -> dict[str, str]:
    told = {"state": row.state, "reason": row.reason, "fluixId": row.fluix_id, "invitation": row.invitation}
    return {name: said for name, said in told.items() if said is not None}


_GROUPS_OF_ONE: Final = Prepared(
    select(members.c.member_id, resources.c.id, resources.c.display_name)
    .join(resources, and_(resources.c.tenant == members.c.tenant, resources.c.id == members.c.group_id))
    .where(members.c.tenant == bindparam("tenant"), members.c.member_id == bindparam("id"))
)
_SOME: Final[Any] = bindparam("ids", expanding=True)
_MEMBERSHIPS: Final = select(members.c.member_id, members.c.group_id).where(
    members.c.tenant == bindparam("tenant"), members.c.member_id.in_(_SOME)
)
"""Without an order: with one, SQLite goes through all memberships of the tenant rather than sort those of a few."""
_NAMES: Final = select(resources.c.id, resources.c.display_name).where(
    resources.c.tenant == bindparam("tenant"), resources.c.id.in_(_SOME)
)


def groups_of(connection: Connection, tenant: str, users: Sequence[str], base: str) -> dict[str, list[Entry]]:
    """The groups that these users are members of, not counting groups in groups, in the order of their ids.

    Users in one group share its entry.
    """
    if len(users) == 1:
        rows = _GROUPS_OF_ONE.all(connection, {"tenant": tenant, "id": users[0]})
        pairs, names = [row[:2] for row in rows], {row[1]: row[2] for row in rows}
    else:
        pairs = [tuple(row) for row in connection.execute(_MEMBERSHIPS, {"tenant": tenant, "ids": users}).all()]
        names = {}
        for ids in chunks({group_id for _, group_id in pairs}):
            names |= dict(connection.execute(_NAMES, {"tenant": tenant, "ids": ids}).all())
    entries = {
        one: {"value": one, "$ref": location(base, "Group", one), "display": name, "type": "direct"}
        for one, name in names.items()
    }
    found: dict[str, list[Entry]] = {}
    for member_id, group_id in sorted(pairs, key=itemgetter(1)):
        if group_id in entries:
            found.setdefault(member_id, []).append(entries[group_id])
    return found


_MEMBERS: Final = (
    select(members.c.group_id, members.c.member_id, members.c.kind, members.c.display)
    .where(members.c.tenant == bindparam("tenant"), members.c.group_id.in_(bindparam("ids", expanding=True)))
    .order_by(members.c.added, members.c.member_id)
)


def members_of(connection: Connection, tenant: str, groups: Iterable[str], base: str) -> dict[str, list[Entry]]:
    """The members of these groups, in the order in which they came."""
    found: dict[str, list[Entry]] = {}
    for group_id, member_id, kind, display in connection.execute(_MEMBERS, {"tenant": tenant, "ids": list(groups)}):
        entry = {"value": member_id, "$ref": location(base, kind, member_id), "type": kind}
        if display is not None:
            entry["display"] = display
        found.setdefault(group_id, []).append(entry)
    return found


def publish_all(
    connection: Connection,
    tenant: str,
    rows: Sequence[Row[Any]],
    base: str,
    *,
    groups: bool = True,
    held: bool = True,
    how: Callable[..., Any] = publish,
) -> list[Any]:
    """Several resources as a client reads them.

    Args:
        connection: to read by.
        tenant: whose they are.
        rows: see `scim.rows`.
        base: see `publish`.
        groups: whether the answer says the groups of users: else they are not read.
        held: whether it says the members of groups.
        how: `publish`, or `publish_text`.
    """
    users = [row.id for row in rows if row.kind == "User"] if groups else []
    lists = [row.id for row in rows if row.kind == "Group"] if held else []
    of_users = groups_of(connection, tenant, users, base) if users else {}
    of_groups = members_of(connection, tenant, lists, base) if lists else {}
    return [how(row, base, of_users.get(row.id, ()), of_groups.get(row.id, ())) for row in rows]
