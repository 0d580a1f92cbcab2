"""The feed of any other server: `modifyTimestamp` (RFC 4512, 3.4). Tells who came and who changed, never who is gone.

Who was deleted, or moved out of base or filter, is told by full reads. Time is the server's own: the newest time stamp that
was seen. With several masters a change that arrives late carries an old one, and is told by a full read, too.
"""

from __future__ import annotations

from contextlib import suppress
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from connectors.errors import CursorError
from connectors.ldap.activity import generalized_time
from connectors.ldap.hints import Hints
from connectors.ldap.lookups import both

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from connectors.ldap.scopes import Scope, Scopes
    from connectors.ldap.search import Searcher
    from connectors.ldap.wire import Entry
    from connectors.model import Known

_STAMP = "modifyTimestamp"
_TOKEN = "time"  # noqa: S105 - a place in the cursor
_OVERLAP = timedelta(seconds=5)
"""Told again: an entry gets its time stamp before it is there to be seen."""


class ModifiedFeed:
    """Time stamps.

    Args:
        searcher: the server.
        scopes: who is wanted there.
        note: told that nobody's absence is.
    """

    name = "modified"
    survey_attributes: Sequence[str] = (_STAMP,)

    def __init__(self, searcher: Searcher, scopes: Scopes, note: Callable[[str], None]) -> None:
        self._searcher = searcher
        self._scopes = scopes
        self._note = note
        self._newest: datetime | None = None

    def identity(self) -> str:
        """Nothing is known of it."""
        return ""

    def start(self) -> bool:
        """The survey, which comes before everything that is handed over, shows the time."""
        self._note("the server tells what changed by time stamps alone: only a full read tells who is gone")
        return True

    def survey(self, entry: Entry) -> None:
        """Remember the newest."""
        for value in entry.attributes.get(_STAMP.lower(), ()):
            with suppress(CursorError):  # then the others show the time
                moment = _moment(value.decode("utf-8", "replace"))
                self._newest = max(moment, self._newest or moment)

    def started(self) -> Mapping[str, str] | None:
        """The newest time stamp, if there is any."""
        return {_TOKEN: _text(self._newest)} if self._newest else None

    def hints(self, tokens: Mapping[str, str], known: Known) -> Hints:
        """Who has a newer one."""
        del known
        self._newest = since = _moment(tokens.get(_TOKEN, ""))
        hints = Hints({}, final=False)
        for scope in self._scopes.each:
            self._changed(scope, since - _OVERLAP, hints)
        hints.tokens = {_TOKEN: _text(self._newest)}
        return hints

    def _changed(self, scope: Scope, since: datetime, hints: Hints) -> None:
        wanted = both(scope.filter, f"({_STAMP}>={_text(since)})")
        for entry in self._searcher.entries(scope.base, wanted, (scope.kind.key_attribute, _STAMP)):
            try:
                key = scope.kind.key(entry.attributes)
            except ValueError as error:
                raise CursorError(f"{entry.dn.decode('utf-8', 'replace')} changed: {error}") from None
            hints.changed[scope.of].add(key)
            hints.names[key] = entry.dn
            self.survey(entry)


def _moment(text: str) -> datetime:
    try:
        return generalized_time(text)
    except (ValueError, OverflowError):
        raise CursorError(f"{text[:40]!r} is no time of a change") from None


def _text(moment: datetime) -> str:
    return f"{moment:%Y%m%d%H%M%S}Z"
