"""The first page: how it stands."""

from __future__ import annotations

from syncd.store import runs
from syncd.web.desk import Desk, Document, Query
from syncd.web.frame import Room
from syncd.web.pages.runs import RunLine, line_of

room = Room()


class Overview(Document):
    """How it stands, at a glance."""

    last_runs: list[RunLine]


@room.page("/", "overview.html")
def overview(desk: Desk, asked: Query) -> Overview:
    """How it stands, at a glance."""
    del asked
    return Overview(last_runs=[line_of(row) for row in runs.history(desk.store, 5)])
