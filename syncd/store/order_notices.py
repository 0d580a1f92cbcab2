"""Keeps what became of each order's notice, and when the webhook was called: never twice for one order, never too often."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from sqlalchemy import delete, func, insert, select, update

from connectors.fluix.portal.book import Item, NoticeState, Order
from syncd.store.engine import reading, writing
from syncd.store.order_tables import webhook_calls, work_orders
from syncd.store.portal_exports import ExportBook

_CALLS_KEPT = 1000


class NoticeBook(ExportBook):
    """The part of the portal's book that is about telling somebody of an order."""

    def notices(self, *states: NoticeState) -> list[Order]:
        """The orders whose notice is in one of these states, the oldest first."""
        here = (
            work_orders.c.account == self._account,
            work_orders.c.ready_at.is_not(None),
            work_orders.c.notice.in_(states),
        )
        with reading(self._engine) as connection:
            rows = connection.execute(select(work_orders).where(*here).order_by(work_orders.c.number))
            return [order_of(row) for row in rows]

    def note(self, number: int, state: NoticeState, text: str, now: datetime) -> None:
        """Keep what became of an order's notice."""
        with writing(self._engine) as connection:
            values = {"notice": state, "notice_text": text, "notice_at": now}
            connection.execute(update(work_orders).where(work_orders.c.number == number).values(values))

    def calls_since(self, moment: datetime) -> list[datetime]:
        """When the webhook was called since then."""
        table = webhook_calls.c
        with reading(self._engine) as connection:
            query = select(table.at).where(table.account == self._account, table.at > moment).order_by(table.at)
            return list(connection.execute(query).scalars())

    def called(self, now: datetime) -> None:
        """The webhook is about to be called. Of older calls only the newest are kept."""
        table = webhook_calls.c
        with writing(self._engine) as connection:
            connection.execute(insert(webhook_calls).values(account=self._account, at=now))
            newest = connection.execute(select(func.max(table.number))).scalar_one()
            connection.execute(delete(webhook_calls).where(table.number <= newest - _CALLS_KEPT))


def order_of(row: Any, items: Iterable[Item] = (), stops: Iterable[Item] = ()) -> Order:
    """An order from its row, with its items and what must not be done any more."""
    return Order(
        row.number,
        row.created_at,
        tuple(items),
        tuple(stops),
        row.ready_at,
        row.notice,
        row.notice_at,
        row.notice_text,
    )
