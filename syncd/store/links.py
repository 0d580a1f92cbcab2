"""What we own: which record each account was made from, what we last gave it, and since when it has been leaving."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, Engine, bindparam, delete, func, select, tuple_, update

from connectors.model import Outcome, Step, normalise_name
from syncd.core.change import Change, RecordKey
from syncd.core.humans import Leaver, Link
from syncd.core.ownership import ATTRIBUTES, share_of
from syncd.store.audit import Event, append
from syncd.store.engine import reading, writing
from syncd.store.sql import chunks, upsert
from syncd.store.tables import group_links, links, records


def follow(connection: Connection, done: Sequence[tuple[Change, Step, Outcome]]) -> None:
    """What we own and gave, after these steps were done; inside the transaction that says so."""
    new: list[Link] = []
    gone: list[Change] = []
    changed: list[tuple[Change, Step]] = []
    for change, step, outcome in done:
        match step.verb:
            case "create_user":
                assert outcome.fluix_id is not None
                new += [Link(key, outcome.fluix_id, _new(change, key)) for key in change.records]
            case "update_user" | "add_member" | "remove_member":
                changed.append((change, step))
            case "delete_user":
                gone.append(change)
            case "rename_group":
                _rename_given(connection, change)
            case _:
                pass
    write_links(connection, new)
    _write_given(connection, changed)
    _forget(connection, gone)


def write_links(connection: Connection, new: Iterable[Link]) -> None:
    """Own accounts."""
    rows = [
        {
            "source": link.key.source,
            "external_id": link.key.external_id,
            "fluix_id": link.fluix_id,
            "given": dict(link.given),
            "leaving_since": None,
            "leaving_reads": 0,
        }
        for link in new
    ]
    if rows:
        connection.execute(upsert(connection, links), rows)


def adopt(engine: Engine, new: Sequence[Link], actor: str, now: datetime) -> None:
    """Own accounts that were there already, with a line in the audit for each."""
    for part in chunks(new, 2000):
        with writing(engine) as connection:
            write_links(connection, part)
            events = [Event(actor, "adopt", str(link.key), {"fluix_id": link.fluix_id}) for link in part]
            append(connection, events, now)


def note(engine: Engine, changed: Iterable[Link]) -> None:
    """Write anew what these links' sources gave; whoever was linked anew meanwhile is left."""
    statement = (
        update(links)
        .where(
            links.c.source == bindparam("of"),
            links.c.external_id == bindparam("key"),
            links.c.fluix_id == bindparam("account"),
        )
        .values(given=bindparam("to"))
    )
    for part in chunks(changed, 2000):
        with writing(engine) as connection:
            connection.execute(statement, [_row(link) for link in part])


def _row(link: Link) -> dict[str, Any]:
    return {"of": link.key.source, "key": link.key.external_id, "account": link.fluix_id, "to": dict(link.given)}


def relink(connection: Connection, change: Change) -> None:
    """The account goes on under the record's new key, with all that was given under the old ones."""
    here = links.c.fluix_id == change.fluix_id
    rows = connection.execute(select(links.c.given).where(here).order_by(links.c.source, links.c.external_id))
    told = [given for (given,) in rows if given]
    groups = {normalise_name(name): name for given in told for name in given.get("groups", [])}
    given = {**told[0], "groups": sorted(groups.values())} if told else {}
    connection.execute(delete(links).where(here))
    assert change.fluix_id is not None
    write_links(connection, [Link(key, change.fluix_id, given) for key in change.records])


def _new(change: Change, key: RecordKey) -> dict[str, Any]:
    after = change.after or {}
    return {**{name: after[name] for name in ATTRIBUTES if name in after}, "groups": share_of(change, key)}


def _write_given(connection: Connection, changed: Sequence[tuple[Change, Step]]) -> None:
    by_id: dict[str, list[tuple[Change, Step]]] = defaultdict(list)
    for change, step in changed:
        if (change.after or {}).get("record"):
            relink(connection, change)
        elif step.fluix_id:
            by_id[step.fluix_id].append((change, step))
    columns = (links.c.source, links.c.external_id, links.c.fluix_id, links.c.given)
    statement = (
        update(links)
        .where(links.c.source == bindparam("of"), links.c.external_id == bindparam("key"))
        .values(given=bindparam("to"))
    )
    for part in chunks(by_id):
        rows = connection.execute(select(*columns).where(links.c.fluix_id.in_(part)))
        new = [
            {"of": source, "key": name, "to": _given(RecordKey(source, name), given, by_id[fluix_id])}
            for source, name, fluix_id, given in rows
        ]
        if new:
            connection.execute(statement, new)


