"""Finding entries by name or key, many in one filter.

A server that does not answer by an entry's own name (it may hide that attribute) is asked name by name instead: an empty
answer would look like a member who is gone. May not: say of a name that it is nobody's when the search was not whole.
"""

from __future__ import annotations

import uuid
from typing import TYPE_CHECKING, NamedTuple

from connectors.ldap.certificates import IncompleteError
from connectors.ldap.kinds import guid_mixed, guid_straight
from connectors.ldap.names import normalise_dn, within
from connectors.ldap.search import DOMAIN_SCOPE, any_of

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from connectors.ldap.kinds import Kind
    from connectors.ldap.search import Searcher
    from connectors.ldap.wire import Entry

_NAME_ATTRIBUTES = {
    "openldap": "entryDN",
    "active_directory": "distinguishedName",
    "samba": "distinguishedName",
    "ds389": "entrydn",
    "freeipa": "entrydn",
}
"""The attribute that holds an entry's own name, by kind of server (RFC 5020)."""


class Found(NamedTuple):
    """What became of the names that were looked up."""

    entries: dict[bytes, Entry]
    """Normalised name -> entry."""
    unsure: dict[bytes, str]
    """Normalised name -> why nobody can say whether it is there."""


class Lookup:
    """Looks names up.

    Args:
        searcher: the server.
        kind: what kind of server it is.
        contexts: the names below which the server holds everything (`namingContexts`); none: it does not say, and is asked
            name by name.
        known: a name that is there for sure, to find out whether the server answers by name.
        size: how many names go into one filter.
        within: base and filter of the entries that count; None: every entry does.
    """

    def __init__(
        self,
        searcher: Searcher,
        kind: Kind,
        contexts: Sequence[str],
        known: bytes,
        size: int,
        *,
        within: tuple[str, str] | None = None,
    ) -> None:
        self._searcher = searcher
        self._kind = kind
        self._contexts = sorted(((normalise_dn(c.encode()), c) for c in contexts), key=lambda c: -len(c[0]))
        self._size = size
        self._controls = [DOMAIN_SCOPE] if kind.refers else []
        self._known = known
        self._by_name: str | bool | None = False
        self._base = normalise_dn(within[0].encode()) if within else b""
        self._within = within

    def find(self, names: Iterable[bytes], attributes: Sequence[str]) -> Found:
        """Look every one of these names up. A name outside of the server's contexts is nobody's here."""
        found = Found({}, {})
        of_context: dict[str, list[bytes]] = {}
        for name in names:
            normal = normalise_dn(name)
            if not within(normal, self._base):
                continue
            if not self._contexts:
                self._one(name, attributes, found)
                continue
            context = next((written for base, written in self._contexts if within(normal, base)), None)
            if context is not None:
                of_context.setdefault(context, []).append(name)
        for context, inside in of_context.items():
            for at in range(0, len(inside), self._size):
                self._some(context, inside[at : at + self._size], attributes, found)
        return found

    def _some(self, context: str, names: list[bytes], attributes: Sequence[str], found: Found) -> None:
        attribute = self._name_attribute(context)
        if attribute is None:
            for name in names:
                self._one(name, attributes, found)
            return
        asked = {normalise_dn(name): name for name in names}
        strange = False
        try:
            base, search_filter = self._within or (context, "")
            wanted = both(search_filter, any_of(attribute, names))
            for entry in self._searcher.entries(
                base, wanted, attributes, page_size=self._size, controls=self._controls
            ):
                normal = normalise_dn(entry.dn)
                found.entries[normal] = entry
                strange = strange or normal not in asked
        except IncompleteError as error:
            for name in names:
                if (normal := normalise_dn(name)) not in found.entries:
                    found.unsure[normal] = str(error)
            return
        if strange:  # the server knows a spelling of a name that we do not
            for normal, name in asked.items():
                if normal not in found.entries:
                    self._one(name, attributes, found)

    def _one(self, name: bytes, attributes: Sequence[str], found: Found) -> None:
        try:
            search_filter = self._within[1] if self._within else "(objectClass=*)"
            entry = self._searcher.read(name.decode("utf-8", "replace"), attributes, search_filter)
        except IncompleteError as error:
            found.unsure[normalise_dn(name)] = str(error)
        else:
            if entry is not None:
                found.entries[normalise_dn(name)] = entry

    def _name_attribute(self, context: str) -> str | None:
        if self._by_name is False:
            attribute = _NAME_ATTRIBUTES.get(self._kind.name)
            self._by_name = attribute if attribute and self._answers(context, attribute) else None
        return self._by_name if isinstance(self._by_name, str) else None

    def _answers(self, context: str, attribute: str) -> bool:
        try:
            met = list(
                self._searcher.entries(context, any_of(attribute, [self._known]), ["1.1"], controls=self._controls)
            )
        except IncompleteError:
            return False
        return len(met) == 1


def with_keys(
    searcher: Searcher,
    kind: Kind,
    base: str,
    keys: Sequence[str],
    asked: Sequence[str],
    *,
    size: int,
    search_filter: str = "",
) -> Iterator[Entry]:
    """The entries with these keys, wherever below the base they are now; with a filter only those that match it.

    Each part is read to its end before it is handed over: the server may be asked other things meanwhile.

    Raises:
        IncompleteError: the server did not give everything.
    """
    for at in range(0, len(keys), size):
        values = [_key_value(kind, key) for key in keys[at : at + size]]
        wanted = both(search_filter, any_of(kind.key_attribute, values))
        # Only what is below the base, which a full read found to be without references.
        controls = [DOMAIN_SCOPE] if kind.refers else []
        yield from list(searcher.entries(base, wanted, asked, page_size=size, controls=controls))


def both(search_filter: str, other: str) -> str:
    """The filter for what matches both; an empty one matches everything."""
    return f"(&{search_filter}{other})" if search_filter else other


def _key_value(kind: Kind, key: str) -> bytes:
    if kind.decode_key is guid_mixed:
        return uuid.UUID(key).bytes_le
    if kind.decode_key is guid_straight:
        return uuid.UUID(key).bytes
    return key.encode()
