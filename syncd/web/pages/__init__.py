"""The console's rooms: a file for each, with its documents, its pages and its deeds. `ALL` is what is served."""

from typing import Final

from syncd.web.frame import Entry
from syncd.web.pages import access, me, overview, runs

ALL: Final[tuple[Entry, ...]] = (
    *overview.room.entries,
    *runs.room.entries,
    *access.room.entries,
    *me.room.entries,
)
