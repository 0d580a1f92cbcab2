"""The feed of Active Directory and Samba for an ordinary user: the controller's own numbers (`uSNChanged`, MS-ADTS 3.1.1.1.9).

The whole naming context is asked, without a filter of ours: so who left the base or the filter is named, too. Deleted entries
are asked for with the show-deleted control, and shown only to who may list `CN=Deleted Objects`; for others deletions are told
by full reads. May not: compare numbers of two controllers.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from connectors.errors import CursorError
from connectors.ldap.certificates import IncompleteError
from connectors.ldap.hints import Feed, Hints
from connectors.ldap.search import DOMAIN_SCOPE, Control

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from connectors.ldap.scopes import Scope, Scopes
    from connectors.ldap.search import Searcher
    from connectors.ldap.wire import Entry
    from connectors.model import Known

HIGHEST: Final = "highestCommittedUSN"
_SHOWING: Final[tuple[Control, ...]] = (("1.2.840.113556.1.4.417", True, None), DOMAIN_SCOPE)
_DELETED_OBJECTS: Final = "<WKGUID=18e2ea80684f11d2b9aa00c04f79f805,{}>"
"""The container of what was deleted, by its well-known id (MS-ADTS 6.1.1.4)."""
_TOKEN = "usn"  # noqa: S105 - a place in the cursor


class UsnFeed(Feed):
    """Numbers of changes.

    Args:
        searcher: the server.
        scopes: who is wanted there.
        note: told when deletions are not shown to us.
    """

    name = "usn"

    def __init__(self, searcher: Searcher, scopes: Scopes, note: Callable[[str], None]) -> None:
        self._searcher = searcher
        self._scopes = scopes
        self._note = note

    def identity(self) -> str:
        """The controller's invocationId: another one after it was restored from a backup."""
        return invocation_id(self._searcher, self._scopes)

    def start(self) -> bool:
        """The number is that of the root DSE, which was read before everything else."""
        if not self.identity():
            return False
        if not all(map(self._shows_deleted, self._scopes.trees)):
            self._note(
                "deleted entries are hidden from the bind user: only a full read tells who was deleted; let the user list "
                "CN=Deleted Objects, or on Windows grant it Replicating Directory Changes"
            )
        return True

    def started(self) -> Mapping[str, str] | None:
        """The number."""
        return {_TOKEN: self._scopes.text(HIGHEST)}

    def hints(self, tokens: Mapping[str, str], known: Known) -> Hints:
        """Every entry with a higher number."""
        del known
        since, highest = numbers(tokens.get(_TOKEN, ""), self._scopes.text(HIGHEST))
        hints = Hints({_TOKEN: str(highest)})
        if highest > since:
            for context in self._scopes.trees:
                self._changed(context, since, hints)
        return hints

    def _changed(self, context: str, since: int, hints: Hints) -> None:
        asked = ("objectClass", "isDeleted", *dict.fromkeys(scope.kind.key_attribute for scope in self._scopes.each))
        for entry in self._searcher.entries(context, f"(uSNChanged>={since + 1})", asked, controls=_SHOWING):
            is_deleted = bool(entry.attributes.get("isdeleted"))
            for scope in self._scopes.each:
                self._one(scope, entry, hints, is_deleted=is_deleted)
            if any(hints.too_many(scope.of) for scope in self._scopes.each):
                return

    def _one(self, scope: Scope, entry: Entry, hints: Hints, *, is_deleted: bool) -> None:
        try:
            key = scope.kind.key(entry.attributes)
        except ValueError as error:
            classes = {value.lower() for value in entry.attributes.get("objectclass", ())}
            if is_deleted and (b"user" if scope.of == "person" else b"group") in classes:
                raise CursorError(f"{entry.dn.decode('utf-8', 'replace')} was deleted: {error}") from None
            return  # no person and no group has no key; one that is there is told by the read
        if is_deleted:
            hints.deleted[scope.of].add(key)
        else:
            hints.changed[scope.of].add(key)
            hints.names[key] = entry.dn

    def _shows_deleted(self, context: str) -> bool:
        base = _DELETED_OBJECTS.format(context)
        search = self._searcher.entries(base, "(objectClass=*)", ("isDeleted",), scope="base", controls=_SHOWING)
        try:
            found = list(search)
        except IncompleteError:
            return False
        # Who may not list it may still be shown that it is there, without anything of it.
        return any(entry.attributes.get("isdeleted") for entry in found)


def invocation_id(searcher: Searcher, scopes: Scopes) -> str:
    """What a controller numbers its changes under; nothing where it does not say."""
    service = scopes.text("dsServiceName")
    try:
        entry = searcher.read(service, ("invocationId",)) if service else None
    except IncompleteError:
        entry = None
    values = entry.attributes.get("invocationid", ()) if entry else ()
    return values[0].hex() if len(values) == 1 else ""


def numbers(since: str, told: str) -> tuple[int, int]:
    """The cursor's change and the controller's last one.

    Raises:
        CursorError: one of them is none, or the controller has not come so far: it was put back.
    """
    if not (since.isdecimal() and told.isdecimal()):
        raise CursorError(f"{HIGHEST} is not told, or the cursor has none")
    if int(told) < int(since):
        raise CursorError(f"the controller's last change is number {told}, and the cursor's {since}: it is older")
    return int(since), int(told)
