"""What a server says of itself, and which of its entries are people and groups by the settings. Values, and one question."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

from connectors.errors import PermanentError, RetryableError
from connectors.ldap.certificates import IncompleteError
from connectors.ldap.kinds import KINDS, Kind, kind_of
from connectors.ldap.names import normalise_dn, within

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from connectors.ldap.search import Searcher
    from connectors.ldap.settings import Groups, People, Settings
    from connectors.model import RecordKind


@dataclass(frozen=True, slots=True)
class Scope:
    """The entries that are people, or groups."""

    of: RecordKind
    base: str
    filter: str
    kind: Kind
    """The server's, with the key of these entries."""
    context: str
    """The top of the tree that holds them."""

    @property
    def native(self) -> bool:
        """Whether the key is the one id that the server itself knows every entry by."""
        return self.kind.key_attribute.lower() in {"entryuuid", "objectguid", "nsuniqueid"}


@dataclass(frozen=True, slots=True)
class Scopes:
    """A server, seen by one source."""

    kind: Kind
    told: Mapping[str, Sequence[bytes]]
    """The root DSE's attributes, their names in small letters."""
    contexts: tuple[str, ...]
    """The names below which the server holds everything."""
    people: Scope
    groups: Scope | None

    @property
    def each(self) -> tuple[Scope, ...]:
        """People, and groups where they are wanted."""
        return (self.people, self.groups) if self.groups else (self.people,)

    @property
    def trees(self) -> tuple[str, ...]:
        """The tops of the trees that hold them, each once."""
        return tuple(dict.fromkeys(scope.context for scope in self.each))

    def text(self, name: str) -> str:
        """An attribute of the root DSE, or nothing."""
        return next(iter(self.told.get(name.lower(), ())), b"").decode("utf-8", "replace")


def scopes_of(searcher: Searcher, settings: Settings, name: str) -> Scopes:
    """Ask the server what it is.

    Args:
        searcher: the server.
        settings: the source's.
        name: the source's, for messages.

    Raises:
        RetryableError: it does not say.
        PermanentError: the settings name a kind that there is not.
    """
    try:
        root = searcher.read("", ("*", "+"))
    except IncompleteError as error:
        # Without it we would take the server for another kind, and see less of its groups.
        raise RetryableError(
            f"the server does not say what it is: {error}",
            where=searcher.session.url,
            cure="let the bind user read the root DSE",
        ) from error
    told = root.attributes if root else {}
    kind = server_kind(told, settings, name)
    contexts = tuple(value.decode("utf-8", "replace") for value in told.get("namingcontexts", ()))

    def scope(of: RecordKind, wanted: People | Groups, usual: str) -> Scope:
        keyed = kind.with_key(wanted.key_attribute) if wanted.key_attribute else kind
        return Scope(of, wanted.base, wanted.filter or usual, keyed, _context(wanted.base, contexts))

    people = scope("person", settings.people, kind.people_filter)
    return Scopes(
        kind, told, contexts, people, scope("group", settings.groups, kind.group_filter) if settings.groups else None
    )


def server_kind(root_dse: Mapping[str, Sequence[bytes]], settings: Settings, name: str) -> Kind:
    """The kind that the settings name; else what the root DSE looks like.

    Raises:
        PermanentError: there is no such kind.
    """
    if settings.kind is None:
        return kind_of(root_dse)
    if settings.kind not in KINDS:
        cure = f"write one of {', '.join(KINDS)}, or nothing"
        raise PermanentError(f"{settings.kind} is no kind of server", where=name, cure=cure)
    return KINDS[settings.kind]


def fingerprint(scopes: Scopes, settings: Settings) -> str:
    """What shapes a read, in 16 digits: two reads with the same hand over the same records of the same entries."""
    groups = settings.groups
    parts = [
        "1",
        settings.servers.bind.method,
        settings.servers.bind.user,
        *((scope.base, scope.filter, scope.kind.name, scope.kind.key_attribute) for scope in scopes.each),
        sorted(settings.people.mapping().items()),
        sorted(settings.people.several),
        (groups.name, groups.nested) if groups else None,
    ]
    return hashlib.blake2b(repr(parts).encode(), digest_size=8).hexdigest()


def _context(base: str, contexts: Sequence[str]) -> str:
    """The narrowest context that holds the base; the base itself where the server does not say."""
    normal = normalise_dn(base.encode())
    holding = [context for context in contexts if within(normal, normalise_dn(context.encode()))]
    return max(holding, key=len, default=base)
