"""The feed of OpenLDAP and 389 Directory Server: content synchronization, refresh only (RFC 4533).

One search for people and one for groups, each with its own cookie. May not: take what a refresh leaves out for gone unless the
refresh ended well, with a Sync Done control.
"""

from __future__ import annotations

import base64
import re
import uuid
from contextlib import suppress
from typing import TYPE_CHECKING, Any

from connectors.errors import CursorError
from connectors.ldap.certificates import IncompleteError
from connectors.ldap.hints import MANY, Feed, Hints
from connectors.ldap.kinds import DS389, FREEIPA, OPENLDAP
from connectors.ldap.lookups import with_keys
from connectors.ldap.search import search_reasons
from connectors.ldap.sync_wire import (
    DELETE,
    PRESENT,
    REFRESH_ONLY,
    SYNC_DONE,
    SYNC_INFO,
    SYNC_REQUEST,
    SyncEntry,
    decode_sync_done,
    decode_sync_entry,
    decode_sync_info,
    sync_request,
)

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connectors.ldap.scopes import Scope, Scopes
    from connectors.ldap.search import Searcher
    from connectors.ldap.stream import Answer
    from connectors.model import Known

_NOT_FROM_HERE = frozenset({2, 12, 50, 53, 4096})
"""protocolError, unavailableCriticalExtension, insufficientAccessRights, unwillingToPerform, e-syncRefreshRequired."""
_STATE = "contextCSN"
"""What an OpenLDAP database holds: the last change of each of its writers."""
_CSN = r"\d{14}\.\d{6}Z#[0-9a-f]{6}#[0-9a-f]{3}#[0-9a-f]{6}"
_NUMBER = re.compile(_CSN)
_COOKIE = re.compile(rf"rid=\d{{1,3}}(,sid=[0-9a-f]{{1,3}})?,csn={_CSN}(;{_CSN})*".encode("ascii")).fullmatch


class _Refresh:
    """What one refresh told, by the server's own ids."""

    def __init__(self) -> None:
        self.changed: list[SyncEntry] = []
        self.deleted: set[bytes] = set()
        self.present: set[bytes] = set()
        self.names: dict[bytes, bytes] = {}
        self.cookie: bytes | None = None
        self.present_phase = False
        """Whether what was not named at all is gone."""


