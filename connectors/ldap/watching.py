"""Waiting until a directory says that something changed: a search that the server never ends.

OpenLDAP and 389 Directory Server by content synchronization (RFC 4533, refreshAndPersist), Active Directory and Samba by change
notification (MS-ADTS 3.1.1.3.4.1.9). What changed is not looked at: a poll tells. May not: end a wait as long as the server
listens, or say nothing of a time in which nobody did.
"""

from __future__ import annotations

import socket
import time
from contextlib import suppress
from typing import TYPE_CHECKING, Final

from connectors.errors import PermanentError, RetryableError
from connectors.ldap.library import LDAPExceptionError
from connectors.ldap.scopes import scopes_of
from connectors.ldap.search import Searcher
from connectors.ldap.session import failure, open_session
from connectors.ldap.sync_wire import (
    REFRESH_AND_PERSIST,
    SYNC_INFO,
    SYNC_REQUEST,
    SyncInfo,
    decode_sync_info,
    sync_request,
)
from connectors.ldap.syncrepl import SyncFeed
from connectors.ldap.wire import ENTRY, WireError, numbered

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.ldap.scopes import Scopes
    from connectors.ldap.session import Session
    from connectors.ldap.settings import Settings
    from connectors.ldap.stream import Answer

NOTIFICATION: Final = "1.2.840.113556.1.4.528"
_REFUSED = frozenset({2, 12, 50, 53})
"""protocolError, unavailableCriticalExtension, insufficientAccessRights, unwillingToPerform."""
_QUIET_SECONDS, _PROBE_SECONDS, _PROBES = 60, 15, 4
"""When the network asks a silent server whether it is still there, and how often."""


class Watcher:
    """One connection on which a server announces changes, kept from call to call.

    Args:
        settings: the source's.
        name: the source's, for messages.
        log: told every search.
    """

    def __init__(self, settings: Settings, name: str, log: Callable[[str], None]) -> None:
        self._settings = settings
        self._name = name
        self._log = log
        self._session: Session | None = None
        self._searches: set[int] = set()

    def wait(self, seconds: float) -> bool:
        """Whether something may have changed since the last call.

        The first call, and the first after a connection broke, says so as soon as the server listens to us: nobody knows what
        happened before.

        Raises:
            RetryableError: the server cannot be reached, or ended the announcements.
            PermanentError: it does not announce changes, or as in `open_session`.
        """
        deadline = time.monotonic() + seconds
        session = self._session
        try:
            if session is not None:
                return self._announced(session, deadline)
        except (LDAPExceptionError, WireError):
            self.close()
        except BaseException:
            self.close()
            raise
        self._listen()
        return True

    def close(self) -> None:
        """End the connection."""
        session, self._session = self._session, None
        self._searches.clear()
        if session is not None:
            session.close()

    def _announced(self, session: Session, deadline: float) -> bool:
        """Wait for an announcement, and take all that came with it: one poll tells all of it."""
        changed = False
        while session.strategy.arrives(0 if changed else deadline - time.monotonic()):
            changed = self._is_change(session) or changed
        return changed

    def _is_change(self, session: Session) -> bool:
        _, answer = self._next(session)
        info = _info(answer)
        return answer is None or (info is not None and bool(info.uuids))

    def _next(self, session: Session) -> tuple[int, Answer | None]:
        """The number of the next message, and the message; None where it is an entry.

        Raises:
            ConnectorError: an announcing search has ended.
        """
        message = session.strategy.next_message()
        number, operation = numbered(message)
        if operation == ENTRY:
            return number, None
        answer = session.strategy.answer(message, number)
        if answer["type"] == "searchResDone" and number in self._searches:
            raise self._ended(session, answer)
        return number, answer

    def _listen(self) -> None:
        """Connect, and return when the server listens."""
        self._searches.clear()
        session = open_session(self._settings.servers)
        try:
            self._register(session)
        except (LDAPExceptionError, WireError) as error:
            session.close()
            raise failure(error, session.url) from error
        except BaseException:
            session.close()
            raise
        self._session = session

    def _register(self, session: Session) -> None:
        _keep_alive(session)
        searcher = Searcher(session, self._log, self._settings.page_size)
        scopes = scopes_of(searcher, self._settings, self._name)
        controls = scopes.told.get("supportedcontrol", ())
        if SYNC_REQUEST.encode() in controls:
            self._persist(session, searcher, scopes)
        elif NOTIFICATION.encode() in controls:
            self._notify(session, searcher, scopes)
        else:
            raise PermanentError(
                "the server does not announce changes: it offers neither content synchronization nor notification",
                where=session.url,
                cure="load syncprov where it is OpenLDAP, or read at intervals",
            )

    def _persist(self, session: Session, searcher: Searcher, scopes: Scopes) -> None:
        feed = SyncFeed(searcher, scopes)
        cookies = [(scope, feed.current(scope)) for scope in scopes.each]
        for scope, cookie in cookies:
            control = (SYNC_REQUEST, True, sync_request(REFRESH_AND_PERSIST, cookie))
            self._searches.add(searcher.begin(scope.base, feed.filter(scope), ("1.1",), control))
        refreshing = set(self._searches)
        while refreshing:
            number, answer = self._next(session)
            info = _info(answer)
            if info is not None and info.refreshed:
                refreshing.discard(number)

    def _notify(self, session: Session, searcher: Searcher, scopes: Scopes) -> None:
        for context in scopes.trees:
            self._searches.add(searcher.begin(context, "(objectClass=*)", ("1.1",), (NOTIFICATION, True, None)))
        # Requests are taken up in their order: when this one is answered, the others are under way.
        last = searcher.begin(scopes.people.context, "(&(objectClass=domain)(!(objectClass=*)))", ("1.1",), None)
        answered = False
        while not answered:
            number, answer = self._next(session)
            answered = number == last and answer is not None and answer["type"] == "searchResDone"

    def _ended(self, session: Session, answer: Answer) -> PermanentError | RetryableError:
        told = f"{answer.get('description') or answer['result']}{': ' * bool(answer.get('message'))}{answer.get('message')}"
        if answer["result"] in _REFUSED:
            return PermanentError(
                f"the server does not announce changes ({told})",
                where=session.url,
                cure="load syncprov for this database where it is OpenLDAP, or read at intervals",
            )
        return RetryableError(f"the server ended its announcements ({told})", where=session.url, cure="listen again")


def _info(answer: Answer | None) -> SyncInfo | None:
    if answer is None or answer["type"] != "intermediateResponse" or answer.get("responseName") != SYNC_INFO:
        return None
    return decode_sync_info(answer.get("responseValue", b""))


def _keep_alive(session: Session) -> None:
    """A connection on which nothing is said for hours must break when the other side is not there any more."""
    opened = session.connection.socket
    with suppress(OSError, AttributeError):
        opened.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPIDLE, _QUIET_SECONDS)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPINTVL, _PROBE_SECONDS)
        opened.setsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT, _PROBES)
