"""What is particular to Active Directory and Samba: values in ranges, primary groups, foreign members, binary filters.

Sits over one small callable that reads or searches, and so knows no connection. May not: hand on a part of a group as
the whole. Whatever stays open (a range that does not go on, a member of another domain) is raised or named.
"""

from __future__ import annotations

import re
import uuid
from typing import TYPE_CHECKING, NamedTuple

from connectors.errors import RetryableError, UnreadableError
from connectors.ldap.kinds import primary_group_sid, relative_id, sid_text
from connectors.ldap.names import escaped

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

    Attributes = Mapping[str, Sequence[bytes]]
    Search = Callable[[str, tuple[str, ...]], Iterable[tuple[bytes, Attributes]]]
    """Takes a filter and the attributes wanted; gives DN and attributes (names in small letters) of every match."""

MANY_GROUPS = 100
"""From so many groups on, everybody's primary group is asked for: a filter with a clause for each would be longer."""

USN_CHANGED = "uSNChanged"
"""The number of an entry's last change on this controller; a changed member list counts."""

_RANGE = re.compile(r"(?P<attribute>.+);range=(?P<first>\d{1,10})-(?P<last>\d{1,10}|\*)", re.ASCII | re.IGNORECASE)
_FOREIGN = re.compile(rb"CN=(?P<sid>S-1-[0-9-]+),CN=ForeignSecurityPrincipals,", re.IGNORECASE)


class Range(NamedTuple):
    """Which of an attribute's values an answer holds (MS-ADTS 3.1.1.3.1.3.3)."""

    attribute: str
    """In small letters, without options."""
    first: int
    """Counted from 0."""
    last: int | None
    """Itself included; None (written `*`): there are no more."""


def parse_range(name: str) -> Range | None:
    """The range in an attribute's name, as `member;range=0-1499`; None when the name holds none."""
    found = _RANGE.fullmatch(name)
    if not found:
        return None
    last = None if found["last"] == "*" else int(found["last"])
    return Range(found["attribute"].lower(), int(found["first"]), last)


def range_name(attribute: str, first: int, count: int | None = None) -> str:
    """The name by which values are asked for, from `first` on; `count` values at most, or as many as the server gives."""
    return f"{attribute};range={first}-{'*' if count is None else first + count - 1}"


def all_values(
    attribute: str,
    entry: Attributes,
    read: Callable[[tuple[str, ...]], Attributes],
    *,
    where: str = "",
    count: int | None = None,
) -> Iterator[bytes]:
    """Every value of an attribute, however many answers they take.

    Args:
        attribute: its name, as `member`.
        entry: the entry's attributes as they came first, with `USN_CHANGED`.
        read: reads these attributes of the same entry. It should address it by `guid_base`, since a DN may mean nobody,
            or somebody else, by then.
        where: the entry, for messages.
        count: how many values to ask for at once; None: as many as the server gives.

    Raises:
        UnreadableError: the ranges have a gap, overlap or do not go on: then this is not the whole attribute.
        RetryableError: the entry changed meanwhile, so that values may have moved from one range to another.
    """
    values, found = _values_in(attribute, entry, where)
    yield from values
    expected = len(values)
    while found is not None and found.last is not None:
        name = range_name(attribute, expected, count)
        again = read((name, USN_CHANGED))
        if again.get(USN_CHANGED.lower()) != entry.get(USN_CHANGED.lower()):
            cure = "read again, when nobody changes it"
            raise RetryableError(f"{attribute} changed while it was read in ranges", where=where, cure=cure)
        values, found = _values_in(attribute, again, where)
        if found is None or found.first != expected:
            told = f"values from {found.first} on" if found else "no range"
            raise _not_whole(f"asked for {name}, the server gave {told}", attribute, where)
        yield from values
        expected += len(values)


def _values_in(attribute: str, entry: Attributes, where: str) -> tuple[Sequence[bytes], Range | None]:
    """The values and their range; no range: the attribute came whole."""
    for name, values in entry.items():
        found = parse_range(name)
        if found is None or found.attribute != attribute.lower():
            continue
        if found.last is not None and (not values or found.last - found.first + 1 != len(values)):
            raise _not_whole(f"{name} came with {len(values)} values", attribute, where)
        return values, found
    return entry.get(attribute.lower(), ()), None


def _not_whole(what: str, attribute: str, where: str) -> UnreadableError:
    cure = "read again: it may have changed meanwhile. If it stays so, ask whether something stands before the server"
    return UnreadableError(f"the values of {attribute} are not whole: {what}", where=where, cure=cure)


def primary_members(
    search: Search, groups: Mapping[str, bytes], people_filter: str = "(&(objectCategory=person)(objectClass=user))"
) -> Iterator[tuple[str, bytes]]:
    """Who is in a group by `primaryGroupID`, which no member list shows. One search, however many groups there are.

    Args:
        search: searches the people; below the top of the domain, if nobody shall be missing.
        groups: any name of a group (its key, its DN) -> its `objectSid`.
        people_filter: who counts as a person.

    Yields:
        The group's name as given, and a member's DN.

    Raises:
        UnreadableError: a SID or primaryGroupID cannot be read or is withheld, so that nobody knows who is in the groups.
    """
    if not groups:
        return
    by_sid = {sid_text(sid): name for name, sid in groups.items()}
    search_filter = f"(&{people_filter}{primary_group_filter(groups.values())})"
    for dn, attributes in search(search_filter, ("primaryGroupID", "objectSid")):
        sid, group = (b"".join(attributes.get(name, ())) for name in ("objectsid", "primarygroupid"))
        try:
            name = by_sid.get(primary_group_sid(sid, group))
        except ValueError as error:
            cure = "let the bind user read objectSid and primaryGroupID"
            raise UnreadableError(
                f"a person's primary group is unknown: {error}", where=dn.decode("utf-8", "replace"), cure=cure
            ) from None
        if name is not None:
            yield name, dn


def primary_group_filter(sids: Iterable[bytes]) -> str:
    """The filter for people whose primary group is one of these; from `MANY_GROUPS` on, for everybody who has one."""
    numbers = sorted({relative_id(sid) for sid in sids})
    if len(numbers) > MANY_GROUPS:
        return "(primaryGroupID=*)"
    clauses = "".join(f"(primaryGroupID={number})" for number in numbers)
    return clauses if len(numbers) == 1 else f"(|{clauses})"


def foreign_sid(dn: bytes) -> str | None:
    """The SID of a member of another domain, or of one that Windows computes; None for everybody else.

    Such a member stands in the group as a placeholder with nothing but its SID; who it is only the other domain knows.
    """
    found = _FOREIGN.match(dn)
    return found["sid"].decode("ascii").upper() if found else None


def guid_filter(key: str, attribute: str = "objectGUID") -> str:
    """The filter that finds the entry of a key (`connectors.ldap.kinds.guid_mixed`).

    Raises:
        ValueError: the key is no UUID.
    """
    return f"({attribute}={escaped(uuid.UUID(key).bytes_le)})"


def guid_base(key: str) -> str:
    """The base of a search that addresses an entry by its key, wherever it was moved to (MS-ADTS 3.1.1.3.1.2.4).

    Raises:
        ValueError: the key is no UUID.
    """
    return f"<GUID={uuid.UUID(key)}>"
