"""What stands in a directory, for whoever begins: its kind, where people and groups are, and what we may read of them.

Asks and counts; `suggest` writes it down. May not: change anything, or take a part for the whole without saying so.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from connectors.errors import ConnectorError, PermanentError
from connectors.ldap.activity import ACTIVITY_ATTRIBUTES, active
from connectors.ldap.addresses import email_of
from connectors.ldap.certificates import IncompleteError
from connectors.ldap.kinds import FREEIPA, KINDS, Kind, kind_of
from connectors.ldap.search import PAGED

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence
    from datetime import datetime

    from connectors.ldap.search import Searcher
    from connectors.ldap.wire import Entry

PAGE_SIZES = (1000, 500, 100)
SAMPLES = 3
PEOPLE_FILTERS = ("(objectClass=inetOrgPerson)", "(objectClass=person)", "(objectClass=posixAccount)")
"""Tried in this order where the kind's own filter finds nobody."""
EMAIL_ATTRIBUTES = ("mail", "userPrincipalName", "proxyAddresses")
USUAL_ATTRIBUTES = ("uid", "sAMAccountName", "displayName", "cn", "givenName", "sn", "title", "department", "manager")

_NOT_PEOPLE = re.compile(
    r"(cn=(config|schema|configuration|changelog|monitor|accesslog)|o=ipaca|dc=\w+dnszones)\b", re.IGNORECASE
)
_RDN = re.compile(r"(?:\\.|[^,\\])+", re.DOTALL)
_NAMES = re.compile(r"NAME\s+(?:'([^']+)'|\(([^)]*)\))")
_SIZE_CODES = frozenset({4, 11, 12, 53})


@dataclass(frozen=True, slots=True)
class Sample:
    """One person, to be looked at."""

    dn: str
    key: str
    email: str | None
    display_name: str
    state: str
    """Whether this person is active, and why, or why nobody knows."""


@dataclass(slots=True)
class Counted:
    """What one search came to."""

    base: str
    filter: str
    count: int = 0
    incomplete: str | None = None
    """Why there may be more; None: that is all."""
    parents: Counter[str] = field(default_factory=Counter)
    readable: Counter[str] = field(default_factory=Counter)
    """Attribute (small letters) -> how many entries show it."""
    states: Counter[str] = field(default_factory=Counter)
    """`active`, `inactive`, `unknown` -> how many."""
    samples: list[Sample] = field(default_factory=list)
    problems: Counter[str] = field(default_factory=Counter)


@dataclass(frozen=True, slots=True)
class Found:
    """Everything that was found."""

    url: str
    kind: Kind
    vendor: str
    contexts: tuple[str, ...]
    """The tops of the directory's trees, without those that hold only settings."""
    page_size: int
    """The largest that the server takes; 0: it has no pages."""
    people: Counted
    groups: Counted
    email_attribute: str
    known: frozenset[str]
    """Every attribute of the schema, in small letters; empty when the schema may not be read."""


def detect(searcher: Searcher, now: datetime, base: str | None = None, kind: str | None = None) -> Found:
    """Look at a directory.

    Args:
        searcher: over a bound connection.
        now: the time, for accounts that expire.
        base: where to look; None: where the server says that its data is.
        kind: a kind's name; None: what the root DSE says.

    Raises:
        ConnectorError: the root DSE or the base cannot be read.
    """
    url = searcher.session.url
    dse = _root_dse(searcher)
    its_kind = KINDS[kind] if kind else kind_of(dse)
    contexts = _contexts(dse)
    top = base or next(iter(contexts), None)
    if top is None:
        raise PermanentError("the server names no base", where=url, cure="give one (--base dc=example,dc=com)")
    if its_kind == FREEIPA and base is None:
        # cn=compat shows everybody a second time.
        top = f"cn=accounts,{top}"
    pages = PAGED.encode() in dse.get("supportedcontrol", ())
    filters = tuple(dict.fromkeys((its_kind.people_filter, *(() if its_kind.ranged else PEOPLE_FILTERS))))
    search = _Search(searcher, its_kind, top, now)
    people, page_size = search.people(filters, PAGE_SIZES if pages else (0,))
    groups = search.groups(page_size)
    return Found(
        url,
        its_kind,
        " ".join(_texts(dse, "vendorname") + _texts(dse, "vendorversion")) or its_kind.name,
        contexts,
        page_size,
        people,
        groups,
        max(EMAIL_ATTRIBUTES, key=lambda name: people.readable[name.lower()]),
        _schema(searcher, _texts(dse, "subschemasubentry")),
    )


def _root_dse(searcher: Searcher) -> Mapping[str, Sequence[bytes]]:
    url, told = searcher.session.url, ""
    try:
        root = searcher.read("", ("*", "+"))
    except IncompleteError as error:
        root, told = None, f": {error}"
    if root is None:
        cure = "see whether it is an LDAP server, and whether its root DSE may be read by this user"
        raise PermanentError(f"the server shows no root DSE{told}", where=url, cure=cure)
    return root.attributes


