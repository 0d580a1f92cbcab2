"""The call audit: a row for each request, written some at a time, so that a request does not wait for it.

A worker gathers what it answered and writes it once a second, or when there is much of it; the end of the process writes the
rest. What `kill -9` takes away is the last second's rows: what was changed stands in the store by itself.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Engine, Row, delete, func, insert, select
from sqlalchemy.exc import SQLAlchemyError

from scim.access.cutting import kept_body, kept_query
from scim.access.metadata import reading, writing
from scim.access.scopes import Subject
from scim.access.settings import Call, Tenant
from scim.access.tables import calls
from scim.dialects import Exchange, same

_MOST: Final = 200
_EVERY: Final = 1.0
_RETIRE_EVERY: Final = timedelta(hours=1)
_PATH = 500
_ERRORS = 400
_WAITING = 10_000
"""So many rows are kept in memory while the store cannot be written; older ones are lost then."""


@dataclass(frozen=True, slots=True)
class Answered:
    """One request and what became of it.

    Attributes:
        call: the request as it was called.
        subject: who was let in; None: nobody.
        came: the request as it came; None where it was not read.
        read: the same as it was normalised.
        status: of the answer.
        seconds: how long it took.
        reason: why nobody was let in.
    """

    call: Call
    subject: Subject | None
    came: Exchange | None
    read: Exchange | None
    status: int
    seconds: float
    reason: str = ""


def row_of(tenant: Tenant, answered: Answered, now: datetime) -> dict[str, Any]:
    """The row that is kept."""
    came, read, log = answered.came, answered.read, tenant.log
    changed = came is not None and read is not None and not (came.query == read.query and same(came.body, read.body))
    return {
        "at": now,
        "tenant": tenant.name,
        "prefix": answered.subject.prefix if answered.subject else None,
        "address": answered.call.address,
        "method": answered.call.method[:16],
        "path": answered.call.path[:_PATH],
        "query": kept_query(came.query, log) if came else None,
        "status": answered.status,
        "milliseconds": round(answered.seconds * 1000, 3),
        "raw": kept_body(came.body, log) if came else None,
        "normalised": kept_body({"query": dict(read.query), "body": read.body}, log) if changed and read else None,
        "notes": "; ".join([*(read.notes if read else ()), *([answered.reason] if answered.reason else [])]) or None,
    }


def recent(
    connection: Connection, limit: int, tenant: str | None = None, *, failed: bool = False, skip: int = 0
) -> list[Row[Any]]:
    """The last calls, newest first.

    Args:
        connection: to the store.
        limit: at most so many.
        tenant: only this one's.
        failed: only those that were answered with an error.
        skip: without so many of the newest.
    """
    query = select(calls).where(*_which(tenant, failed=failed)).order_by(calls.c.call_id.desc())
    return list(connection.execute(query.limit(limit).offset(skip)))


def count(connection: Connection, tenant: str | None = None, *, failed: bool = False) -> int:
    """How many calls are kept; see `recent`."""
    query = select(func.count()).select_from(calls).where(*_which(tenant, failed=failed))
    return connection.execute(query).scalar_one()


def _which(tenant: str | None, *, failed: bool) -> list[ColumnElement[bool]]:
    found: list[ColumnElement[bool]] = [] if tenant is None else [calls.c.tenant == tenant]
    return [*found, calls.c.status >= _ERRORS] if failed else found


class CallLog:
    """The rows that wait to be written.

    Args:
        engine: the store's.
        tenants: how long each tenant's rows are kept.
        clock: the present moment.
    """

    def __init__(self, engine: Engine, tenants: Mapping[str, Tenant], clock: Callable[[], datetime]) -> None:
        self._engine = engine
        self._tenants = tenants
        self._clock = clock
        self._rows: list[dict[str, Any]] = []
        self._lock = threading.Lock()
        self._timer: threading.Timer | None = None
        self._retired: datetime | None = None
        self._failing = False

    def add(self, tenant: Tenant, answered: Answered) -> None:
        """Keep a row; it is written within a second."""
        row = row_of(tenant, answered, self._clock())
        with self._lock:
            self._rows.append(row)
            full = len(self._rows) >= _MOST and not self._failing
            if not full:
                self._soon()
        if full:
            self._tick()

    def flush(self) -> None:
        """Write what waits, and take away what is too old.

        Raises:
            SQLAlchemyError: the store cannot be written; the rows wait on.
        """
        with self._lock:
            rows, self._rows = self._rows, []
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
        try:
            if rows:
                with writing(self._engine, light=True) as connection:
                    connection.execute(insert(calls), rows)
        except SQLAlchemyError:
            with self._lock:
                self._failing = True
                self._rows = [*rows, *self._rows][-_WAITING:]
            raise
        self._failing = False
        self._retire()

    def _tick(self) -> None:
        """Write what waits; where the store cannot be written, a little later. No request fails for its row."""
        try:
            self.flush()
        except SQLAlchemyError:
            with self._lock:
                self._soon()

    def _soon(self) -> None:
        if self._timer is None:
            self._timer = threading.Timer(_EVERY, self._tick)
            self._timer.daemon = True
            self._timer.start()

    def _retire(self) -> None:
        now = self._clock()
        if self._retired is not None and now - self._retired < _RETIRE_EVERY:
            return
        self._retired = now
        for tenant in self._tenants.values():
            if tenant.log_for:
                self._take_away((calls.c.tenant == tenant.name) & (calls.c.at < now - tenant.log_for))
        unknown = calls.c.tenant.not_in(list(self._tenants))
        self._take_away(unknown & (calls.c.at < now - Tenant("").log_for))

    def _take_away(self, old: ColumnElement[bool]) -> None:
        with reading(self._engine) as connection:
            due = connection.execute(select(calls.c.call_id).where(old).limit(1)).first()
        if due:
            with writing(self._engine, light=True) as connection:
                connection.execute(delete(calls).where(old))
