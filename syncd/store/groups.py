"""Group records of sources that have them (LDAP, SCIM), and what each is called in Fluix: so that a rename is seen as one."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sqlalchemy import Engine, select

from syncd.core.change import RecordKey
from syncd.store.engine import reading, writing
from syncd.store.sql import upsert
from syncd.store.tables import group_links, records


def group_names(engine: Engine) -> dict[RecordKey, str]:
    """What each group record's group is called in Fluix, as far as it was met before."""
    with reading(engine) as connection:
        return {RecordKey(row.source, row.external_id): row.name for row in connection.execute(select(group_links))}


def name_groups(engine: Engine, names: Mapping[RecordKey, str]) -> None:
    """Keep what group records' groups are called in Fluix."""
    rows = [{"source": key.source, "external_id": key.external_id, "name": name} for key, name in names.items()]
    if rows:
        with writing(engine) as connection:
            connection.execute(upsert(connection, group_links), rows)


def owned(engine: Engine) -> list[tuple[str, RecordKey, str]]:
    """Groups by their names in Fluix, with the record of each and the external id of who owns it there."""
    record = (
        (records.c.source == group_links.c.source)
        & (records.c.external_id == group_links.c.external_id)
        & (records.c.kind == "group")
        & records.c.gone_since.is_(None)
    )
    query = (
        select(group_links.c.name, group_links.c.source, group_links.c.external_id, records.c.attributes)
        .join(records, record)
        .order_by(group_links.c.name, group_links.c.source)
    )
    with reading(engine) as connection:
        return [
            (name, RecordKey(source, key), str(attributes["owner"]))
            for name, source, key, attributes in connection.execute(query)
            if attributes.get("owner")
        ]


def group_records(engine: Engine, sources: Iterable[str]) -> dict[RecordKey, str]:
    """The group records that were read of these sources, and their names there."""
    query = select(records.c.source, records.c.external_id, records.c.attributes).where(
        records.c.source.in_(list(sources)), records.c.kind == "group", records.c.gone_since.is_(None)
    )
    with reading(engine) as connection:
        rows = connection.execute(query)
        return {RecordKey(source, key): str(attributes["display_name"]) for source, key, attributes in rows}
