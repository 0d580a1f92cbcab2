"""Which feeds a server may have, the best first."""

from __future__ import annotations

from typing import TYPE_CHECKING

from connectors.ldap.certificates import IncompleteError
from connectors.ldap.dirsync import DirSyncFeed
from connectors.ldap.modified import ModifiedFeed
from connectors.ldap.sync_wire import SYNC_REQUEST
from connectors.ldap.syncrepl import SyncFeed
from connectors.ldap.usn import HIGHEST, UsnFeed

if TYPE_CHECKING:
    from collections.abc import Callable

    from connectors.ldap.hints import Feed
    from connectors.ldap.meeting import Meeting


def feeds_of(meeting: Meeting, note: Callable[[str], None]) -> list[Feed]:
    """The feeds that this server speaks of.

    Args:
        meeting: the server, and what is read there.
        note: told what a feed cannot tell.
    """
    searcher, scopes = meeting.searcher, meeting.scopes
    feeds: list[Feed] = []
    if SYNC_REQUEST.encode() in scopes.told.get("supportedcontrol", ()):
        feeds.append(SyncFeed(searcher, scopes))
    if DirSyncFeed.offered(meeting):
        feeds.append(DirSyncFeed(meeting))
    if scopes.told.get(HIGHEST.lower()):
        feeds.append(UsnFeed(searcher, scopes, note))
    feeds.append(ModifiedFeed(searcher, scopes, note))
    return feeds


def start(feeds: list[Feed], note: Callable[[str], None]) -> Feed | None:
    """The first feed that can tell what changes from now on, its token taken.

    None when a better one did not answer this time: a lesser one would do without what that tells until the next full read.
    """
    try:
        return next((feed for feed in feeds if feed.start()), None)
    except IncompleteError as error:
        note(f"this read is not followed by changes: {error}")
        return None
