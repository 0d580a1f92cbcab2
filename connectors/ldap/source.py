"""People and groups from an LDAP directory: the source that the configuration's `type: ldap` names.

Every read is whole over one connection to one server, or it is not certified.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from connectors.errors import CursorError
from connectors.ldap.certificates import Doubts, Memory, NoMemory
from connectors.ldap.checking import Checking
from connectors.ldap.cursor import Cursor, parse_cursor
from connectors.ldap.feeds import feeds_of, start
from connectors.ldap.meeting import Meeting
from connectors.ldap.poll import Poll
from connectors.ldap.reading import Reading
from connectors.ldap.scopes import fingerprint, scopes_of, server_kind
from connectors.ldap.search import Searcher
from connectors.ldap.session import open_session
from connectors.ldap.watching import Watcher
from connectors.model import Certificate, Known, nothing_known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from connectors.base import Told
    from connectors.ldap.session import Session
    from connectors.ldap.settings import Settings
    from connectors.model import Gone, Record


def _silent(_: str) -> None:
    """For who wants no log."""


def _now() -> datetime:
    return datetime.now(UTC)


class LdapSource:
    """A source that reads an LDAP directory, and never writes to it.

    Args:
        name: the source's name in the configuration.
        settings: servers, bind, people, groups.
        log: told every search as an `ldapsearch` command, and as a comment (`# …`) what was cut, left out or frozen.
        memory: what the last certified read had seen, kept from read to read by the caller; without it an attribute
            that was hidden from us looks like one that nobody has.
        clock: the time; accounts expire.
    """

    def __init__(
        self,
        name: str,
        settings: Settings,
        *,
        log: Callable[[str], None] = _silent,
        memory: Memory | None = None,
        clock: Callable[[], datetime] = _now,
    ) -> None:
        self.name = name
        self._settings = settings
        self._log = log
        self._memory = memory or NoMemory()
        self._clock = clock
        self._watcher: Watcher | None = None

    def read(self, known: Known = nothing_known) -> Iterator[Record | Certificate]:
        """Stream every person that is not known already, then every group, then the certificate.

        Raises:
            RetryableError: no server could be reached, or the connection broke.
            RefusedError: the server refused the bind or StartTLS.
            PermanentError: the settings cannot work, or the server's certificate is not good.
        """
        settings, doubts = self._settings, Doubts(self._note)
        with open_session(settings.servers) as session:
            meeting = self._meeting(session, doubts)
            tells = settings.tells_changes
            feed = start(feeds_of(meeting, doubts.note), doubts.note) if tells else None
            reading = Reading(meeting, known=known, memory=self._memory, feed=feed)
            yield from reading.records()
            certificate = reading.certificate()
            lasting = certificate.certified and not certificate.frozen_groups and not reading.has_searches
            tokens = feed.started() if feed and lasting else None
            if feed and tokens:
                cursor = Cursor(
                    feed.name,
                    session.url,
                    feed.identity(),
                    fingerprint(meeting.scopes, settings),
                    tokens,
                    meeting.until,
                )
                certificate = replace(certificate, cursor=cursor.text())
        yield certificate

    def check(self) -> Iterator[str]:
        """Every reason why a read would fail or not be whole, as far as a few quick searches tell."""
        yield from (told.sentence for told in self.explain() if told.kind == "problem")

    def explain(self) -> Iterator[Told]:
        """What every server of the list came to, and what is to be seen in the first that answers."""
        before = self._memory.recall()
        checking = Checking(
            self._settings,
            lambda root_dse: server_kind(root_dse, self._settings, self.name),
            before=before,
            log=self._log,
            clock=self._clock,
        )
        yield from checking.told()

    def changes(self, cursor: str, known: Known) -> Iterator[Record | Gone | Certificate]:
        """Stream what changed since, whole records and those that are gone, then one certificate as the last item.

        A certificate with a doubt has no cursor: the poll is repeated from the same one. What changes cannot tell, and full
        reads set right, is named in `poll`.

        Raises:
            CursorError: nothing can be told from this cursor; read everything.
            RetryableError, RefusedError, PermanentError: as in `read`.
        """
        since = parse_cursor(cursor)
        settings, doubts = self._settings, Doubts(self._note)
        with open_session(settings.servers) as session:
            meeting = self._meeting(session, doubts)
            since.check(url=session.url, settings=fingerprint(meeting.scopes, settings), now=meeting.now)
            feeds = feeds_of(meeting, self._note)
            feed = next((feed for feed in feeds if feed.name == since.feed), None)
            if feed is None or feed.identity() != since.server:
                what = (
                    f"{session.url} is another server than the cursor's, or was set up anew, or offers no {since.feed}"
                )
                raise CursorError(what, where=session.url)
            meeting.until = since.until
            poll = Poll(meeting, feed, since.tokens, known=known, memory=self._memory)
            yield from poll.items()
            certificate = poll.certificate()
        if certificate.certified:
            moved = replace(since, tokens=poll.tokens, until=meeting.until)
            certificate = replace(certificate, cursor=moved.text())
        yield certificate

    def watch(self, seconds: float) -> bool:
        """Wait until the server says that something changed, so long at most; True when it may have.

        The connection is kept from call to call (`close` ends it). The first call, and the first after a broken connection, says
        True as soon as the server listens.

        Raises:
            RetryableError: no server can be reached, or it ended its announcements.
            PermanentError: the server does not announce changes, or as in `read`.
        """
        if self._watcher is None:
            self._watcher = Watcher(self._settings, self.name, self._log)
        return self._watcher.wait(seconds)

    def close(self) -> None:
        """End the connection on which `watch` listens; the next call connects again."""
        if self._watcher is not None:
            self._watcher.close()

    def _meeting(self, session: Session, doubts: Doubts) -> Meeting:
        searcher = Searcher(session, self._log, self._settings.page_size)
        scopes = scopes_of(searcher, self._settings, self.name)
        return Meeting(searcher, scopes, self._settings, doubts=doubts, now=self._clock())

    def _note(self, sentence: str) -> None:
        self._log(f"# {sentence}")
