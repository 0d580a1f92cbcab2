"""When the 30 days are over: the personal data of deleted users vanishes from the whole store, its free pages too.

Every text of every table is searched, but for those that hold what is there now. Who is a user again keeps what is stored
elsewhere: only the kept set-up goes. What a directory says of a person now is the directory's to take back.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from sqlalchemy import Connection, Engine, Text, cast, delete, exists, literal, select, update
from sqlalchemy.exc import OperationalError

from connectors.fluix.account import retention
from connectors.fluix.account.tables import groups as account_groups
from connectors.fluix.account.tables import users as account_users
from scim import feed
from scim.moments import text_of
from scim.tables import resources as pushed
from syncd.core.needles import Needles, Person, folded
from syncd.core.returning import KEPT
from syncd.store import audit as chain
from syncd.store import previews, searching, whatifs
from syncd.store.engine import reading, writing
from syncd.store.sql import chunks, upsert
from syncd.store.tables import (
    accounts,
    group_links,
    journal,
    ledger,
    ledger_records,
    links,
    memberships,
    meta,
    plan_changes,
    records,
    sizes,
)
from syncd.store.wishes import forget_people

_WIPE: Final = "wipe"
"""The fact that is remembered until the free pages were cleared as well."""


_PATIENCE_MS: Final = 2000
"""How long others who use the store are waited for; it is tried again by the next run."""


@dataclass(slots=True)
class _Departed:
    """One person whose time is over, with everything that the person was called."""

    mark: str
    address: str
    fluix_ids: set[str] = field(default_factory=set)
    numbers: set[int] = field(default_factory=set)
    user_ids: set[int] = field(default_factory=set)
    returned_ids: set[str] = field(default_factory=set)
    keys: set[tuple[str, str]] = field(default_factory=set)
    emails: set[str] = field(default_factory=set)
    names: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class Erased:
    """What one call erased."""

    people: int = 0
    """Whose data vanished from the whole store."""
    present: int = 0
    """Who are users again: only the kept set-up went."""
    rows: int = 0
    """In how many other rows something was erased."""
    wiped: bool = True
    """Whether the free pages were cleared as well; if not, somebody else was using the store, and the next call tries again."""


def erase_due(engine: Engine, now: datetime, actor: str = "syncd") -> Erased:
    """Erase what has been kept long enough. Writes nothing when nothing is due.

    Call it when the account was read since the last of those deletions: who is a user is known from there.

    Args:
        engine: the store's.
        now: the present moment.
        actor: for the audit.

    Raises:
        StoreError: the store could not be written; then nothing was erased.
    """
    _forget_pushed(engine, now)
    previews.forget_old(engine, now)
    whatifs.forget_old(engine, now)
    if forget_people(engine, now - KEPT):
        with writing(engine) as connection:
            connection.execute(upsert(connection, meta), {"name": _WIPE, "value": "due"})
    departed = _due(engine, now)
    if not departed:
        return Erased(wiped=_wipe(engine))
    gone = [person for person in departed if not _is_back(engine, person)]
    _learn(engine, gone)
    needles = Needles([_needle(person) for person in gone], _shared(engine, gone))
    by_id = {fluix_id: person.mark for person in gone for fluix_id in person.fluix_ids}
    found = list(searching.search(engine, needles, by_id)) if gone else []
    places = list(searching.audit_places(engine, needles)) if gone else []
    with writing(engine) as connection:
        for spot in found:
            searching.replace(connection, spot)
        chain.erase(connection, places, actor, now)
        _forget_leftovers(connection, gone)
        _close(connection, departed, now)
        connection.execute(upsert(connection, meta), {"name": _WIPE, "value": "due"})
    return Erased(len(gone), len(departed) - len(gone), len(found) + len(places), _wipe(engine))


def _forget_pushed(engine: Engine, now: datetime) -> None:
    """Forget the users whom an identity provider deleted that long ago; the engine has read that they are gone."""
    before = text_of(now - KEPT)
    old = select(pushed.c.tenant).distinct().where(pushed.c.deleted_at < before)
    with reading(engine) as connection:
        tenants = list(connection.execute(old).scalars())
    for tenant in tenants:
        with writing(engine) as connection:
            feed.forget(connection, tenant, before)
            connection.execute(upsert(connection, meta), {"name": _WIPE, "value": "due"})


def _due(engine: Engine, now: datetime) -> list[_Departed]:
    """Everybody whose set-up was kept long enough, one for each address."""
    people: dict[str, _Departed] = {}
    with reading(engine) as connection:
        query = select(ledger).where(ledger.c.state.in_(["deleted", "begun"]), ledger.c.deleted_at <= now - KEPT)
        for row in connection.execute(query.order_by(ledger.c.id)):
            one = people.setdefault(row.address, _Departed(f"erased-{row.id}", row.address))
            one.numbers.add(row.id)
            one.emails |= {row.setup["email"]} | ({row.returned_as} if row.returned_as else set())
            one.names |= {name for name in [row.setup.get("display_name")] if name}
            one.fluix_ids.add(row.fluix_id)
            one.returned_ids |= {row.returned_id} if row.returned_id else set()
        for due in retention.due(connection, now):
            one = people.setdefault(due.address, _Departed(f"erased-u{due.user_id}", due.address))
            one.user_ids.add(due.user_id)
            one.emails.update(due.emails)
            one.names.update(due.names)
        by_number = {number: one for one in people.values() for number in one.numbers}
        for part in chunks(by_number):
            for row in connection.execute(select(ledger_records).where(ledger_records.c.ledger_id.in_(part))):
                by_number[row.ledger_id].keys.add((row.source, row.external_id))
    return list(people.values())


def _is_back(engine: Engine, person: _Departed) -> bool:
    """Whether this person is a user now: under the address, or as the account that was made anew or never deleted."""
    ids = person.fluix_ids | person.returned_ids
    here = [
        select(accounts.c.fluix_id).where(accounts.c.address == person.address),
        select(accounts.c.fluix_id).where(accounts.c.fluix_id.in_(ids)),
        select(links.c.fluix_id).where(links.c.fluix_id.in_(person.returned_ids)),
        select(account_users.c.user_id).where(account_users.c.email_key == person.address),
    ]
    with reading(engine) as connection:
        return any(connection.execute(query.limit(1)).first() for query in here)


def _learn(engine: Engine, people: Iterable[_Departed]) -> None:
    """What these people were called before: by what was done to their accounts."""
    by_id = {fluix_id: person for person in people for fluix_id in person.fluix_ids}
    with reading(engine) as connection:
        done: list[tuple[str, int, str]] = []
        for part in chunks(by_id):
            query = select(journal.c.fluix_id, journal.c.plan_id, journal.c.key).where(journal.c.fluix_id.in_(part))
            done += [(row.fluix_id, row.plan_id, row.key) for row in connection.execute(query)]
        for fluix_id, plan_id, key in done:
            here = (plan_changes.c.plan_id == plan_id, plan_changes.c.key == key)
            change = connection.execute(select(plan_changes.c.change).where(*here)).scalar()
            for values in (change["before"] or {}, change["after"] or {}) if change else ():
                by_id[fluix_id].emails.update({values["email"]} if values.get("email") else ())
                by_id[fluix_id].names.update({values["display_name"]} if values.get("display_name") else ())
            by_id[fluix_id].emails.update({change["user"]} if change and change["user"] else ())


def _shared(engine: Engine, people: Sequence[_Departed]) -> set[str]:
    """Those emails and names of these people that somebody else has now: users, and groups."""
    emails = {folded(email) for person in people for email in person.emails}
    names = {folded(name) for person in people for name in person.names}
    shared: set[str] = set()
    if not (emails or names):
        return shared
    with reading(engine) as connection:
        for address in (accounts.c.address, account_users.c.email_key):
            for part in chunks(emails):
                shared.update(connection.execute(select(address).where(address.in_(part))).scalars())
        for name in (account_users.c.name, account_groups.c.name, group_links.c.name, sizes.c.group_name):
            shared |= names & set(map(folded, connection.execute(select(name)).scalars()))
        cached = connection.execute(select(accounts.c.attributes)).scalars()
        shared |= names & {folded(attributes["display_name"]) for attributes in cached}
    return shared


def _forget_leftovers(connection: Connection, people: Iterable[_Departed]) -> None:
    """Links, records and cached accounts of people who were deleted by hand, as far as no directory names them now."""
    people = list(people)
    ids = {fluix_id for person in people for fluix_id in person.fluix_ids}
    keys = {key for person in people for key in person.keys}
    for part in chunks(ids):
        owned = select(links.c.source, links.c.external_id).where(links.c.fluix_id.in_(part))
        keys.update((row.source, row.external_id) for row in connection.execute(owned))
        # The link stays where a directory names the person: it tells that somebody deleted the account on purpose.
        connection.execute(update(links).where(links.c.fluix_id.in_(part)).values(given={}))
        connection.execute(delete(accounts).where(accounts.c.fluix_id.in_(part)))
    for source, external_id in keys:
        person = (records.c.source == source, records.c.kind == "person", records.c.external_id == external_id)
        if connection.execute(select(records.c.digest).where(*person, records.c.gone_since.is_(None))).first():
            continue
        link = (links.c.source == source, links.c.external_id == external_id)
        connection.execute(delete(links).where(*link, links.c.fluix_id.in_(ids)))
        linked = exists().where(links.c.source == source, links.c.external_id == external_id)
        connection.execute(delete(records).where(*person, ~linked))
        member = (memberships.c.source == source, memberships.c.person_id == external_id)
        connection.execute(delete(memberships).where(*member, ~linked))


def _close(connection: Connection, people: Iterable[_Departed], now: datetime) -> None:
    """The kept set-ups go, whoever is back."""
    people = list(people)
    blank = {
        "address": None,
        "setup": None,
        "returned_as": None,
        "returned_id": None,
        "state": "erased",
        "erased_at": now,
    }
    for part in chunks(number for person in people for number in person.numbers):
        here = ledger.c.id.in_(part)
        connection.execute(delete(ledger_records).where(ledger_records.c.ledger_id.in_(part)))
        connection.execute(delete(ledger).where(here, ledger.c.state == "begun"))
        nobody = literal("erased:") + cast(ledger.c.id, Text)
        connection.execute(update(ledger).where(here).values(**blank, operation_id=nobody, fluix_id=nobody))
    retention.erase(connection, (user_id for person in people for user_id in person.user_ids), now)


def _wipe(engine: Engine) -> bool:
    """Clear what erased rows left in free pages and in the log beside the file; only when something was erased.

    The file is written anew (VACUUM), since clearing pages as they become free misses the copies that moving rows leaves
    behind. Somebody who reads for long delays it until the next call.
    """
    with reading(engine) as connection:
        if connection.execute(select(meta.c.value).where(meta.c.name == _WIPE)).scalar() != "due":
            return True
        if engine.dialect.name == "sqlite" and not _rewritten(connection):
            return False
    with writing(engine) as connection:
        connection.execute(delete(meta).where(meta.c.name == _WIPE))
    return True


def _rewritten(connection: Connection) -> bool:
    """Whether the file and its log could be written anew."""
    patience = connection.exec_driver_sql("PRAGMA busy_timeout").scalar_one()
    try:
        connection.exec_driver_sql(f"PRAGMA busy_timeout={_PATIENCE_MS}")
        connection.exec_driver_sql("PRAGMA temp_store=FILE")  # not the whole store in memory
        connection.exec_driver_sql("VACUUM")
        return not connection.exec_driver_sql("PRAGMA wal_checkpoint(TRUNCATE)").scalar()
    except OperationalError as error:
        if "locked" not in str(error.orig):
            raise
        return False
    finally:
        connection.exec_driver_sql("PRAGMA temp_store=MEMORY")
        connection.exec_driver_sql(f"PRAGMA busy_timeout={patience}")


def _needle(person: _Departed) -> Person:
    return Person(person.mark, frozenset(person.emails | {person.address}), frozenset(person.names))
