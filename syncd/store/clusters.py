"""Gathering: from the dirty records to the clusters that `core.resolve` splits into humans.

A cluster is closed over links and addresses: whoever shares an account or an address with a dirty record is in it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import orjson
from sqlalchemy import Connection, Engine, bindparam, select, tuple_, update

from connectors.model import Account, normalise_email
from syncd.core.change import RecordKey
from syncd.core.diff import Ground, due
from syncd.core.humans import Cluster, Entry, Leaver, Link, Present, Verdict
from syncd.core.parts import Parts
from syncd.core.resolve import resolve
from syncd.core.rules import OUT_OF_SCOPE, Rules, Wanted
from syncd.store.accounts import to_account
from syncd.store.engine import reading, writing
from syncd.store.sql import among, chunks, rows_of
from syncd.store.tables import accounts, links, memberships, records


@dataclass(frozen=True, slots=True)
class Trust:
    """What the last reads of all sources allow to be concluded."""

    certified: frozenset[str]
    """Names of the sources whose last read was certified."""
    partial: frozenset[str] = frozenset()
    """Names of the sources of which some group was not read whole."""
    pinned: frozenset[RecordKey] = frozenset()
    """Records that a skipped row might have meant."""
    pinned_addresses: frozenset[str] = frozenset()


@dataclass(slots=True)
class _Gathered:
    """What a closure has found so far."""

    records: dict[RecordKey, tuple[Mapping[str, Any], str | None, datetime | None]] = field(default_factory=dict)
    links: dict[RecordKey, Link] = field(default_factory=dict)
    accounts: dict[str, Account] = field(default_factory=dict)
    groups: dict[RecordKey, list[str]] = field(default_factory=lambda: defaultdict(list))


def dirty_clusters(engine: Engine, rules: Rules, trust: Trust) -> Iterator[Cluster]:
    """Every cluster with a dirty record in it, each once."""
    done: set[RecordKey] = set()
    for page in _dirty_pages(engine):
        start = [key for key in page if key not in done]
        for cluster in gather(engine, start, rules, trust):
            done.update(entry.key for entry in cluster.entries)
            yield cluster
        done.difference_update(page)  # they are not met again: a million of them would stay for nothing


def clusters_of(engine: Engine, email: str, rules: Rules, trust: Trust) -> Iterator[Cluster]:
    """The clusters in which somebody has, or should have, this address."""
    address = normalise_email(email)
    with reading(engine) as connection:
        wanting = select(records.c.source, records.c.external_id).where(records.c.address == address)
        having = (
            select(links.c.source, links.c.external_id)
            .join(accounts, accounts.c.fluix_id == links.c.fluix_id)
            .where(accounts.c.address == address)
        )
        keys = {RecordKey(*row) for query in (wanting, having) for row in connection.execute(query)}
    yield from gather(engine, keys, rules, trust)


def reach(engine: Engine, email: str, rules: Rules) -> tuple[set[str], set[str]]:
    """The addresses and the accounts' ids that this address has to do with, as far as the store knows."""
    addresses, ids = set[str](), set[str]()
    for cluster in clusters_of(engine, email, rules, Trust(frozenset())):
        addresses |= {entry.shaped.email for entry in cluster.entries if entry.shaped.email}
        addresses |= {normalise_email(account.email) for account in cluster.accounts}
        ids |= {link.fluix_id for link in cluster.links} | {account.fluix_id for account in cluster.accounts}
    return addresses, ids


def settle(engine: Engine, keys: Iterable[RecordKey]) -> None:
    """Nothing is left to do or to say for these records: they are looked at again when something changes."""
    statement = (
        update(records)
        .where(
            records.c.source == bindparam("of"), records.c.kind == "person", records.c.external_id == bindparam("key")
        )
        .values(dirty=False)
    )
    for part in chunks(keys, 2000):
        with writing(engine) as connection:
            connection.execute(statement, [{"of": key.source, "key": key.external_id} for key in part])


def dirty_all(engine: Engine, rules: Rules) -> None:
    """Look at everybody again: the rules changed, or a full run was asked for. Works the addresses out anew.

    Whoever was just read by these rules is not written again: at the first run that is everybody.
    """
    statement = (
        update(records)
        .where(
            records.c.source == bindparam("of"), records.c.kind == "person", records.c.external_id == bindparam("key")
        )
        .values(address=bindparam("new_address"), dirty=True)
    )
    known = (records.c.source, records.c.external_id, records.c.attributes, records.c.address, records.c.dirty)
    query = select(*known).where(records.c.kind == "person")
    with reading(engine) as connection:
        for rows in connection.execution_options(yield_per=2000).execute(query).partitions():
            new = [
                {"of": source, "key": key, "new_address": address}
                for source, key, attributes, before, dirty in rows
                if (address := rules.address(attributes)) != before or not dirty
            ]
            if new:
                with writing(engine) as other:
                    other.execute(statement, new)


