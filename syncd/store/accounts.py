"""The target as it was last read: the same ingest by digest, for the other side.

Only accounts that changed are written, and make the persons linked to them dirty, so that what was changed in Fluix by hand
is seen by the next plan.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Iterator
from typing import Any, Final

import orjson
from sqlalchemy import Connection, Engine, delete, exists, func, select

from connectors.model import Account, AccountGroup, Certificate, normalise_email
from syncd.store import mdm_people
from syncd.store.engine import reading, writing
from syncd.store.records import touch
from syncd.store.sql import chunks, upsert
from syncd.store.tables import accounts, links

_SEEN: Final = b"seen"


def ingest_accounts(
    engine: Engine, stream: Iterable[AccountGroup | Account | Certificate]
) -> tuple[list[AccountGroup], Certificate]:
    """Take in one read of the target.

    Returns:
        The account's groups, and the read's certificate. Nothing is taken for absent when it is not certified.

    Raises:
        ConnectorError: the target could not be read.
    """
    groups: list[AccountGroup] = []
    certificate = Certificate(0, reasons=("the read ended without a certificate",))
    with reading(engine) as connection:
        known: dict[str, bytes] = dict(connection.execute(select(accounts.c.fluix_id, accounts.c.digest)).all())

    def changed() -> Iterator[dict[str, Any]]:
        nonlocal certificate
        for item in stream:
            if isinstance(item, Account):
                row = _row(item)
                if known.get(item.fluix_id) != row["digest"]:
                    yield row
                known[item.fluix_id] = _SEEN
            elif isinstance(item, AccountGroup):
                groups.append(item)
            else:
                certificate = item

    for rows in chunks(changed()):
        with writing(engine, read_again=True) as connection:
            connection.execute(upsert(connection, accounts), rows)
            _touch_linked(connection, [row["fluix_id"] for row in rows])
            mdm_people.note(connection, [row["fluix_id"] for row in rows])
    if certificate.certified:
        for ids in chunks(key for key, value in known.items() if value is not _SEEN):
            with writing(engine, read_again=True) as connection:
                _touch_linked(connection, ids)
                mdm_people.note(connection, ids)
                connection.execute(delete(accounts).where(accounts.c.fluix_id.in_(ids)))
    return groups, certificate


def ingest_some(engine: Engine, asked: Collection[str], there: Collection[Account]) -> None:
    """Take in a few accounts as they are now; who was asked for by id and is not there is gone.

    Args:
        engine: the store's.
        asked: ids.
        there: who was found, by id or in another way.
    """
    rows = {row["fluix_id"]: row for row in map(_row, there)}
    gone = set(asked) - rows.keys()
    with writing(engine, read_again=True) as connection:
        known = select(accounts.c.fluix_id, accounts.c.digest).where(accounts.c.fluix_id.in_(list(rows)))
        same = {fluix_id for fluix_id, digest in connection.execute(known) if rows[fluix_id]["digest"] == digest}
        new = [row for fluix_id, row in rows.items() if fluix_id not in same]
        if new:
            connection.execute(upsert(connection, accounts), new)
        _touch_linked(connection, [row["fluix_id"] for row in new] + sorted(gone))
        mdm_people.note(connection, [row["fluix_id"] for row in new] + sorted(gone))
        connection.execute(delete(accounts).where(accounts.c.fluix_id.in_(gone)))


def _row(account: Account) -> dict[str, Any]:
    attributes = {
        "email": account.email,
        "display_name": account.display_name,
        "state": account.state,
        "groups": sorted(account.groups),
    }
    return {
        "fluix_id": account.fluix_id,
        "digest": hashlib.blake2b(orjson.dumps(attributes), digest_size=16).digest(),
        "address": normalise_email(account.email),
        "attributes": attributes,
    }


def _touch_linked(connection: Connection, fluix_ids: list[str]) -> None:
    query = select(links.c.source, links.c.external_id).where(links.c.fluix_id.in_(fluix_ids))
    by_source: dict[str, list[str]] = {}
    for source, external_id in connection.execute(query):
        by_source.setdefault(source, []).append(external_id)
    for source, external_ids in by_source.items():
        touch(connection, source, external_ids)


def to_account(fluix_id: str, attributes: dict[str, Any]) -> Account:
    """The account that a row of the cache stands for."""
    return Account(fluix_id, **{**attributes, "groups": frozenset(attributes["groups"])})


def id_of(engine: Engine, email: str) -> str | None:
    """The id of the account with this address, as last read; None when there is none."""
    with reading(engine) as connection:
        query = select(accounts.c.fluix_id).where(accounts.c.address == normalise_email(email))
        return connection.execute(query).scalar()


def count_foreign(engine: Engine) -> int:
    """How many accounts are there, as last read, to which no link leads."""
    with reading(engine) as connection:
        linked = exists().where(links.c.fluix_id == accounts.c.fluix_id)
        return connection.execute(select(func.count()).select_from(accounts).where(~linked)).scalar_one()
