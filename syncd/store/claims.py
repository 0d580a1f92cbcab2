"""What waits in a table to be done by one process: taken by nobody else, and given up when the process is killed again and again.

Such a table has `id`, `state` (waiting | running | …), `taken` (how often somebody began it) and `message`.
"""

from __future__ import annotations

from typing import Any, Final

from sqlalchemy import ColumnElement, Engine, Row, Table, select, update

from syncd.store.engine import reading, write_if_any, writing

TRIES: Final = 2
"""So often something is begun, when the process that began it is killed."""


def take(engine: Engine, table: Table, *also: ColumnElement[bool], **given_up: Any) -> Row[Any] | None:
    """Begin what has waited longest: nobody else gets it. None: nothing waits.

    Args:
        engine: the store's.
        table: see the module.
        also: what is true of all that waits, so that an index is used.
        given_up: more values of what was begun too often.
    """
    waiting = select(table).where(table.c.state == "waiting", *also).order_by(table.c.id).limit(1)
    while True:
        with reading(engine) as connection:
            if connection.execute(waiting).first() is None:
                return None
        with writing(engine) as connection:
            row = connection.execute(waiting.with_for_update(skip_locked=True)).first()
            if row is None:
                return None
            gone = row.taken >= TRIES
            message = f"it was begun {row.taken} times, and the process was killed each time"
            values = (
                {"state": "failed", "message": message, **given_up}
                if gone
                else {"state": "running", "taken": row.taken + 1}
            )
            connection.execute(update(table).where(table.c.id == row.id).values(values))
            if not gone:
                return connection.execute(select(table).where(table.c.id == row.id)).one()


def reopen(engine: Engine, table: Table) -> int:
    """Let what a killed process began be taken again. Call it where no other process can be at it. Returns how many."""
    return write_if_any(engine, update(table).where(table.c.state == "running").values(state="waiting"))
