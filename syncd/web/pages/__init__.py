"""The console's rooms: a file for each, with its documents, its pages and its deeds. `ALL` is what is served."""

from typing import Final

from syncd.web.frame import Entry
from syncd.web.pages import (
    access,
    approvals,
    audit,
    deleting,
    documents,
    groups,
    importing,
    mdm,
    me,
    overview,
    people,
    person,
    plans,
    restore,
    runs,
    scim,
    settings,
    whatif,
    why,
    workflows,
    workorders,
)

ALL: Final[tuple[Entry, ...]] = (
    *overview.room.entries,
    *runs.room.entries,
    *plans.room.entries,
    *approvals.room.entries,
    *why.room.entries,
    *whatif.room.entries,
    *workorders.room.entries,
    *restore.room.entries,
    *audit.room.entries,
    *settings.room.entries,
    *people.room.entries,
    *importing.room.entries,
    *person.room.entries,
    *deleting.room.entries,
    *groups.room.entries,
    *workflows.room.entries,
    *documents.room.entries,
    *mdm.room.entries,
    *scim.room.entries,
    *access.room.entries,
    *me.room.entries,
)
