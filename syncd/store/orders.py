"""Keeps the portal's work orders, item by item. Decides nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, func, insert, select, update

from connectors.fluix.portal.book import Closed, Item, NoticeState, Order, Why
from connectors.model import normalise_name
from syncd.store import ordered
from syncd.store.audit import Event, append
from syncd.store.engine import reading, writing
from syncd.store.order_notices import NoticeBook, order_of
from syncd.store.order_tables import work_items, work_orders
from syncd.store.sql import chunks


class OrderBook(NoticeBook):
    """The portal's book in the store: exports, orders and their notices; see `connectors.fluix.portal.book`."""

    def __init__(self, engine: Engine, account: str, actor: Callable[[], str]) -> None:
        super().__init__(engine, account, actor)
        self._places: ordered.Places = {}

    def whys(self, operation_ids: Iterable[str]) -> dict[str, Why]:
        """Why these operations are wanted."""
        with reading(self._engine) as connection:
            return ordered.whys(connection, operation_ids, self._places)

    def waiting(self, identities: Iterable[str], operation_ids: Iterable[str]) -> tuple[dict[str, str], dict[str, str]]:
        """Which of these wishes wait already, and which operations were ordered ever."""
        table = work_items.c
        wishes: dict[str, str] = {}
        operations: dict[str, str] = {}
        with reading(self._engine) as connection:
            for part in chunks(identities):
                query = select(table.wish, table.order_number).where(
                    table.account == self._account, table.closed_at.is_(None), table.wish.in_(part)
                )
                wishes.update((wish, f"w{number}") for wish, number in connection.execute(query))
            for part in chunks(operation_ids):
                query = select(table.operation_id, table.order_number, table.withdrawn_at)
                for row in connection.execute(query.where(table.operation_id.in_(part))):
                    operations[row.operation_id] = "" if row.withdrawn_at else f"w{row.order_number}"
        return wishes, operations

    def unfinished(self) -> list[Item]:
        """Every item that is not closed, in their order."""
        return self._items(work_items.c.closed_at.is_(None))

    def _items(self, *conditions: Any) -> list[Item]:
        query = (
            select(work_items)
            .where(work_items.c.account == self._account, *conditions)
            .order_by(work_items.c.order_number, work_items.c.place)
        )
        with reading(self._engine) as connection:
            return [_item(row) for row in connection.execute(query)]

    def made_groups(self) -> list[str]:
        """Groups that an admin said were made, as they are called by now."""
        done = (work_items.c.confirmed_at.is_not(None), work_items.c.closed_at.is_not(None))
        names: dict[str, str] = {}
        for item in self._items(work_items.c.verb.in_(("create_group", "rename_group")), *done):
            name = str(item.values["display_name"])
            if item.verb == "rename_group":
                names.pop(normalise_name(name), None)
                name = str(item.values["new_name"])
            names[normalise_name(name)] = name
        return list(names.values())

    def collect(self, items: Sequence[Item], now: datetime) -> str:
        """Put items into the order that is being collected."""
        with writing(self._engine) as connection:
            number = self._collecting(connection) or self._begin(connection, now)
            query = select(func.max(work_items.c.place)).where(work_items.c.order_number == number)
            last = connection.execute(query).scalar() or 0
            rows = [self._row(item, number, place) for place, item in enumerate(items, last + 1)]
            connection.execute(insert(work_items), rows)
        return f"w{number}"

    def _collecting(self, connection: Connection) -> int | None:
        here = (work_orders.c.account == self._account, work_orders.c.ready_at.is_(None))
        return connection.execute(select(work_orders.c.number).where(*here)).scalar()

    def _begin(self, connection: Connection, now: datetime) -> int:
        row = {"account": self._account, "created_at": now, "notice": "none", "notice_text": ""}
        key = connection.execute(insert(work_orders).values(row)).inserted_primary_key
        assert key is not None
        return int(key[0])

    def _row(self, item: Item, number: int, place: int) -> dict[str, Any]:
        why = item.why
        return {
            "operation_id": item.operation_id,
            "account": self._account,
            "order_number": number,
            "place": place,
            "asked_by": item.of,
            "wish": item.identity,
            "verb": item.verb,
            "fluix_id": item.fluix_id,
            "content": {
                "values": dict(item.values),
                "why": [why.key, why.user, why.reason, why.approved_by, dict(why.before)],
            },
            "in_import": item.in_import,
            "ordered_at": item.ordered_at,
            "closed_by": "",
            "confirmed_by": "",
            "withdrawn_why": "",
        }

    def withdraw(self, why: Mapping[str, str], now: datetime) -> None:
        """Withdraw the unfinished items with these identities; wanted again is every other."""
        items = self.unfinished()
        out = [item for item in items if item.identity in why and item.withdrawn_at is None]
        back = [item for item in items if item.identity not in why and item.withdrawn_at is not None]
        statement = (
            update(work_items)
            .where(work_items.c.operation_id == bindparam("of"))
            .values(withdrawn_at=bindparam("at"), withdrawn_why=bindparam("why"), told_in=None)
        )
        rows = [{"of": item.operation_id, "at": now, "why": why[item.identity]} for item in out]
        rows += [{"of": item.operation_id, "at": None, "why": ""} for item in back]
        if rows:
            with writing(self._engine) as connection:
                connection.execute(statement, rows)

    def collected(self) -> Order | None:
        """The order that is being collected, with the withdrawals that nobody was told of."""
        stops = self._items(
            work_items.c.closed_at.is_(None),
            work_items.c.withdrawn_at.is_not(None),
            work_items.c.told_in.is_(None),
        )
        with reading(self._engine) as connection:
            number = self._collecting(connection)
        if number is None:
            if not stops:
                return None
            with writing(self._engine) as connection:
                number = self._begin(connection, max(item.withdrawn_at for item in stops if item.withdrawn_at))
        found = self._order(number)
        assert found is not None
        return replace(found, stops=tuple(item for item in stops if item.order != number))

    def ready(self, order: Order, now: datetime, notice: NoticeState) -> None:
        """The order's files are there, with its items numbered so."""
        number = update(work_items).where(work_items.c.operation_id == bindparam("of")).values(place=bindparam("to"))
        with writing(self._engine) as connection:
            here = work_orders.c.number == order.number
            connection.execute(update(work_orders).where(here).values(ready_at=now, notice=notice))
            if order.items:
                connection.execute(number, [{"of": item.operation_id, "to": item.place} for item in order.items])
            for part in chunks(item.operation_id for item in order.stops):
                told = work_items.c.operation_id.in_(part)
                over = {"told_in": order.number, "closed_at": now, "closed_by": "withdrawn"}
                connection.execute(update(work_items).where(told).values(over))
            ordered.give_up(connection, order.stops, self._actor(), now)

    def order(self, number: int) -> Order | None:
        """One order that was handed over."""
        found = self._order(number)
        return found if found and found.ready_at else None

    def _order(self, number: int) -> Order | None:
        here = (work_orders.c.account == self._account, work_orders.c.number == number)
        with reading(self._engine) as connection:
            row = connection.execute(select(work_orders).where(*here)).first()
        if row is None:
            return None
        stops = self._items(work_items.c.told_in == number)
        return order_of(row, self._items(work_items.c.order_number == number), stops)

    def orders(self) -> list[Order]:
        """All orders that were handed over, the newest first."""
        here = (work_orders.c.account == self._account, work_orders.c.ready_at.is_not(None))
        with reading(self._engine) as connection:
            rows = connection.execute(select(work_orders).where(*here).order_by(work_orders.c.number.desc())).all()
        items: dict[int, list[Item]] = {}
        for item in self._items():
            items.setdefault(item.order, []).append(item)
        return [order_of(row, items.get(row.number, [])) for row in rows]

    def confirm(self, item: Item, by: str, now: datetime, *, closes: bool) -> None:
        """A person says that it was done."""
        with writing(self._engine) as connection:
            values: dict[str, Any] = {"confirmed_at": now, "confirmed_by": by}
            here = work_items.c.operation_id == item.operation_id
            connection.execute(update(work_items).where(here).values(values))
            detail = {"work_order": f"w{item.order}", "item": item.place, "key": item.why.key}
            append(connection, [Event(by, "confirm", item.why.user, detail)], now)
            if closes:
                self._close(connection, [Closed(item, item.fluix_id)], by, now)


def _item(row: Any) -> Item:
    values = row.content["values"]
    return Item(
        row.operation_id,
        row.asked_by,
        row.wish,
        row.verb,
        row.fluix_id,
        {name: tuple(value) if isinstance(value, list) else value for name, value in values.items()},
        Why(*row.content["why"]),
        row.ordered_at,
        row.in_import,
        row.order_number,
        row.place,
        row.closed_at,
        row.confirmed_at,
        row.confirmed_by,
        row.withdrawn_at,
        row.withdrawn_why,
        row.told_in,
    )
