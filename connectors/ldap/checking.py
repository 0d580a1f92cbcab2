"""`syncd check` of a directory: every server of the list, its certificate, the bind, the clock, and that they hold the same.

What stands in the directory is `surveying`'s. May not: certify, for that takes a whole read; or try a password at a second
server that the first one refused.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta
from typing import TYPE_CHECKING

from connectors.base import Told
from connectors.errors import ConnectorError, RefusedError
from connectors.ldap.activity import generalized_time
from connectors.ldap.certificates import IncompleteError
from connectors.ldap.kinds import Kind
from connectors.ldap.search import PAGED, Searcher
from connectors.ldap.session import Session, bind, certificate_ends, connect
from connectors.ldap.surveying import Survey
from connectors.text import shown

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from datetime import datetime

    from connectors.ldap.settings import Settings

    Identify = Callable[[Mapping[str, Sequence[bytes]]], Kind]
    """The kind of server that a root DSE speaks of, or that the settings name."""

SOON, TOO_SOON = 30, 14
"""Days that a server's certificate is good for: below the first it is said, below the second it is a problem."""
CLOCKS = timedelta(minutes=5)
"""How far two clocks may be apart; Kerberos allows as much (RFC 4120, 1.6), and accounts expire by the clock."""

_CLOCKS_OF = {
    "active_directory": ("", "currentTime"),
    "samba": ("", "currentTime"),
    "openldap": ("cn=Current,cn=Time,cn=Monitor", "monitorTimestamp"),
    "ds389": ("cn=monitor", "currentTime"),
    "freeipa": ("cn=monitor", "currentTime"),
}
"""Kind of server -> the entry and the attribute that tell its time, where they may be read."""


class Checking:
    """One check of a source.

    Args:
        settings: the source's.
        identify: tells the kind of server.
        before: what the last certified read had seen (`Memory`).
        log: told every search.
        clock: the time.
    """

    def __init__(
        self,
        settings: Settings,
        identify: Identify,
        *,
        before: Mapping[str, int],
        log: Callable[[str], None],
        clock: Callable[[], datetime],
    ) -> None:
        self._settings = settings
        self._identify = identify
        self._before = before
        self._log = log
        self._clock = clock
        self._refused = False
        self._tops: frozenset[bytes] | None = None
        """What the first server holds that answered."""
        self._first = ""

    def told(self) -> Iterator[Told]:
        """Everything that was looked at."""
        several = len(self._settings.servers.urls) > 1
        for url in self._settings.servers.urls:
            try:
                yield from self._server(url)
            except ConnectorError as error:
                self._refused = self._refused or isinstance(error, RefusedError)
                rest = " (the next one of the list is asked then)" * (several and not isinstance(error, RefusedError))
                yield Told("problem", f"{error.where or url}: {error.what}{rest}: {error.cure}")
            except IncompleteError as error:
                yield Told("problem", f"{url}: the server does not say what it is: {error}")

    def _server(self, url: str) -> Iterator[Told]:
        with connect(self._settings.servers, url) as session:
            yield self._encrypted(session)
            if self._refused:
                yield Told("note", f"{url}: not bound there, for a password that was refused is not tried again")
                return
            bind(session)
            yield Told("fact", f"{url}: {self._who()}")
            searcher = Searcher(session, self._log, self._settings.page_size)
            root = searcher.read("", ("*", "+"))
            told = root.attributes if root else {}
            kind = self._identify(told)
            yield from self._time(searcher, kind)
            yield from self._pages(url, told)
            yield from self._content(searcher, kind, told)

    def _who(self) -> str:
        who = self._settings.servers.bind
        return "asked as nobody" if who.method == "anonymous" else f"bound as {who.user or 'our certificate says'}"

    def _encrypted(self, session: Session) -> Told:
        ends = certificate_ends(session)
        if ends is None:
            return Told("fact", f"{session.url}: connected, without TLS")
        days = (ends - self._clock()).days
        if days >= SOON:
            return Told("fact", f"{session.url}: connected, and its certificate is good for {days} days")
        return Told(
            "problem" if days < TOO_SOON else "note",
            f"{session.url}: its certificate is good for {days} days only, until {ends:%Y-%m-%d %H:%M} UTC: renew it, for "
            "after that nothing is read",
        )

    def _time(self, searcher: Searcher, kind: Kind) -> Iterator[Told]:
        """How far the server's clock is from ours; nothing where it shows none."""
        entry, attribute = _CLOCKS_OF.get(kind.name, ("", ""))
        if not attribute:
            return
        with suppress(IncompleteError, ValueError):
            found = searcher.read(entry, (attribute,))
            values = found.attributes.get(attribute.lower()) if found else None
            if not values:
                return
            apart = self._clock() - generalized_time(values[0].decode("ascii", "replace"))
            seconds = round(abs(apart.total_seconds()))
            if abs(apart) > CLOCKS:
                order = "behind" if apart > timedelta() else "ahead of"
                yield Told(
                    "problem",
                    f"{searcher.session.url}: its clock is {seconds} seconds {order} ours: accounts expire by the clock, so "
                    "set both by NTP",
                )
            else:
                yield Told("fact", f"{searcher.session.url}: its clock and ours are {seconds} seconds apart")

    def _pages(self, url: str, root: Mapping[str, Sequence[bytes]]) -> Iterator[Told]:
        controls = root.get("supportedcontrol")
        if self._settings.page_size and controls and PAGED.encode() not in controls:
            yield Told("problem", f"{url}: the server gives no answers in pages: write `page_size: 0`")

    def _content(self, searcher: Searcher, kind: Kind, root: Mapping[str, Sequence[bytes]]) -> Iterator[Told]:
        url, people = searcher.session.url, self._settings.people
        tops = frozenset(value.lower() for value in root.get("namingcontexts", ()))
        if self._tops is None:
            self._tops, self._first = tops, url
            yield from Survey(searcher, kind, self._settings, self._clock(), self._before).told()
            return
        if tops != self._tops:
            cure = "every server of the list has to hold the same"
            yield Told("problem", f"{url}: it holds other trees than {self._first} (namingContexts): {cure}")
        search_filter = people.filter or kind.people_filter
        try:
            there = searcher.exists(people.base, search_filter)
        except IncompleteError as error:
            yield Told("problem", f"{url}: {error}")
            return
        if not there:
            cure = f"every server of the list has to hold what {self._first} holds"
            yield Told("problem", f"{url}: nobody below {shown(people.base)} matches {search_filter}: {cure}")
