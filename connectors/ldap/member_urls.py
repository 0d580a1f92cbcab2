"""Dynamic groups: who is in one is said by an URL, as a search (`memberURL` of groupOfURLs; RFC 4516).

A group whose URL cannot be followed here, to the end, is in doubt, and only that group. May not: go to another server.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from connectors.errors import PermanentError
from connectors.ldap.certificates import IncompleteError
from connectors.ldap.index import GONE, SEVERAL
from connectors.ldap.members import shown_bytes
from connectors.text import shown

if TYPE_CHECKING:
    from connectors.ldap.index import Index
    from connectors.ldap.kinds import Kind
    from connectors.ldap.members import Membership
    from connectors.ldap.search import Searcher
    from connectors.ldap.wire import Entry

MEMBER_URL = "memberurl"
_SCOPES = frozenset({"base", "one", "sub"})
_PARTS = 4
"""Attributes, scope, filter, extensions."""


class MemberUrl(NamedTuple):
    """The search in an URL."""

    base: str
    scope: str
    filter: str


def parse_url(text: str) -> MemberUrl:
    """The search that an URL describes (RFC 4516, 2).

    Raises:
        ValueError: it is no LDAP URL, goes to another server, or asks for something that we cannot do.
    """
    scheme, _, rest = text.partition("://")
    if scheme.lower() != "ldap":
        raise ValueError("it is no ldap:/// address")
    if host := urlsplit(f"//{rest.partition('?')[0]}").netloc:
        raise ValueError(f"it goes to another server ({shown(host)}), and we do not")
    dn, *parts = rest.removeprefix("/").split("?")
    if len(parts) > _PARTS:
        raise ValueError("it has too many parts")
    attributes, scope, search_filter, extensions = (
        unquote(part, errors="strict") for part in [*parts, "", "", "", ""][:4]
    )
    if attributes:
        raise ValueError(f"it names attributes ({shown(attributes)}), and so not members but their values")
    if (scope.lower() or "base") not in _SCOPES:
        raise ValueError(f"its scope {shown(scope)} is none of base, one and sub")
    if any(extension.startswith("!") for extension in extensions.split(",")):
        raise ValueError(f"it wants an extension that we do not know ({shown(extensions)})")
    return MemberUrl(unquote(dn, errors="strict"), scope.lower() or "base", search_filter or "(objectClass=*)")


class MemberUrls:
    """Follows the URLs of one read's groups.

    Args:
        searcher: the server.
        kind: the kind of server, with the key of people.
        index: everybody who was met.
    """

    def __init__(self, searcher: Searcher, kind: Kind, index: Index) -> None:
        self._searcher = searcher
        self._kind = kind
        self._index = index
        self._waiting: list[tuple[Membership, bytes]] = []
        self._found: dict[bytes, tuple[list[int], str]] = {}

    def note(self, group: Membership, values: list[bytes]) -> None:
        """These URLs say who is in the group."""
        self._waiting += [(group, value) for value in values]

    def follow(self) -> None:
        """Put everybody who was found into their groups; what could not be followed is the group's doubt."""
        waiting, self._waiting = self._waiting, []
        for group, value in waiting:
            if value not in self._found:
                self._found[value] = self._search(value)
            rows, why = self._found[value]
            group.rows.extend(rows)
            group.why = group.why or why

    def _search(self, value: bytes) -> tuple[list[int], str]:
        """The rows that one URL finds, and why there may be others."""
        rows: list[int] = []
        unsure = ""
        told = f"its memberURL {shown_bytes(value)} was not followed: "
        try:
            url = parse_url(value.decode("utf-8"))
            asked = (self._kind.key_attribute,)
            for entry in self._searcher.entries(url.base, url.filter, asked, scope=url.scope):
                row = self._row(entry)
                if row == SEVERAL:  # and on to the end: the answers that still come belong to this search
                    unsure = f"{told}nobody can say for certain who is {shown_bytes(entry.dn)}"
                elif row >= 0 and self._index.state(row) != GONE:
                    rows.append(row)
        except (ValueError, IncompleteError) as error:
            return rows, f"{told}{error}"
        except PermanentError as error:
            return rows, f"{told}{error.what}"
        return rows, unsure

    def _row(self, entry: Entry) -> int:
        """Whose entry it is; by key, since people are renamed while they are read."""
        try:
            return self._index.row(self._kind.key(entry.attributes))
        except ValueError:
            return self._index.named(entry.dn)