def common_base(parents: Counter[str]) -> str | None:
    """The narrowest base that holds all of these; None when they have nothing in common."""
    paths = [[part.strip() for part in _RDN.findall(dn)][::-1] for dn in parents]
    shared: list[str] = []
    for parts in zip(*paths, strict=False):
        if len({part.lower() for part in parts}) > 1:
            break
        shared.append(parts[0])
    return ",".join(reversed(shared)) or None


def _contexts(dse: Mapping[str, Sequence[bytes]]) -> tuple[str, ...]:
    """Where data is; Active Directory says which of them is its own domain."""
    own = _texts(dse, "defaultnamingcontext")
    return tuple(dict.fromkeys((*own, *(dn for dn in _texts(dse, "namingcontexts") if not _NOT_PEOPLE.match(dn)))))


class _Search:
    """The two searches of one look at a directory."""

    def __init__(self, searcher: Searcher, kind: Kind, base: str, now: datetime) -> None:
        self._searcher = searcher
        self._kind = kind
        self._base = base
        self._now = now

    def people(self, filters: tuple[str, ...], sizes: tuple[int, ...]) -> tuple[Counted, int]:
        """The people, by the first filter that finds any, and the page size with which all of them came."""
        wanted = (self._kind.key_attribute, *EMAIL_ATTRIBUTES, *USUAL_ATTRIBUTES, *ACTIVITY_ATTRIBUTES)
        people, size = Counted(self._base, filters[0]), sizes[0]
        for search_filter in filters:
            for size in sizes:
                people = Counted(self._base, search_filter)
                if self._count(people, wanted, size, self._person) not in _SIZE_CODES:
                    break
            if people.count:
                break
        return people, size

    def groups(self, page_size: int) -> Counted:
        """The groups, without their members."""
        groups = Counted(self._base, self._kind.group_filter)
        self._count(groups, ("cn", self._kind.key_attribute), page_size, self._group)
        return groups

    def _count(
        self, counted: Counted, attributes: tuple[str, ...], page_size: int, look: Callable[[Entry, str, Counted], None]
    ) -> int:
        """Count the entries of one search; gives the result code with which it ended, 0 when it is whole."""
        try:
            for entry in self._searcher.entries(counted.base, counted.filter, attributes, page_size=page_size):
                counted.count += 1
                counted.readable.update({name.partition(";")[0] for name in entry.attributes})
                look(entry, entry.dn.decode("utf-8", "replace"), counted)
        except IncompleteError as error:
            counted.incomplete = str(error)
            return error.code or -1
        return 0

    @staticmethod
    def _group(_: Entry, dn: str, counted: Counted) -> None:
        counted.parents[_parent(dn)] += 1

    def _person(self, entry: Entry, dn: str, counted: Counted) -> None:
        attributes, kind = entry.attributes, self._kind
        key, email = "none", None
        try:
            key = kind.key(attributes)
        except ValueError as error:
            counted.problems[str(error)] += 1
        try:
            is_active, reason = active(attributes, self._now, kind.activity_required)
            state = "active" if is_active else "inactive"
        except ValueError as error:
            state, reason = "unknown", str(error)
            counted.problems[reason] += 1
        counted.states[state] += 1
        try:
            email = email_of(attributes, ("mail", "userPrincipalName"))
        except ValueError as error:
            counted.problems[str(error)] += 1
        # Accounts of the system itself have no email, and do not say where people are.
        if email:
            counted.parents[_parent(dn)] += 1
            if len(counted.samples) < SAMPLES:
                name = (attributes.get("displayname") or attributes.get("cn") or [b""])[0].decode("utf-8", "replace")
                counted.samples.append(Sample(dn, key, email, name, f"{state}: {reason}"))


def _schema(searcher: Searcher, places: list[str]) -> frozenset[str]:
    """Every attribute that the server knows."""
    try:
        entry = searcher.read(places[0], ("attributeTypes",), "(objectClass=subschema)") if places else None
    except (ConnectorError, IncompleteError):
        entry = None  # then nothing is said of attributes that nobody shows
    written = _texts(entry.attributes, "attributetypes") if entry else []
    found = (_NAMES.search(text) for text in written)
    names = (match[1] or match[2].replace("'", " ") for match in found if match)
    return frozenset(name.lower() for several in names for name in several.split())


def _parent(dn: str) -> str:
    found = _RDN.match(dn)
    return dn[found.end() + 1 :].strip() if found else ""


def _texts(attributes: Mapping[str, Sequence[bytes]], name: str) -> list[str]:
    return [value.decode("utf-8", "replace") for value in attributes.get(name, ())]
