"""The better feed of Active Directory and Samba: DirSync (MS-ADTS 3.1.1.3.4.1.3), for who may "replicate directory changes".

The server leaves out whose change is of no attribute that we read (a sign-on, say). Active Directory shows every deletion to who
has that right; Samba (4.17) only to who may list `CN=Deleted Objects`, too. So the first search, which only takes a cookie, looks
for that container: who is not shown it is served by `usn` just as well. Object security (flag 0x1), which needs no right, would
hide deletions and is not used. The right shows attributes that permissions hide: only what is read anyway is asked for, not all.
A move or a new name is a change of `name`. What is not replicated (`lastLogon`, `memberOf`) is no change here.
May not: go on at another controller, though a cookie would.
"""

from __future__ import annotations

import base64
import re
from typing import TYPE_CHECKING, Any, Final

from connectors.errors import CursorError
from connectors.ldap.activity import ACTIVITY_ATTRIBUTES
from connectors.ldap.certificates import IncompleteError
from connectors.ldap.hints import MANY, Feed, Hints
from connectors.ldap.kinds import ACTIVE_DIRECTORY, SAMBA
from connectors.ldap.search import search_reasons
from connectors.ldap.sync_wire import element
from connectors.ldap.usn import HIGHEST, invocation_id, numbers
from connectors.ldap.wire import Entry, decode_entry

if TYPE_CHECKING:
    from collections.abc import Mapping

    from connectors.ldap.meeting import Meeting
    from connectors.ldap.stream import Answer
    from connectors.model import Known

DIRSYNC: Final = "1.2.840.113556.1.4.841"
_KINDS = frozenset({ACTIVE_DIRECTORY.name, SAMBA.name})
_INTEGER, _OCTETS, _SEQUENCE = 0x02, 0x04, 0x30
_INCREMENTAL_VALUES = b"\x80\0\0\0"
"""Of a group only the members that came or went. In four bytes, as Windows itself writes it."""
_MOST_BYTES = b"\x10\0\0"
_NOT_THIS_TIME = frozenset({3, 11, 51, 52, 80})
"""Time and administrative limit, busy, unavailable, internal error: every other refusal is for good."""
_CONTAINER = "(&(name=Deleted Objects)(isDeleted=TRUE))"
_ROUNDS = 10_000
_OF_OTHERS = frozenset(map(str.lower, ACTIVITY_ATTRIBUTES)) - {"useraccountcontrol", "accountexpires"}
"""What is asked of servers of other kinds."""
_ALWAYS = ("name", "isDeleted", "objectClass", "objectSid", "primaryGroupID")
_ASSERTED = re.compile(r"(?:^|\()\s*([A-Za-z][\w-]*)[^()=]*=")
_UNTOLD = re.compile(r"\(\s*(?::|\d|anr\s*=)", re.IGNORECASE)
"""A filter on every attribute, on one by its number, or on several by the server's choice."""
_TOKEN = "usn"  # noqa: S105 - a place in the cursor