class SyncFeed(Feed):
    """Sync Request controls.

    Args:
        searcher: the server.
        scopes: who is wanted there.
    """

    name = "syncrepl"

    def __init__(self, searcher: Searcher, scopes: Scopes) -> None:
        self._searcher = searcher
        self._scopes = scopes
        self._tokens: dict[str, str] = {}
        self._contexts: dict[str, tuple[str, list[bytes]]] = {}

    def identity(self) -> str:
        """The immutable ids of the tops of the trees."""
        return ",".join(self._context(context)[0] for context in self._scopes.trees)

    def start(self) -> bool:
        """Take the cookie that the server has now: from its contextCSN, else by a refresh that names everybody."""
        for scope in self._scopes.each:
            cookie = self.current(scope)
            try:
                told = self._refresh(scope, cookie, count_only=True)
            except CursorError:
                return False
            cookie = told.cookie or cookie
            if not cookie:
                return False
            self._tokens[scope.of] = base64.b64encode(cookie).decode("ascii")
        return True

    def started(self) -> Mapping[str, str] | None:
        """The cookies."""
        return self._tokens

    def current(self, scope: Scope) -> bytes | None:
        """The cookie of this moment, where the server shows what it is made of."""
        numbers = self._context(scope.context)[1]
        return b"rid=000,csn=" + b";".join(sorted(numbers)) if numbers else None

    def filter(self, scope: Scope) -> str:
        """Whose changes are asked for. 389 Directory Server does not tell who left a filter, and so gets none."""
        return "(objectClass=*)" if self._nsuniqueid else scope.filter

    def hints(self, tokens: Mapping[str, str], known: Known) -> Hints:
        """What changed since, by one search each."""
        hints = Hints(dict(tokens), filtered=not self._nsuniqueid)
        for scope in self._scopes.each:
            try:
                cookie = base64.b64decode(tokens[scope.of], validate=True)
            except (KeyError, ValueError):
                cookie = b""
            if not cookie:
                raise CursorError(f"the cursor has no cookie for {scope.of} records")
            # OpenLDAP takes a cookie that it cannot read for none, and then leaves out who was deleted.
            if self._scopes.kind is OPENLDAP and not _COOKIE(cookie):
                raise CursorError("the cursor's cookie is none of OpenLDAP's")
            told = self._refresh(scope, cookie)
            self._translate(scope, told, cookie, known, hints)
            if told.cookie:
                hints.tokens = {**hints.tokens, scope.of: base64.b64encode(told.cookie).decode("ascii")}
        return hints

    def _context(self, context: str) -> tuple[str, list[bytes]]:
        """The id of the tree's top and the state of its database, as they were when first asked."""
        if context not in self._contexts:
            self._contexts[context] = self._ask(context)
        return self._contexts[context]

    def _ask(self, context: str) -> tuple[str, list[bytes]]:
        names = ("entryUUID", "nsUniqueId", _STATE)
        try:
            entry = self._searcher.read(context, names)
        except IncompleteError:
            entry = None
        attributes = entry.attributes if entry else {}
        ids = [*attributes.get("entryuuid", ()), *attributes.get("nsuniqueid", ())]
        return b" ".join(ids).decode("ascii", "replace"), attributes.get(_STATE.lower(), [])

    def _refresh(self, scope: Scope, cookie: bytes | None, *, count_only: bool = False) -> _Refresh:
        """One refresh to its end.

        Raises:
            CursorError: not from this cookie.
            IncompleteError: it was not whole.
        """
        told = _Refresh()
        done, references = self._collect(scope, cookie, told, count_only=count_only)
        reasons = search_reasons(done, scope.base, len(told.changed), references)
        if done["result"] in _NOT_FROM_HERE:
            raise CursorError(f"the server does not go on from there: {reasons[0]}")
        if done["result"] or references:
            raise IncompleteError(reasons[0 if done["result"] else 1 :], done["result"])
        control: Any = (done.get("controls") or {}).get(SYNC_DONE)
        if control is None:
            raise IncompleteError([f"the server did not say that its changes below {scope.base} are all told"])
        cookie_given = cookie is not None
        cookie, deletes = decode_sync_done(control["value"] or b"")
        told.cookie = cookie or told.cookie
        # 389 Directory Server names who was deleted, from its changelog, and yet never says refreshDeletes.
        told.present_phase = not deletes and not (cookie_given and self._nsuniqueid and not told.present)
        return told

    def _collect(
        self, scope: Scope, cookie: bytes | None, told: _Refresh, *, count_only: bool
    ) -> tuple[Answer, list[str]]:
        """Everything until the searchResDone, which is given back with the references to elsewhere."""
        asked = ("1.1",) if scope.native else (scope.kind.key_attribute,)
        control = (SYNC_REQUEST, True, sync_request(REFRESH_ONLY, cookie))
        references: list[str] = []
        done: Answer = {}
        for answer in self._searcher.answers(scope.base, self.filter(scope), asked, control, decode_sync_entry):
            if isinstance(answer, SyncEntry):
                told.cookie = answer.cookie or told.cookie
                if not count_only:
                    _note(answer, told)
                    if len(told.changed) > MANY:
                        raise CursorError(f"more than {MANY:,} entries changed: reading everything takes no longer")
            elif answer["type"] == "searchResRef":
                references += answer["uri"]
            elif answer["type"] == "searchResDone":
                done = answer
            elif answer.get("responseName") == SYNC_INFO:
                info = decode_sync_info(answer.get("responseValue", b""))
                told.cookie = info.cookie or told.cookie
                if not count_only:
                    (told.deleted if info.deletes else told.present).update(info.uuids)
        return done, references

    def _translate(self, scope: Scope, told: _Refresh, cookie: bytes, known: Known, hints: Hints) -> None:
        changed, deleted = hints.changed[scope.of], hints.deleted[scope.of]
        for one in told.changed:
            key = self._key(scope, one)
            if key is not None:
                changed.add(key)
                hints.names[key] = one.entry.dn
        if not scope.native:
            self._outside(scope, told.deleted, hints)
        else:
            # Of the session log OpenLDAP tells everything that does not match, whether it ever did or not.
            deleted |= known.held(scope.of, {self._own(one) for one in told.deleted})
            hints.names.update((self._own(one), name) for one, name in told.names.items())
        if told.present_phase:
            self._present(scope, told, cookie, known, hints)

    def _present(self, scope: Scope, told: _Refresh, cookie: bytes, known: Known, hints: Hints) -> None:
        """The server has forgotten what was deleted, and told who is still there.

        So it was started anew, maybe from a backup: what was undone by that looks like what never changed. Then the last
        change that we know is not to be found.
        """
        if not scope.native:
            raise CursorError(f"the server only says which {scope.of} entries are still there, and not by their key")
        numbers = _NUMBER.findall(cookie.decode("ascii", "replace"))
        for number in numbers:
            if not self._searcher.exists(scope.context, f"(entryCSN={number})"):
                raise CursorError(
                    f"the server was started anew, and has no entry any more from the cursor's time ({number})"
                )
        deleted = hints.deleted[scope.of]
        there = {self._own(one) for one in told.present} | hints.changed[scope.of]
        for key in known.every(scope.of):
            if key not in there:
                deleted.add(key)
                if len(deleted) > MANY:
                    return

    def _outside(self, scope: Scope, uuids: set[bytes], hints: Hints) -> None:
        """Find the keys of who left base or filter; who was deleted took the key along."""
        own = scope.kind.with_key("nsUniqueId" if self._nsuniqueid else "entryUUID")
        keys = sorted(map(self._own, uuids))
        size, met = 400, 0
        asked = (own.key_attribute, scope.kind.key_attribute)
        for entry in with_keys(self._searcher, own, scope.context, keys, asked, size=size):
            met += 1
            if scope.kind.key_attribute.lower() in entry.attributes:
                with suppress(ValueError):
                    key = scope.kind.key(entry.attributes)
                    hints.deleted[scope.of].add(key)
                    hints.names[key] = entry.dn
        if met < len(keys):
            raise CursorError(
                f"{len(keys) - met} entries are gone, and the server does not say whose {scope.kind.key_attribute} that was"
            )

    def _key(self, scope: Scope, one: SyncEntry) -> str | None:
        if scope.native:
            return self._own(one.uuid)
        if self._nsuniqueid and scope.kind.key_attribute.lower() not in one.entry.attributes:
            return None  # another sort of entry
        try:
            return scope.kind.key(one.entry.attributes)
        except ValueError as error:
            raise CursorError(f"{one.entry.dn.decode('utf-8', 'replace')} changed: {error}") from None

    @property
    def _nsuniqueid(self) -> bool:
        return self._scopes.kind in {DS389, FREEIPA}

    def _own(self, one: bytes) -> str:
        """The key that these 16 bytes are."""
        text = str(uuid.UUID(bytes=one))
        if not self._nsuniqueid:
            return text
        digits = text.replace("-", "")
        return "-".join(digits[at : at + 8] for at in range(0, 32, 8))


def _note(answer: SyncEntry, told: _Refresh) -> None:
    if answer.state == DELETE:
        told.deleted.add(answer.uuid)
        told.names[answer.uuid] = answer.entry.dn
    elif answer.state == PRESENT:
        told.present.add(answer.uuid)
    else:
        told.changed.append(answer)
