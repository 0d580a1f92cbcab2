"""One group and its members while they are gathered, and walks over groups in groups.

Pure. May not: ask a server, or decide what becomes of a group that is in doubt (`groups` does).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from connectors.text import shown, unwanted_character

if TYPE_CHECKING:
    from array import array
    from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence

    from connectors.ldap.wire import Entry

USERS = "memberuid"
"""The one member attribute that holds user names and no DNs (RFC 2307)."""
_GROUP_CLASSES = frozenset(
    {
        b"groupofnames",
        b"groupofuniquenames",
        b"groupofmembers",
        b"posixgroup",
        b"group",
        b"ipausergroup",
        b"nestedgroup",
        b"groupofurls",
    }
)


@dataclass(slots=True, eq=False)
class Membership:
    """A group, and what is known of its members."""

    key: str
    name: str
    dn: bytes
    rows: array[int]
    """Rows of the index: 4 bytes a membership."""
    listed: bool
    """Whether the group is one of ours, and not only a part of one of them."""
    children: list[int] = field(default_factory=list)
    """Numbers of the groups that are its members."""
    pending: list[bytes] = field(default_factory=list)
    """Names of members that are not found yet."""
    why: str = ""
    """Why its members are not known wholly."""
    sid: bytes | None = None
    owners: tuple[bytes, ...] = ()
    """Names of those who answer for the group."""

    def reached(self, groups: Sequence[Membership]) -> Iterator[Membership]:
        """This group and every group in it, at any depth, each once."""
        met: set[int] = set()
        waiting = list(self.children)
        yield self
        while waiting:
            number = waiting.pop()
            if number not in met and groups[number] is not self:
                met.add(number)
                yield groups[number]
                waiting += groups[number].children


def cycles(groups: Sequence[Membership]) -> Iterator[list[int]]:
    """Groups that are members of themselves, through others or not: for each way back one path, its begin at both ends."""
    fresh, open_, done = 0, 1, 2
    state = bytearray(len(groups))
    for start in range(len(groups)):
        if state[start] != fresh:
            continue
        path = [start]
        ways = [iter(groups[start].children)]
        state[start] = open_
        while path:
            child = next(ways[-1], None)
            if child is None:
                state[path.pop()] = done
                ways.pop()
            elif state[child] == open_:
                yield [*path[path.index(child) :], child]
            elif state[child] == fresh:
                state[child] = open_
                path.append(child)
                ways.append(iter(groups[child].children))


def group_name(attributes: Mapping[str, Sequence[bytes]], attribute: str) -> str:
    """A group's name.

    Raises:
        ValueError: it is absent, or no text that a person can read.
    """
    values = attributes.get(attribute.lower(), ())
    try:
        name = values[0].decode("utf-8").strip() if values else ""
    except UnicodeDecodeError:
        raise ValueError(f"{attribute}, its name, is no UTF-8 text") from None
    if not name:
        raise ValueError(f"{attribute}, its name, is absent")
    if hidden := unwanted_character(name, joiners=True):
        raise ValueError(f"{attribute}, its name, is {shown(name)}, which contains {hidden}")
    return name


def is_group(entry: Entry, members: Collection[str]) -> bool:
    """Whether an entry is a group by its object class, or by one of these attributes."""
    classes = {value.lower() for value in entry.attributes.get("objectclass", ())}
    return not _GROUP_CLASSES.isdisjoint(classes) or any(name.partition(";")[0] in members for name in entry.attributes)


def named_by(entries: Iterable[Entry], members: Collection[str]) -> tuple[list[bytes], list[bytes]]:
    """The names and the user names in these attributes of some groups."""
    names: list[bytes] = []
    users: list[bytes] = []
    for entry in entries:
        for name, values in entry.attributes.items():
            attribute = name.partition(";")[0]
            if attribute == USERS:
                users += values
            elif attribute in members:
                names += map(without_uid, values) if attribute == "uniquemember" else values
    return names, users


def without_uid(value: bytes) -> bytes:
    """The name in a value of uniqueMember, which may end with `#'0101'B` (RFC 4517, 3.3.21)."""
    name, hash_sign, bits = value.rpartition(b"#'")
    return name if hash_sign and bits.endswith(b"'B") and not bits[:-2].strip(b"01") else value


def shown_bytes(value: bytes) -> str:
    """A name or value as a message may show it."""
    return shown(value.decode("utf-8", "replace"))