class DirSyncFeed(Feed):
    """DirSync controls, one search of each naming context.

    Args:
        meeting: the server, who is wanted there, and what is read of them.
    """

    name = "dirsync"

    def __init__(self, meeting: Meeting) -> None:
        self._searcher = meeting.searcher
        self._scopes = meeting.scopes
        self._asked = watched(meeting)
        self._tokens: dict[str, str] = {}

    @staticmethod
    def offered(meeting: Meeting) -> bool:
        """Whether the server has it, and its answers mean something for these settings."""
        scopes = meeting.scopes
        return (
            scopes.kind.name in _KINDS
            and DIRSYNC.encode() in scopes.told.get("supportedcontrol", ())
            and all(scope.native and not _UNTOLD.search(scope.filter) for scope in scopes.each)
        )

    def identity(self) -> str:
        """The controller's invocationId: another one after it was restored from a backup."""
        return invocation_id(self._searcher, self._scopes)

    def start(self) -> bool:
        """Take the cookie of this moment, by a search for one entry: it stands for the whole context all the same."""
        told = self._scopes.text(HIGHEST)
        if not (told.isdecimal() and self.identity()):
            return False
        tokens = {_TOKEN: told}
        for context in self._scopes.trees:
            shown = Hints({})
            try:
                tokens[context] = self._rounds(context, _CONTAINER, b"", shown)
            except CursorError:
                return False
            if not shown.deleted["person"]:
                return False
        self._tokens = tokens
        return True

    def started(self) -> Mapping[str, str] | None:
        """The cookies, and the number of the controller's last change before them."""
        return self._tokens

    def hints(self, tokens: Mapping[str, str], known: Known) -> Hints:
        """What changed since, in any place of the contexts."""
        del known
        since, highest = numbers(tokens.get(_TOKEN, ""), self._scopes.text(HIGHEST))
        hints = Hints(tokens)
        if highest == since:
            return hints
        moved = {_TOKEN: str(highest)}
        for context in self._scopes.trees:
            try:
                cookie = base64.b64decode(tokens[context], validate=True)
            except (KeyError, ValueError):
                cookie = b""
            if not cookie:  # without one everybody is told, and nobody who is gone
                raise CursorError(f"the cursor has no cookie for {context}")
            moved[context] = self._rounds(context, "(objectClass=*)", cookie, hints)
        hints.tokens = moved
        return hints

    def _rounds(self, context: str, wanted: str, cookie: bytes, hints: Hints) -> str:
        """Ask until nothing more is told; the last cookie, as text.

        Raises:
            CursorError: not from this cookie, or not for us.
            IncompleteError: not everything was told.
        """
        for _ in range(_ROUNDS):
            done = self._ask(context, wanted, cookie, hints)
            control: Any = (done.get("controls") or {}).get(DIRSYNC)
            if control is None or not control["value"]["cookie"]:
                raise IncompleteError([f"the server did not say that its changes below {context} are all told"])
            cookie = bytes(control["value"]["cookie"])
            if not control["value"]["more_results"]:
                return base64.b64encode(cookie).decode("ascii")
        raise IncompleteError([f"the changes below {context} have no end, even after {_ROUNDS:,} answers"])

    def _ask(self, context: str, wanted: str, cookie: bytes, hints: Hints) -> Answer:
        done: Answer = {}
        met = 0
        for answer in self._searcher.answers(
            context, wanted, self._asked, (DIRSYNC, True, dirsync_request(cookie)), decode_entry
        ):
            if isinstance(answer, Entry):
                met += 1
                self._changed(answer, hints)
            elif answer["type"] == "searchResDone":  # references: each tree is looked into on its own
                done = answer
        if code := done["result"]:
            reasons = search_reasons(done, context, met, [])
            if code in _NOT_THIS_TIME:
                raise IncompleteError(reasons, code)
            raise CursorError(f"the server does not go on from there: {reasons[0]}")
        return done

    def _changed(self, entry: Entry, hints: Hints) -> None:
        is_deleted = entry.attributes.get("isdeleted") == [b"TRUE"]
        for scope in self._scopes.each:
            try:
                key = scope.kind.key(entry.attributes)
            except ValueError as error:
                raise CursorError(f"{entry.dn.decode('utf-8', 'replace')} changed: {error}") from None
            if is_deleted:
                hints.deleted[scope.of].add(key)
            else:
                hints.changed[scope.of].add(key)
                hints.names[key] = entry.dn
            if hints.too_many(scope.of):
                raise CursorError(f"more than {MANY:,} entries changed: reading everything takes no longer")


def dirsync_request(cookie: bytes) -> bytes:
    """The value of a DirSync control: flags, the most bytes of an answer, and the cookie; an empty one before the first."""
    return element(
        _SEQUENCE,
        element(_INTEGER, _INCREMENTAL_VALUES),
        element(_INTEGER, _MOST_BYTES),
        element(_OCTETS, cookie),
    )


def watched(meeting: Meeting) -> tuple[str, ...]:
    """The attributes whose change may change a record, or who is one: what is read of people and groups, and filters ask."""
    names = [*_ALWAYS, *meeting.people.asked]
    for scope in meeting.scopes.each:
        names += [scope.kind.key_attribute, *_ASSERTED.findall(scope.filter)]
    if meeting.scopes.groups and meeting.settings.groups:
        names += [*meeting.scopes.groups.kind.member_attributes, meeting.settings.groups.name]
    asked = {name.partition(";")[0].lower(): name.partition(";")[0] for name in names}
    return tuple(name for lower, name in asked.items() if lower not in _OF_OTHERS)