def touch_all(engine: Engine) -> None:
    """Look at everybody again, where their addresses are worked out as they should be."""
    with writing(engine, read_again=True) as connection:
        connection.execute(update(records).where(records.c.kind == "person", ~records.c.dirty).values(dirty=True))


def _dirty_pages(engine: Engine, size: int = 2000) -> Iterator[list[RecordKey]]:
    """Keys of the dirty records, page by page in the order of their keys."""
    last = RecordKey("", "")
    columns = (records.c.source, records.c.external_id)
    while True:
        query = (
            select(*columns)
            .where(records.c.dirty, records.c.kind == "person", tuple_(*columns) > tuple_(*last))
            .order_by(*columns)
            .limit(size)
        )
        with reading(engine) as connection:
            page = [RecordKey(*row) for row in connection.execute(query)]
        if not page:
            return
        yield page
        last = page[-1]


def gather(engine: Engine, start: Iterable[RecordKey], rules: Rules, trust: Trust) -> Iterator[Cluster]:
    """Close over links and addresses, beginning with these records, and split into clusters."""
    found = _Gathered()
    keys, ids, addresses = set(start), set[str](), set[str]()
    asked_keys, asked_ids, asked_addresses = set[RecordKey](), set[str](), set[str]()
    with reading(engine) as connection:
        while keys:
            asked_keys |= keys
            _load_records(connection, keys, found)
            _load_links(connection, keys, found)
            addresses = {found.records[key][1] or "" for key in keys if key in found.records} - asked_addresses - {""}
            ids = {found.links[key].fluix_id for key in keys if key in found.links} | _ids_at(connection, addresses)
            ids -= asked_ids
            asked_ids |= ids
            addresses |= _load_accounts(connection, ids, found) - asked_addresses
            asked_addresses |= addresses
            keys = (_keys_at(connection, addresses) | _keys_linked(connection, ids)) - asked_keys
        _load_groups(connection, found.records, found)
    yield from _split(found, rules, trust)


def _keys_at(connection: Connection, addresses: set[str]) -> set[RecordKey]:
    """The records with one of these addresses; answered from the index alone."""
    base = select(records.c.source, records.c.external_id).where(records.c.kind == "person")
    query = base.where(records.c.address.in_(among(connection, addresses)))
    return {RecordKey(*row) for row in rows_of(connection, query).fetchall()}


def _keys_linked(connection: Connection, ids: set[str]) -> set[RecordKey]:
    """The records that are linked to one of these accounts."""
    query = select(links.c.source, links.c.external_id).where(links.c.fluix_id.in_(among(connection, ids)))
    return {RecordKey(*row) for row in rows_of(connection, query).fetchall()}


def _ids_at(connection: Connection, addresses: set[str]) -> set[str]:
    """The accounts with one of these addresses."""
    query = select(accounts.c.fluix_id).where(accounts.c.address.in_(among(connection, addresses)))
    return {fluix_id for (fluix_id,) in rows_of(connection, query).fetchall()}


def _load_records(connection: Connection, keys: Iterable[RecordKey], found: _Gathered) -> None:
    columns = (records.c.external_id, records.c.attributes, records.c.address, records.c.gone_since)
    base = select(*columns).where(records.c.kind == "person")
    for source, ids in _by_source(keys).items():
        query = base.where(records.c.source == source, records.c.external_id.in_(among(connection, ids)))
        for external_id, attributes, address, gone_since in rows_of(connection, query).fetchall():
            since = datetime.fromisoformat(gone_since) if gone_since else None
            found.records[RecordKey(source, external_id)] = (orjson.loads(attributes), address, since)


def _load_links(connection: Connection, keys: Iterable[RecordKey], found: _Gathered) -> None:
    base = select(links.c.external_id, links.c.fluix_id, links.c.given, links.c.leaving_since, links.c.leaving_reads)
    for source, ids in _by_source(keys).items():
        query = base.where(links.c.source == source, links.c.external_id.in_(among(connection, ids)))
        for external_id, fluix_id, given, leaving_since, reads in rows_of(connection, query).fetchall():
            key = RecordKey(source, external_id)
            since = datetime.fromisoformat(leaving_since) if leaving_since else None
            found.links[key] = Link(key, fluix_id, orjson.loads(given), since, reads)


