"""Where the values of an attribute stand in SQL: in a column, in the rows of values, among the members.

Each answer is a condition that is true or false, never null, so that `not` means what it says.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, Protocol

from sqlalchemy import ColumnElement, FromClause, and_, case, cast, exists, false, literal, select
from sqlalchemy import Text as Words

from scim.provider import ENDPOINTS, PROVISIONING
from scim.shapes import Attribute
from scim.tables import members, provisioning, resources, values
from scim.values import LOOKED_UP, digest

Expression = ColumnElement[Any]
Condition = ColumnElement[bool]
Test = Callable[[Expression], Condition]

RESOURCE: Final = resources.c
_ENDPOINT: Final = case((RESOURCE.kind == "User", ENDPOINTS["User"] + "/"), else_=ENDPOINTS["Group"] + "/")
REFERENCE: Final = _ENDPOINT + RESOURCE.id

COLUMNS: Final[dict[str, Expression]] = {
    "id": RESOURCE.id,
    "externalid": RESOURCE.external_id,
    "username": RESOURCE.user_key,
    "displayname": RESOURCE.display_key,
    "active": RESOURCE.active,
    "meta": RESOURCE.kind,
    "meta.resourcetype": RESOURCE.kind,
    "meta.created": RESOURCE.created,
    "meta.lastmodified": RESOURCE.last_modified,
    "meta.version": literal('W/"') + cast(RESOURCE.version, Words) + '"',
    "meta.location": REFERENCE,
}
"""Attributes with a column of their own."""

NEVER_NULL: Final = frozenset(
    {"id", "username", "meta.resourcetype", "meta.created", "meta.lastmodified", "meta.version"}
)


class Slot(Protocol):
    """The one value that an attribute has in a resource, or in an entry of a multi-valued attribute."""

    def some(self) -> Condition:
        """There is a value."""
        ...

    def holds(self, test: Test) -> Condition:
        """There is a value, and it passes."""
        ...

    def equals(self, text: Any) -> Condition:
        """There is this value; looked up in an index where there is one."""
        ...


@dataclass(frozen=True, slots=True)
class InColumn:
    """A value in a column, or one made from columns."""

    column: Expression

    def some(self) -> Condition:
        """There is a value."""
        return self.column.is_not(None)

    def holds(self, test: Test) -> Condition:
        """There is a value, and it passes."""
        return and_(self.column.is_not(None), test(self.column))

    def equals(self, text: Any) -> Condition:
        """There is this value."""
        return self.holds(lambda column: column == text)


@dataclass(frozen=True, slots=True)
class InRow:
    """A value in the rows of values; of one entry where `entry` is that entry's row."""

    tenant: str
    attribute: Attribute
    entry: FromClause | None = None

    def some(self) -> Condition:
        """There is a value."""
        return exists(self._rows())

    def holds(self, test: Test) -> Condition:
        """There is a value, and it passes."""
        found = self._rows()
        return exists(found.where(test(self.column(found.selected_columns))))

    def column(self, of: Any) -> Expression:
        """What is compared: numbers as numbers, all else as text."""
        column: Expression = of.number if self.attribute.type in {"integer", "decimal"} else of.text
        return column

    def equals(self, text: Any) -> Condition:
        """There is this value: by the index of digests, unless it is one entry's."""
        if self.entry is not None or not isinstance(text, str):
            return self.holds(lambda column: column == text)
        return RESOURCE.number.in_(looked_up(self.tenant, self.attribute, text).with_only_columns(values.c.resource))

    def _rows(self) -> Any:
        one = values.alias()
        found = select(one.c.text, one.c.number).where(one.c.path == self.attribute.path)
        if self.entry is None:
            return found.where(one.c.resource == RESOURCE.number).correlate(resources)
        return found.where(one.c.resource == self.entry.c.resource, one.c.ordinal == self.entry.c.ordinal).correlate(
            self.entry
        )


def looked_up(tenant: str, attribute: Attribute, text: str) -> Any:
    """The rows of values that hold exactly this: by the index, where the attribute is one of those that are looked up."""
    found = select(values).where(values.c.path == attribute.path, values.c.text == text)
    if attribute.path not in LOOKED_UP:
        return found
    return found.where(values.c.digest == digest(tenant, attribute.path, text))


class Entries(Protocol):
    """The entries of an attribute."""

    def any(self, test: Callable[[Callable[[Attribute], Slot]], Condition] | None = None) -> Condition:
        """There is an entry, and it passes: the test is given where an entry's parts stand."""
        ...


