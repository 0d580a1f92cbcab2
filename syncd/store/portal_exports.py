"""Keeps the portal's last export, and closes what it shows to be done. What that is `connectors.fluix.portal.proof` decides.

When an export shows an item to be done, the journal's step that was `ordered` becomes `done`, and links and audit follow,
all in the transaction in which the export itself is kept.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, delete, insert, select, update

from connectors.fluix.portal.book import Closed, Holding, LastExport
from connectors.model import normalise_email
from syncd.store import ordered
from syncd.store.engine import reading, writing
from syncd.store.order_tables import portal_exports, portal_users, work_items
from syncd.store.sql import chunks, upsert


class ExportBook:
    """The half of the portal's book that is about exports.

    Args:
        engine: the store's.
        account: the portal's name.
        actor: tells who runs this, for the audit.
    """

    def __init__(self, engine: Engine, account: str, actor: Callable[[], str]) -> None:
        self._engine = engine
        self._account = account
        self._actor = actor

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


def _holding(fluix_id: str, attributes: Mapping[str, Any]) -> Holding:
    return Holding(fluix_id, **{**attributes, "groups": frozenset(attributes["groups"])})