def _given(key: RecordKey, given: Mapping[str, Any], changed: Iterable[tuple[Change, Step]]) -> dict[str, Any]:
    """What one link says after these steps: a membership is given by those whose change it is, and taken from everybody."""
    new = dict(given)
    groups = {normalise_name(name): name for name in new.get("groups", [])}
    for change, step in changed:
        if step.verb == "update_user":
            new |= change.after or {}
        elif step.verb == "remove_member":
            groups.pop(normalise_name(change.group or ""), None)
        elif key in change.records:
            groups[normalise_name(change.group or "")] = change.group
    return {**new, "groups": sorted(filter(None, groups.values()))}


def _rename_given(connection: Connection, change: Change) -> None:
    old, new = (change.before or {})["display_name"], (change.after or {})["display_name"]
    connection.execute(update(group_links).where(group_links.c.name == old).values(name=new))
    rows = connection.execute(select(links.c.source, links.c.external_id, links.c.given))
    key = normalise_name(old)
    for source, external_id, given in rows:
        names = [new if normalise_name(name) == key else name for name in given.get("groups", [])]
        if names != given.get("groups", []):
            here = (links.c.source == source, links.c.external_id == external_id)
            connection.execute(update(links).where(*here).values(given={**given, "groups": names}))


def _forget(connection: Connection, deleted: Sequence[Change]) -> None:
    for ids in chunks(change.fluix_id for change in deleted):
        connection.execute(delete(links).where(links.c.fluix_id.in_(ids)))
    keys = [{"of": key.source, "key": key.external_id} for change in deleted for key in change.records]
    gone = delete(records).where(
        records.c.source == bindparam("of"),
        records.c.kind == "person",
        records.c.external_id == bindparam("key"),
        records.c.gone_since.is_not(None),
    )
    if keys:
        connection.execute(gone, keys)


def accounts_of(engine: Engine, keys: Iterable[RecordKey]) -> dict[RecordKey, str]:
    """The accounts that these records are linked to."""
    found: dict[RecordKey, str] = {}
    with reading(engine) as connection:
        for part in chunks(keys):
            query = select(links.c.source, links.c.external_id, links.c.fluix_id)
            named = tuple_(links.c.source, links.c.external_id).in_([tuple(key) for key in part])
            found |= {
                RecordKey(source, key): fluix_id for source, key, fluix_id in connection.execute(query.where(named))
            }
    return found


def managed(engine: Engine) -> int:
    """How many accounts are ours."""
    with reading(engine) as connection:
        return connection.execute(select(func.count(func.distinct(links.c.fluix_id)))).scalar_one()


def not_owned(engine: Engine, fluix_ids: Iterable[str]) -> set[str]:
    """Those of these accounts to which no link leads."""
    ids = set(fluix_ids)
    with reading(engine) as connection:
        if connection.execute(select(links.c.fluix_id).limit(1)).first():
            for part in chunks(list(ids)):
                query = select(links.c.fluix_id).where(links.c.fluix_id.in_(part))
                ids -= set(connection.execute(query).scalars())
    return ids


def count_leaving(
    engine: Engine, leavers: Iterable[tuple[Leaver, bool]], stayed: Iterable[Link], now: datetime
) -> None:
    """Count on how long leavers have been leaving (whether this read counts is told with each), and forget it of others."""
    leaving = (
        update(links)
        .where(links.c.source == bindparam("of"), links.c.external_id == bindparam("key"))
        .values(leaving_since=bindparam("since"), leaving_reads=bindparam("reads"))
    )
    rows = [
        {
            "of": link.key.source,
            "key": link.key.external_id,
            "since": min(link.leaving_since or now, now),
            "reads": link.leaving_reads + counts,
        }
        for leaver, counts in leavers
        for link in leaver.links
    ]
    rows += [{"of": link.key.source, "key": link.key.external_id, "since": None, "reads": 0} for link in stayed]
    for part in chunks(rows):
        with writing(engine) as connection:
            connection.execute(leaving, part)


def not_yet(engine: Engine, wanted: Iterable[Link]) -> list[Link]:
    """Those of these links that are not there yet."""
    missing: list[Link] = []
    with reading(engine) as connection:
        for link in wanted:
            here = (links.c.source == link.key.source, links.c.external_id == link.key.external_id)
            if connection.execute(select(links.c.fluix_id).where(*here)).scalar() != link.fluix_id:
                missing.append(link)
    return missing