@dataclass(frozen=True, slots=True)
class RowEntries:
    """Entries in the rows of values."""

    tenant: str
    head: Attribute

    def any(self, test: Callable[[Callable[[Attribute], Slot]], Condition] | None = None) -> Condition:
        """There is an entry, and it passes."""
        entry = values.alias()
        found = (
            select(1).where(entry.c.resource == RESOURCE.number, entry.c.path == self.head.path).correlate(resources)
        )
        if test is None:
            return exists(found)

        def slot(part: Attribute) -> Slot:
            return InColumn(entry.c.text) if part is self.head else InRow(self.tenant, part, entry)

        return exists(found.where(test(slot)))

    def anchored(
        self, part: Attribute, text: str, test: Callable[[Callable[[Attribute], Slot]], Condition]
    ) -> Condition:
        """There is an entry with this text in this part, found by the index, and it passes."""
        found = looked_up(self.tenant, part, text).subquery()
        passed = select(found.c.resource).where(test(lambda one: InRow(self.tenant, one, found)))
        return RESOURCE.number.in_(passed)


@dataclass(frozen=True, slots=True)
class MemberEntries:
    """A group's members, or the groups of a user."""

    head: Attribute

    def any(self, test: Callable[[Callable[[Attribute], Slot]], Condition] | None = None) -> Condition:
        """There is an entry, and it passes."""
        member, group = members.alias(), resources.alias()
        found = select(1).where(member.c.tenant == RESOURCE.tenant)
        if self.head.path == "members":
            found = found.where(member.c.group_id == RESOURCE.id)
            parts = member_parts(member)
        else:
            joined = and_(group.c.tenant == member.c.tenant, group.c.id == member.c.group_id)
            found = found.where(member.c.member_id == RESOURCE.id).join_from(member, group, joined)
            parts = group_parts(member, group)
        found = found.correlate(resources)
        return exists(found if test is None else found.where(test(lambda part: InColumn(parts[part.path]))))


def member_parts(member: Any) -> dict[str, Expression]:
    """What a member's parts are in SQL, as compared."""
    user = case((member.c.kind == "User", ENDPOINTS["User"] + "/"), else_=ENDPOINTS["Group"] + "/")
    return {
        "members.value": member.c.member_id,
        "members.display": member.c.display_key,
        "members.type": case((member.c.kind == "User", "user"), else_="group"),
        "members.$ref": user + member.c.member_id,
    }


def group_parts(member: Any, group: Any) -> dict[str, Expression]:
    """What the parts of a user's group are in SQL, as compared."""
    return {
        "groups.value": member.c.group_id,
        "groups.display": group.c.display_key,
        "groups.type": literal("direct"),
        "groups.$ref": ENDPOINTS["Group"] + "/" + member.c.group_id,
    }


@dataclass(frozen=True, slots=True)
class InProvisioning:
    """A value that the engine wrote."""

    attribute: Attribute

    def some(self) -> Condition:
        """There is a value."""
        return self.holds(lambda column: column.is_not(None))

    def holds(self, test: Test) -> Condition:
        """There is a value, and it passes."""
        column = provisioning.c[{"fluixid": "fluix_id"}.get(self.attribute.name.lower(), self.attribute.name.lower())]
        found = select(1).where(provisioning.c.tenant == RESOURCE.tenant, provisioning.c.resource_id == RESOURCE.id)
        return exists(found.where(column.is_not(None), test(column)).correlate(resources))

    def equals(self, text: Any) -> Condition:
        """There is this value."""
        return self.holds(lambda column: column == text)


def slot_of(tenant: str, attribute: Attribute) -> Slot:
    """Where a single-valued attribute stands."""
    if attribute.path in COLUMNS:
        return InColumn(COLUMNS[attribute.path])
    if attribute.path.startswith(PROVISIONING.lower()):
        return InProvisioning(attribute)
    if attribute.path.endswith(":manager.$ref"):
        return ManagerReference(tenant, attribute)
    return InRow(tenant, attribute)


@dataclass(frozen=True, slots=True)
class ManagerReference:
    """manager.$ref, made from manager.value."""

    tenant: str
    attribute: Attribute

    def some(self) -> Condition:
        """There is a value."""
        return self._value().some()

    def holds(self, test: Test) -> Condition:
        """There is a value, and it passes."""
        return self._value().holds(lambda column: test(ENDPOINTS["User"] + "/" + column))

    def equals(self, text: Any) -> Condition:
        """There is this value."""
        return self.holds(lambda column: column == text)

    def _value(self) -> InRow:
        path = self.attribute.path.removesuffix("$ref") + "value"
        return InRow(self.tenant, Attribute(path, "value", "string", exact=True))


def entries_of(tenant: str, head: Attribute) -> Entries:
    """Where a multi-valued attribute's entries stand."""
    return MemberEntries(head) if head.path in {"members", "groups"} else RowEntries(tenant, head)


NEVER: Final = false()