def _load_accounts(connection: Connection, ids: Iterable[str], found: _Gathered) -> set[str]:
    """Their addresses."""
    addresses: set[str] = set()
    base = select(accounts.c.fluix_id, accounts.c.attributes, accounts.c.address)
    query = base.where(accounts.c.fluix_id.in_(among(connection, ids)))
    for fluix_id, attributes, address in rows_of(connection, query).fetchall():
        found.accounts[fluix_id] = to_account(fluix_id, orjson.loads(attributes))
        addresses.add(address)
    return addresses


def _load_groups(connection: Connection, keys: Iterable[RecordKey], found: _Gathered) -> None:
    """The groups that group records put these persons into."""
    group = records.alias("group_record")
    base = (
        select(memberships.c.source, memberships.c.person_id, group.c.attributes)
        .join(
            group,
            (group.c.source == memberships.c.source)
            & (group.c.kind == "group")
            & (group.c.external_id == memberships.c.group_id),
        )
        .order_by(memberships.c.group_id)
    )
    for source, external_ids in _by_source(keys).items():
        query = base.where(memberships.c.source == source, memberships.c.person_id.in_(among(connection, external_ids)))
        for name, person_id, attributes in rows_of(connection, query).fetchall():
            found.groups[RecordKey(name, person_id)].append(str(orjson.loads(attributes)["display_name"]))


def _split(found: _Gathered, rules: Rules, trust: Trust) -> Iterator[Cluster]:
    """The connected parts of what was gathered. Nodes: a record's key, an address, and an account's id as `(id,)`."""
    parts = Parts()
    for key, (attributes, address, gone_since) in found.records.items():
        shaped = rules.shape(attributes, found.groups.get(key, ()))
        # A group that was not read whole may be what puts somebody out of scope.
        unsure = key.source in trust.partial and shaped.out == OUT_OF_SCOPE
        entry = Entry(
            key,
            shaped,
            gone_since,
            trusted=key.source in trust.certified and not unsure,
            pinned=key in trust.pinned,
            manager=str(attributes.get("manager", "")),
        )
        part = parts.joined(key, address) if address else parts.joined(key)
        part.entries.append(entry)
    for link in found.links.values():
        parts.joined(link.key, (link.fluix_id,)).links.append(link)
    for account in found.accounts.values():
        parts.joined((account.fluix_id,), normalise_email(account.email)).accounts.append(account)
    for part in parts:
        yield Cluster(part.entries, part.links, part.accounts, trust.pinned_addresses)


def _by_source(keys: Iterable[RecordKey]) -> dict[str, list[str]]:
    sorted_out: dict[str, list[str]] = defaultdict(list)
    for key in keys:
        sorted_out[key.source].append(key.external_id)
    return sorted_out


def verdicts(
    engine: Engine, keys: Iterable[RecordKey], rules: Rules, trust: Trust, *, adopt: bool, precedence: Sequence[str]
) -> Iterator[Verdict]:
    """What a plan made now would say of the people behind these records."""
    for cluster in gather(engine, keys, rules, trust):
        yield from resolve(cluster, adopt=adopt, precedence=precedence)


def leaving(found: Iterable[Verdict], ground: Ground) -> set[str]:
    """The accounts whose people left for certain, and have waited for long enough."""
    return {verdict.account.fluix_id for verdict in found if isinstance(verdict, Leaver) and due(verdict, ground)}


def taking_over(found: Iterable[Verdict]) -> set[tuple[RecordKey, str]]:
    """Which new records would take over which accounts: their sources' keys changed."""
    return {
        (verdict.records[0], verdict.account.fluix_id)
        for verdict in found
        if isinstance(verdict, Present) and verdict.account and verdict.replaces
    }


def adopted(found: Iterable[Verdict]) -> dict[RecordKey, Account]:
    """The accounts that are there already and become ours, by the records that they are linked to."""
    return {
        key: verdict.account
        for verdict in found
        if isinstance(verdict, Present) and verdict.account and not verdict.replaces
        for key in verdict.adopt
    }


def asking(engine: Engine, keys: Iterable[RecordKey], rules: Rules) -> dict[RecordKey, Wanted]:
    """What the live ones among these records ask for."""
    wanted = set(keys)
    return {
        entry.key: entry.shaped.wanted
        for cluster in gather(engine, wanted, rules, Trust(frozenset()))
        for entry in cluster.entries
        if entry.key in wanted and entry.live and entry.shaped.wanted
    }
