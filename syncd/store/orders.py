"""Keeps the portal's export and work orders. Decides nothing: what an export shows is `connectors.fluix.portal.proof`'s.

When an export shows an item to be done, the journal's step that was `ordered` becomes `done`, and links and audit follow,
all in the transaction in which the export itself is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, delete, func, insert, select, update

from connectors.fluix.portal.book import Closed, Holding, Item, LastExport, NoticeState, Order, Why
from connectors.model import normalise_email, normalise_name
from syncd.store import ordered
from syncd.store.audit import Event, append
from syncd.store.engine import reading, writing
from syncd.store.order_tables import portal_exports, portal_users, webhook_calls, work_items, work_orders
from syncd.store.sql import chunks, upsert

_CALLS_KEPT = 1000


class OrderBook:
    """The portal's book in the store.

    Args:
        engine: the store's.
        account: the portal's name.
        actor: tells who runs this, for the audit.
    """

    def __init__(self, engine: Engine, account: str, actor: Callable[[], str]) -> None:
        self._engine = engine
        self._account = account
        self._actor = actor
        self._places: ordered.Places = {}

    # the export

    def last_export(self) -> LastExport | None:
        """The export that was read last."""
        with reading(self._engine) as connection:
            row = connection.execute(select(portal_exports).where(portal_exports.c.account == self._account)).first()
        if row is None:
            return None
        return LastExport(row.file, row.dated_at, row.digest, row.users, row.final_break, row.states_told)

    def holdings(self, fluix_ids: Iterable[str] | None = None) -> dict[str, Holding]:
        """The users of the last export by id."""
        query = select(portal_users.c.fluix_id, portal_users.c.attributes).where(
            portal_users.c.account == self._account
        )
        parts = [None] if fluix_ids is None else list(chunks(fluix_ids))
        found: dict[str, Holding] = {}
        with reading(self._engine) as connection:
            for part in parts:
                rows = connection.execute(query if part is None else query.where(portal_users.c.fluix_id.in_(part)))
                found.update((fluix_id, _holding(fluix_id, attributes)) for fluix_id, attributes in rows)
        return found

    def holdings_at(self, addresses: Iterable[str]) -> dict[str, Holding]:
        """The users of the last export with these addresses, by address."""
        query = select(portal_users).where(portal_users.c.account == self._account)
        found: dict[str, Holding] = {}
        with reading(self._engine) as connection:
            for part in chunks(addresses):
                rows = connection.execute(query.where(portal_users.c.address.in_(part)))
                found.update((row.address, _holding(row.fluix_id, row.attributes)) for row in rows)
        return found

    def take(self, export: LastExport, holdings: Iterable[Holding], closed: Sequence[Closed], now: datetime) -> None:
        """Keep a new export, and what it shows to be done."""
        known = self.holdings()
        new = {holding.fluix_id: holding for holding in holdings}
        changed = [holding for fluix_id, holding in new.items() if known.get(fluix_id) != holding]
        # An address may have moved on to another user: who changed is taken out before anybody is put in.
        out = [fluix_id for fluix_id in known if fluix_id not in new or known[fluix_id] != new[fluix_id]]
        row = {
            "account": self._account,
            "file": export.file,
            "dated_at": export.dated_at,
            "read_at": now,
            "digest": export.digest,
            "users": export.users,
            "final_break": export.final_break,
            "states_told": export.states_told,
        }
        with writing(self._engine) as connection:
            for part in chunks(out):
                here = (portal_users.c.account == self._account, portal_users.c.fluix_id.in_(part))
                connection.execute(delete(portal_users).where(*here))
            for rows in chunks((self._user(holding) for holding in changed), 2000):
                connection.execute(insert(portal_users), rows)
            connection.execute(upsert(connection, portal_exports), [row])
            self._close(connection, closed, export.file, now)

    def _user(self, holding: Holding) -> dict[str, Any]:
        attributes = {
            "email": holding.email,
            "display_name": holding.display_name,
            "groups": sorted(holding.groups),
            "state": holding.state,
            "role": holding.role,
        }
        return {
            "account": self._account,
            "fluix_id": holding.fluix_id,
            "address": normalise_email(holding.email),
            "attributes": attributes,
        }

    def _close(self, connection: Connection, closed: Sequence[Closed], by: str, now: datetime) -> None:
        if not closed:
            return
        statement = (
            update(work_items)
            .where(work_items.c.operation_id == bindparam("of"))
            .values(closed_at=now, closed_by=by, fluix_id=bindparam("id"))
        )
        connection.execute(statement, [{"of": done.item.operation_id, "id": done.fluix_id} for done in closed])
        ordered.conclude(connection, closed, by, self._actor(), now)

    # what is ordered

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

    # handing over

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
        return _order(row, self._items(work_items.c.order_number == number), stops)

    def orders(self) -> list[Order]:
        """All orders that were handed over, the newest first."""
        here = (work_orders.c.account == self._account, work_orders.c.ready_at.is_not(None))
        with reading(self._engine) as connection:
            rows = connection.execute(select(work_orders).where(*here).order_by(work_orders.c.number.desc())).all()
        items: dict[int, list[Item]] = {}
        for item in self._items():
            items.setdefault(item.order, []).append(item)
        return [_order(row, items.get(row.number, [])) for row in rows]

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

    # the notice

    def notices(self, *states: NoticeState) -> list[Order]:
        """The orders whose notice is in one of these states, the oldest first."""
        here = (
            work_orders.c.account == self._account,
            work_orders.c.ready_at.is_not(None),
            work_orders.c.notice.in_(states),
        )
        with reading(self._engine) as connection:
            rows = connection.execute(select(work_orders).where(*here).order_by(work_orders.c.number))
            return [_order(row) for row in rows]

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


def _holding(fluix_id: str, attributes: Mapping[str, Any]) -> Holding:
    return Holding(fluix_id, **{**attributes, "groups": frozenset(attributes["groups"])})


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


def _order(row: Any, items: Iterable[Item] = (), stops: Iterable[Item] = ()) -> Order:
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
